"""Feeds of changes: of documents in a database, and of the databases of a server."""

import itertools
import threading
from collections.abc import Iterator

import pytest

from couch.client import couch
from couch.database import Database
from couch.errors import MissingDatabase
from couch.feeds import DatabaseUpdate


@pytest.fixture(autouse=True)
def global_changes(couchdb: str) -> None:
    """The database without which a CouchDB has no ``_db_updates``."""
    couch().create("_global_changes")


def wait_for(updates: Iterator[DatabaseUpdate | None], database: Database, kind: str) -> str:
    """The sequence of an update of a database, as soon as it is heard."""
    for update in updates:
        if update is not None and (update.name, update.kind) == (database.name, kind):
            return update.seq
    raise AssertionError("the feed ended")


def test_changes_have_documents_and_go_on_where_the_last_page_ended(new_database: Database) -> None:
    for number in range(5):
        new_database.put({"_id": str(number), "number": number})
    first = new_database.changes("0", 3)
    assert (len(first.docs), first.has_more) == (3, True)
    second = new_database.changes(first.last_seq, 3)
    assert (len(second.docs), second.has_more) == (2, False)
    assert {doc["number"] for doc in first.docs + second.docs} == set(range(5))
    end = new_database.changes(second.last_seq, 3)
    assert (end.docs, end.has_more) == ([], False)


def test_a_deleted_document_is_told_as_deleted(new_database: Database) -> None:
    doc = new_database.put({"_id": "a", "secret": 1})
    new_database.delete("a", doc["_rev"])
    (deleted,) = new_database.changes("0", 10).docs
    assert (deleted["_id"], deleted["_deleted"]) == ("a", True)
    assert "secret" not in deleted


def test_changes_of_a_missing_database_are_its_error() -> None:
    with pytest.raises(MissingDatabase):
        couch().database("account/00/00/0000000000000000000000000000").changes("0", 1)


def test_local_documents_are_stored_and_change_nothing(new_database: Database) -> None:
    assert new_database.get_local("place") is None
    for number in range(3):
        new_database.put_local("place", {"number": number})
    stored = new_database.get_local("place")
    assert stored is not None
    assert stored["number"] == 2
    assert new_database.changes("0", 10).docs == []


def test_updates_of_databases_are_heard_as_they_happen(new_database: Database) -> None:
    updates = couch().follow_database_updates(couch().database_updates("now").last_seq, 0.5)
    assert next(updates, "ended") != "ended"  # connected
    new_database.put({"_id": "a"})
    seq = wait_for(updates, new_database, "updated")
    couch().drop(new_database.name)
    wait_for(updates, new_database, "deleted")
    later = couch().database_updates(seq).updates
    assert (new_database.name, "deleted") in [(update.name, update.kind) for update in later]


def test_a_quiet_feed_has_heartbeats(couchdb: str) -> None:
    updates = couch().follow_database_updates("now", 0.2)
    assert len(list(itertools.islice(updates, 3))) == 3


def test_several_feeds_and_requests_go_on_side_by_side(new_database: Database) -> None:
    since = couch().database_updates("now").last_seq
    feeds = [couch().follow_database_updates(since, 0.5) for _ in range(5)]
    seqs: list[str] = []
    threads = [
        threading.Thread(target=lambda feed=feed: seqs.append(wait_for(feed, new_database, "updated")))
        for feed in feeds
    ]
    for thread in threads:
        thread.start()
    new_database.put({"_id": "a"})
    for thread in threads:
        thread.join(30)
    assert len(seqs) == 5
