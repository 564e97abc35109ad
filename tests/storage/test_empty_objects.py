"""Empty objects that a tool has written as arrays: documents are read as their schemas have them."""

from collections.abc import Callable
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database, Document
from storage import empty_objects
from tests.support import kazoo_documents
from tests.support.kazoo_documents import BOX_ID, MESSAGE_ID, USER_ID

BOX = kazoo_documents.vmbox(media=[], notify={"callback": []}, flags=[], members=[], aliases=[], custom=[])
RESTORED = {"media": {}, "notify": {"callback": {}}, "flags": [], "members": [], "aliases": [], "custom": []}


def read_by_id(database: Database, doc_id: str) -> Document | None:
    return database.get(doc_id)


def read_many(database: Database, doc_id: str) -> Document | None:
    return database.fetch([doc_id, "0" * 32])[doc_id]


def read_page(database: Database, doc_id: str) -> Document | None:
    doc: Document = database.all_docs(startkey=doc_id, limit=1, include_docs=True)[0]["doc"]
    return doc


def read_together(database: Database, doc_id: str) -> Document | None:
    doc, docs = couch().fetch_both(database.get_request(doc_id), database.fetch_request([doc_id, "0" * 32]))
    assert docs == {doc_id: doc}
    return doc


@pytest.mark.parametrize("read", [read_by_id, read_many, read_page, read_together])
def test_documents_are_read_with_the_objects_of_their_schema(
    new_database: Database, read: Callable[[Database, str], Document | None]
) -> None:
    new_database.put(BOX)
    box = read(new_database, BOX_ID)
    assert box is not None
    assert {name: box[name] for name in RESTORED} == RESTORED


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        (kazoo_documents.user(caller_id=[], media={"audio": []}), {"caller_id": {}, "media": {"audio": {}}}),
        (kazoo_documents.account(caller_id={"internal": []}), {"caller_id": {"internal": {}}, "pvt_tree": []}),
        (kazoo_documents.message(history=[]) | {"metadata": []}, {"metadata": {}, "history": []}),
        (kazoo_documents.vmbox(messages=[[], {"media_id": []}]), {"messages": [[], {"media_id": []}]}),
        (kazoo_documents.vmbox(messages=[]), {"messages": []}),
        ({"_id": USER_ID, "pvt_type": "device", "media": []}, {"media": []}),
        ({"_id": USER_ID, "pvt_type": [], "media": []}, {"media": []}),
    ],
)
def test_each_type_has_its_own_objects(doc: Document, expected: dict[str, Any]) -> None:
    empty_objects.restore_objects(doc)
    assert {name: doc[name] for name in expected} == expected


def test_a_change_stores_the_object(new_database: Database) -> None:
    new_database.put(kazoo_documents.message() | {"metadata": []})
    new_database.update(MESSAGE_ID, lambda doc: {**doc, "name": "New"})
    # Not read as a document, so that nothing restores it.
    request = new_database.server.resource(new_database.name).get([MESSAGE_ID])
    assert b'"metadata":{}' in request[2].read()
