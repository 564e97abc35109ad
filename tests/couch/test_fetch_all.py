"""Several requests to CouchDB of which none waits for another."""

import threading

import pytest

from couch.client import Couch, couch
from couch.database import Database
from couch.errors import MissingDatabase, MissingView, Unreachable
from tests.support.scripted_server import ScriptedServer, response, scripted_server
from tests.support.servers import free_port


@pytest.fixture
def absent(new_database: Database) -> Database:
    return couch().database(f"{new_database.name}-209901")


def couch_of(server: ScriptedServer) -> Couch:
    return Couch(server.url, connect_timeout=2, read_timeout=1)


def fetch_a_and_b(couch_there: Couch) -> object:
    database = couch_there.database("x")
    return couch_there.fetch_both(database.get_request("a"), database.get_request("b"))


def test_both_results_are_returned(new_database: Database) -> None:
    stored = new_database.put_all([{"_id": doc_id} for doc_id in ("a", "b", "c é")])
    doc, docs = couch().fetch_both(
        new_database.get_request("a"), new_database.fetch_request(["b", "c é", "b", "absent"])
    )
    assert doc == {"_id": "a", "_rev": stored[0].rev}
    assert {doc["_id"]: doc["_rev"] for doc in docs.values()} == {"b": stored[1].rev, "c é": stored[2].rev}


def test_a_missing_document_is_none(new_database: Database, absent: Database) -> None:
    assert couch().fetch_both(new_database.get_request("x"), absent.get_request("x")) == (None, None)
    assert couch().fetch_both(new_database.fetch_request(["x"]), absent.fetch_request(["x", "y"])) == ({}, {})


def test_an_id_of_couchdbs_own_is_no_document(new_database: Database) -> None:
    new_database.put_design({"_id": "_design/v", "views": {}})
    for doc_id in ("_design/v", "_all_docs", ""):
        assert couch().fetch_both(new_database.get_request(doc_id), new_database.fetch_request([doc_id])) == (
            None,
            {},
        )


def test_a_deleted_document_is_missing(new_database: Database) -> None:
    for name in ("a", "b"):
        new_database.delete(name, new_database.put({"_id": name})["_rev"])
    assert couch().fetch_both(new_database.get_request("a"), new_database.fetch_request(["a", "b"])) == (None, {})


def test_rows_of_a_view_can_be_one_of_the_results(new_database: Database) -> None:
    new_database.put_design({"_id": "_design/v", "views": {"by_id": {"map": "function (doc) { emit(doc._id, 1); }"}}})
    new_database.put({"_id": "a"})
    doc, rows = couch().fetch_both(
        new_database.get_request("a"), new_database.view_request("v", "by_id", key="a", include_docs=True)
    )
    assert doc is not None
    assert [(row["key"], row["doc"]) for row in rows] == [("a", doc)]


def test_a_missing_view_and_a_missing_database_are_different_errors(new_database: Database, absent: Database) -> None:
    with pytest.raises(MissingView):
        couch().fetch_both(new_database.get_request("a"), new_database.view_request("none", "by_id", key="a"))
    with pytest.raises(MissingDatabase):
        couch().fetch_both(new_database.get_request("a"), absent.view_request("none", "by_id", key="a"))


def test_all_requests_are_sent_before_the_first_is_answered() -> None:
    all_sent = threading.Barrier(3, timeout=30)

    def answer(request: bytes, number: int) -> bytes:
        all_sent.wait()
        return response(b"{}")

    with scripted_server(answer) as server:
        couch_there = couch_of(server)
        requests = [couch_there.database("x").get_request(doc_id) for doc_id in "abc"]
        assert couch_there.fetch_all(requests) == [{}, {}, {}]


def test_connections_are_kept_for_the_next_requests() -> None:
    with scripted_server(lambda request, number: response(b"{}")) as server:
        couch_there = couch_of(server)
        for _ in range(3):
            fetch_a_and_b(couch_there)
        assert server.connections == 2


def test_a_request_whose_connection_broke_is_sent_again() -> None:
    has_broken = threading.Event()

    def answer(request: bytes, number: int) -> bytes | None:
        if b"/x/b " in request and not has_broken.is_set():
            has_broken.set()
            return None
        return response(b"{}")

    with scripted_server(answer) as server:
        assert fetch_a_and_b(couch_of(server)) == ({}, {})
        assert sum(b"/x/b " in request for request in server.requests) == 2
        assert sum(b"/x/a " in request for request in server.requests) == 1


def test_a_server_that_does_not_answer_in_time_is_asked_once_for_each() -> None:
    with scripted_server(lambda request, number: b"") as server:
        with pytest.raises(Unreachable):
            fetch_a_and_b(couch_of(server))
        assert len(server.requests) == 2


def test_an_error_of_one_request_is_raised_and_the_other_given_up() -> None:
    is_well, b_has_come = threading.Event(), threading.Event()

    def answer(request: bytes, number: int) -> bytes:
        if is_well.is_set():
            return response(b"{}")
        if b"/x/b " in request:
            b_has_come.set()
            return b""
        b_has_come.wait(30)
        return response(b"{}", "500 Error")

    with scripted_server(answer) as server:
        couch_there = couch_of(server)
        with pytest.raises(Unreachable):
            fetch_a_and_b(couch_there)
        is_well.set()
        assert fetch_a_and_b(couch_there) == ({}, {})
        assert server.connections == 3  # the one that was answered is used again


def test_nobody_listening_is_unreachable() -> None:
    port = free_port()
    with pytest.raises(Unreachable):
        fetch_a_and_b(Couch(f"http://127.0.0.1:{port}", connect_timeout=1, read_timeout=1))
