"""Writes of documents, and how caches notice them."""

import pytest

from couch.database import Database, Document
from couch.errors import Conflict
from crossbar.errors import BadIdentifier, Forbidden
from storage import document_cache, documents
from storage.document_cache import DocumentCache

BOX = {"_id": "b" * 32, "pvt_type": "vmbox", "name": "Box"}


@pytest.fixture
def cache() -> DocumentCache[str]:
    """A cache of names."""
    return DocumentCache(10, 60)


def forbid(doc: Document) -> None:
    raise Forbidden()


def test_a_cached_value_is_read_once(cache: DocumentCache[str]) -> None:
    assert cache.get("db", "1") is None
    assert cache.get_or_read("db", "1", lambda: "old") == "old"
    assert cache.get_or_read("db", "1", lambda: "new") == "old"
    assert cache.get_or_read("db", "2", lambda: "other") == "other"


@pytest.mark.parametrize("write", ["put", "put_all", "update", "change", "soft_delete"])
def test_whatever_is_written_leaves_the_caches(new_database: Database, cache: DocumentCache[str], write: str) -> None:
    doc = documents.put(new_database, BOX)
    cache.put(new_database.name, BOX["_id"], "Box", document_cache.generation())
    match write:
        case "put":
            documents.put(new_database, doc)
        case "put_all":
            documents.put_all(new_database, [doc])
        case "update":
            documents.update(new_database, doc["_id"], lambda stored: {**stored, "name": "New"})
        case "change":
            documents.change(new_database, doc["_id"], "vmbox", lambda stored: {**stored, "name": "New"})
        case _:
            documents.soft_delete(new_database, doc["_id"], "vmbox")
    assert cache.get(new_database.name, BOX["_id"]) is None


def test_a_write_that_fails_leaves_the_caches_too(new_database: Database, cache: DocumentCache[str]) -> None:
    documents.put(new_database, BOX)
    cache.put(new_database.name, BOX["_id"], "Box", document_cache.generation())
    with pytest.raises(Conflict):
        documents.put(new_database, BOX)
    assert cache.get(new_database.name, BOX["_id"]) is None


def test_what_was_read_before_a_change_is_not_cached_after_it(
    new_database: Database, cache: DocumentCache[str]
) -> None:
    def read() -> str:
        name: str = (new_database.get(BOX["_id"]) or {})["name"]
        documents.update(new_database, BOX["_id"], lambda stored: {**stored, "name": "New"})
        return name

    documents.put(new_database, BOX)
    assert cache.get_or_read(new_database.name, BOX["_id"], read) == "Box"
    assert cache.get(new_database.name, BOX["_id"]) is None


def test_a_change_that_the_guard_forbids_is_not_made(new_database: Database) -> None:
    doc = documents.put(new_database, BOX)
    with pytest.raises(Forbidden):
        documents.change(new_database, doc["_id"], "vmbox", lambda stored: {**stored, "name": "New"}, guard=forbid)
    with pytest.raises(Forbidden):
        documents.soft_delete(new_database, doc["_id"], "vmbox", guard=forbid)
    assert new_database.get(doc["_id"]) == doc


def test_only_live_documents_of_the_type_are_changed(new_database: Database) -> None:
    doc = documents.put(new_database, BOX)
    for doc_id, pvt_type in (("missing", "vmbox"), (doc["_id"], "user")):
        with pytest.raises(BadIdentifier):
            documents.change(new_database, doc_id, pvt_type, lambda stored: stored)
    deleted = documents.soft_delete(new_database, doc["_id"], "vmbox", pvt_removed_at=5)
    assert (deleted["pvt_deleted"], deleted["pvt_removed_at"], deleted["name"]) == (True, 5, "Box")
    with pytest.raises(BadIdentifier):
        documents.soft_delete(new_database, doc["_id"], "vmbox")
