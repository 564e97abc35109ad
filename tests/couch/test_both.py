"""Two requests to CouchDB of which none waits for the other."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from couch.client import Couch, Database, couch
from couch.errors import MissingDatabase, MissingView, Unreachable
from couch.session import Session

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
Answers = Callable[[bytes, int], bytes | None]


@pytest.fixture
def absent(new_database: Database) -> Database:
    return couch().database(f"{new_database.name}-209901")


@pytest.fixture
def serving() -> Iterator[Callable[[Answers], tuple[Couch, list[bytes]]]]:
    """Starts a server that answers each request (its bytes and number), or with None hangs up; what it was asked."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def start(answers: Answers) -> tuple[Couch, list[bytes]]:
        asked: list[bytes] = []

        def serve(accepted: socket.socket) -> None:
            with accepted:
                while (request := accepted.recv(65_536)) and not ended.is_set():
                    asked.append(request)
                    answer = answers(request, len(asked))
                    if answer is None:
                        return
                    if not answer:
                        ended.wait(60)  # it never answers
                    accepted.sendall(answer)

        def accept() -> None:
            while True:
                try:
                    accepted, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(accepted,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        return Couch(url, connect_timeout=2, read_timeout=1), asked

    with closing(listening):
        yield start
        ended.set()


def test_both_are_found(new_database: Database) -> None:
    stored = new_database.bulk([{"_id": one} for one in ("a", "b", "c é")])
    one, several = couch().both(new_database.wish_for("a"), new_database.wish_for_all(["b", "c é", "b", "absent"]))
    assert one == {"_id": "a", "_rev": stored[0].rev}
    assert {doc["_id"]: doc["_rev"] for doc in several.values()} == {"b": stored[1].rev, "c é": stored[2].rev}


def test_what_is_missing_is_none(new_database: Database, absent: Database) -> None:
    assert couch().both(new_database.wish_for("x"), absent.wish_for("x")) == (None, None)
    assert couch().both(new_database.wish_for_all(["x"]), absent.wish_for_all(["x", "y"])) == ({}, {})


def test_a_deleted_document_is_missing(new_database: Database) -> None:
    for name in ("a", "b"):
        new_database.delete(name, new_database.put({"_id": name})["_rev"])
    assert couch().both(new_database.wish_for("a"), new_database.wish_for_all(["a", "b"])) == (None, {})


def test_rows_of_a_view_come_too(new_database: Database) -> None:
    new_database.put({"_id": "_design/v", "views": {"by_id": {"map": "function (doc) { emit(doc._id, 1); }"}}})
    new_database.put({"_id": "a"})
    doc, rows = couch().both(
        new_database.wish_for("a"), new_database.wish_for_rows("v", "by_id", key="a", include_docs=True)
    )
    assert doc is not None
    assert [(row["key"], row["doc"]) for row in rows] == [("a", doc)]


def test_a_missing_view_is_told_from_a_missing_database(new_database: Database, absent: Database) -> None:
    with pytest.raises(MissingView):
        couch().both(new_database.wish_for("a"), new_database.wish_for_rows("none", "by_id", key="a"))
    with pytest.raises(MissingDatabase):
        couch().both(new_database.wish_for("a"), absent.wish_for_rows("none", "by_id", key="a"))


def test_both_were_sent_before_one_is_answered(serving: Callable[[Answers], tuple[Couch, list[bytes]]]) -> None:
    together = threading.Barrier(2, timeout=30)

    def answers(request: bytes, number: int) -> bytes:
        together.wait()
        return OK + b"2\r\n\r\n{}"

    server, _ = serving(answers)
    database = server.database("x")
    assert server.both(database.wish_for("a"), database.wish_for("b")) == ({}, {})


def test_connections_are_kept_for_the_next(serving: Callable[[Answers], tuple[Couch, list[bytes]]]) -> None:
    server, _ = serving(lambda request, number: OK + b"2\r\n\r\n{}")
    database = server.database("x")
    for _ in range(3):
        server.both(database.wish_for("a"), database.wish_for("b"))
    session = server._session
    assert isinstance(session, Session)
    assert [len(idle) for idle in session.pool._idle.values()] == [2]


def test_what_broke_is_asked_again(serving: Callable[[Answers], tuple[Couch, list[bytes]]]) -> None:
    first = threading.Event()

    def answers(request: bytes, number: int) -> bytes | None:
        if b"/x/b " in request and not first.is_set():
            first.set()
            return None
        return OK + b"2\r\n\r\n{}"

    server, asked = serving(answers)
    database = server.database("x")
    assert server.both(database.wish_for("a"), database.wish_for("b")) == ({}, {})
    assert sum(b"/x/b " in request for request in asked) == 2
    assert sum(b"/x/a " in request for request in asked) == 1


def test_who_hangs_is_waited_for_once(serving: Callable[[Answers], tuple[Couch, list[bytes]]]) -> None:
    server, asked = serving(lambda request, number: b"")
    database = server.database("x")
    with pytest.raises(Unreachable):
        server.both(database.wish_for("a"), database.wish_for("b"))
    assert len(asked) == 2  # each once


def test_an_error_of_one_is_told_and_leaves_no_connection_open(
    serving: Callable[[Answers], tuple[Couch, list[bytes]]],
) -> None:
    server, _ = serving(
        lambda request, number: b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n" if b"/x/a " in request else b""
    )
    database = server.database("x")
    with pytest.raises(Unreachable):
        server.both(database.wish_for("a"), database.wish_for("b"))
    session = server._session
    assert isinstance(session, Session)
    assert [len(idle) for idle in session.pool._idle.values()] == [1]  # that of the one that was answered


def test_nobody_there_is_told(couchdb: object) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
    database = Couch(f"http://127.0.0.1:{port}", connect_timeout=1, read_timeout=1).database("x")
    with pytest.raises(Unreachable):
        database.server.both(database.wish_for("a"), database.wish_for("b"))
