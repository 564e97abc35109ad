"""Documents that are erased in CouchDB: nothing of any of their revisions stays."""

import io
import time
from typing import Any

import requests
from django.conf import settings

from couch import erasing
from couch.client import couch
from couch.database import Database
from tests.support.servers import direct

MARK = "Qz~Mark~Zq"


def url_of(database: Database, path: str) -> str:
    return f"{settings.COUCHDB_URL.rstrip('/')}/{database.name.replace('/', '%2F')}/{path}"


def graft(database: Database, *docs: dict[str, Any]) -> None:
    """Store revisions as a replication does."""
    body = {"docs": list(docs), "new_edits": False}
    response = direct().post(url_of(database, "_bulk_docs"), json=body, timeout=60)
    assert response.status_code == 201, response.text


def leaves(database: Database, doc_id: str) -> list[dict[str, Any]]:
    response = direct().get(
        url_of(database, f"{doc_id}?open_revs=all"), headers={"Accept": "application/json"}, timeout=60
    )
    return [row["ok"] for row in response.json()]


def compact(database: Database) -> None:
    erasing.start_compaction(couch(), database.name)
    while erasing.is_compacting(couch(), database.name):
        time.sleep(0.05)


def status_of(database: Database, path: str) -> int:
    response: requests.Response = direct().get(url_of(database, path), timeout=60)
    return response.status_code


def test_bodies_and_attachments_of_all_revisions_are_gone_after_a_compaction(new_database: Database) -> None:
    first = new_database.put_with_attachment(
        {"_id": "a", "text": MARK}, "sound.mp3", "audio/mpeg", io.BytesIO(b"ID3 sound"), 9
    )
    second = new_database.put({**first, "more": MARK})
    assert erasing.erase_documents(couch(), new_database.name, {"a": second["_rev"]}) == []
    assert new_database.get("a") is None
    compact(new_database)
    revisions = [("a", first["_rev"]), ("a", second["_rev"])]
    assert not erasing.is_any_readable(couch(), new_database.name, revisions)
    for _, rev in revisions:
        assert status_of(new_database, f"a?rev={rev}") == 404
        assert status_of(new_database, f"a/sound.mp3?rev={rev}") == 404
    assert [doc.keys() - {"_id", "_rev", "_deleted"} for doc in leaves(new_database, "a")] == [set()]


def test_conflicting_revisions_and_those_of_deletions_that_say_something_are_emptied(new_database: Database) -> None:
    graft(
        new_database,
        {"_id": "a", "_rev": f"1-{'a' * 32}", "text": MARK},
        {"_id": "a", "_rev": f"1-{'b' * 32}", "text": MARK},
        {"_id": "a", "_rev": f"1-{'c' * 32}", "text": MARK, "_deleted": True},
        {"_id": "b", "_rev": f"1-{'d' * 32}", "text": MARK, "_deleted": True},
    )
    assert erasing.erase_documents(couch(), new_database.name, {"a": "", "b": "", "missing": ""}) == []
    for doc_id in ("a", "b"):
        assert all(doc.keys() <= {"_id", "_rev", "_deleted"} for doc in leaves(new_database, doc_id))
    before = [doc["_rev"] for doc in leaves(new_database, "a")]
    assert erasing.erase_documents(couch(), new_database.name, {"a": ""}) == []
    assert [doc["_rev"] for doc in leaves(new_database, "a")] == before


def test_a_document_that_has_another_revision_by_now_is_left(new_database: Database) -> None:
    docs = [new_database.put({"_id": doc_id, "text": MARK}) for doc_id in ("a", "b")]
    new_database.put({**docs[0], "text": "changed"})
    revisions = {doc["_id"]: doc["_rev"] for doc in docs}
    assert erasing.erase_documents(couch(), new_database.name, revisions) == ["a"]
    assert (new_database.get("a") or {})["text"] == "changed"
    assert new_database.get("b") is None
