"""The client for CouchDB: what it stores and finds, and what it raises when it can't."""

import hashlib
import io
import threading
from collections.abc import Callable

import pytest
from django.conf import settings

from couch.client import Couch, couch
from couch.database import Database
from couch.errors import Conflict, MissingDatabase, MissingView, Rejected, Unauthorized, Unreachable
from couch.parallel import in_parallel
from tests.support.scripted_server import response, scripted_server
from tests.support.servers import free_port

VIEW = {"_id": "_design/v", "views": {"by_id": {"map": "function (doc) { emit(doc._id, null); }"}}}


def test_a_database_is_created_once(new_database: Database) -> None:
    assert couch().create(new_database.name) is False
    assert couch().names(new_database.name) == [new_database.name]
    assert couch().exists(new_database.name)
    assert couch().infos([new_database.name, "absent"])[new_database.name]["doc_count"] == 0


def test_a_dropped_database_is_gone(new_database: Database) -> None:
    assert couch().drop(new_database.name) is True
    assert couch().drop(new_database.name) is False
    with pytest.raises(MissingDatabase):
        new_database.put({"_id": "x"})
    with pytest.raises(MissingDatabase):
        new_database.info()


def test_credentials_may_be_an_administrators_or_not(new_database: Database) -> None:
    assert couch().is_administrator()
    scheme, _, address = settings.COUCHDB_URL.partition("://")
    stranger = Couch(f"{scheme}://nobody:wrong@{address.rpartition('@')[2]}", connect_timeout=1, read_timeout=5)
    assert not stranger.is_administrator()
    with pytest.raises(Unauthorized):
        stranger.database(new_database.name).get("x")


@pytest.mark.parametrize("doc_id", ["_design/v", "_local/x", "_all_docs", "_", ""])
def test_an_id_that_couchdb_keeps_for_itself_is_no_documents(new_database: Database, doc_id: str) -> None:
    new_database.put_design({"_id": "_design/v", "views": {}})
    assert new_database.get(doc_id) is None
    assert new_database.fetch([doc_id]) == new_database.fetch([doc_id, ""]) == {}
    assert new_database.update(doc_id, lambda doc: doc) is None
    writes: list[Callable[[], object]] = [
        lambda: new_database.put({"_id": doc_id}),
        lambda: new_database.put_all([{"_id": "a"}, {"_id": doc_id}]),
        lambda: new_database.delete(doc_id, "1-a"),
        lambda: new_database.put_with_attachment({"_id": doc_id}, "a.mp3", "audio/mpeg", io.BytesIO(b"a"), 1),
    ]
    for write in writes:
        with pytest.raises(Rejected):
            write()
    assert [row["id"] for row in new_database.all_docs()] == ["_design/v"]


def test_a_missing_document_is_none(new_database: Database) -> None:
    assert new_database.get("nothing") is None


def test_a_stored_document_comes_back_with_its_revision(new_database: Database) -> None:
    stored = new_database.put({"_id": "a/b é", "n": 1})
    assert new_database.get("a/b é") == stored
    assert stored["_rev"].startswith("1-")


def test_a_stale_revision_is_a_conflict(new_database: Database) -> None:
    first = new_database.put({"_id": "x"})
    new_database.put({**first, "n": 2})
    with pytest.raises(Conflict):
        new_database.put({**first, "n": 3})
    with pytest.raises(Conflict):
        new_database.delete("x", first["_rev"])
    assert (new_database.get("x") or {})["n"] == 2


def test_each_document_of_a_bulk_write_has_a_result_of_its_own(new_database: Database) -> None:
    new_database.put({"_id": "taken"})
    saved = new_database.put_all([{"_id": "taken"}, {"_id": "free"}])
    assert [(one.id, one.error) for one in saved] == [("taken", "conflict"), ("free", None)]
    assert set(new_database.fetch(["taken", "free", "absent"])) == {"taken", "free"}


def test_updates_of_many_threads_are_all_counted(new_database: Database) -> None:
    new_database.put({"_id": "counter", "n": 0})

    def count() -> None:
        for _ in range(4):
            new_database.update("counter", lambda doc: {**doc, "n": doc["n"] + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (new_database.get("counter") or {})["n"] == 16


def test_a_missing_view_and_a_missing_database_are_different_errors(new_database: Database) -> None:
    with pytest.raises(MissingView):
        new_database.view("v", "by_id")
    with pytest.raises(MissingDatabase):
        couch().database(new_database.name + "-200001").view("v", "by_id")


def test_a_streamed_view_gives_every_row_once(new_database: Database) -> None:
    new_database.put_design(VIEW)
    new_database.put_all([{"_id": f"d{n:03d}"} for n in range(25)])
    rows = list(new_database.stream_view("v", "by_id", page=7))
    assert [row["id"] for row in rows] == [f"d{n:03d}" for n in range(25)]


def test_several_queries_of_a_view_are_answered_in_order(new_database: Database) -> None:
    new_database.put_design(VIEW)
    new_database.put_all([{"_id": "a"}, {"_id": "b"}])
    assert [len(rows) for rows in new_database.view_all("v", "by_id", [{"key": "b"}, {"key": "z"}, {}])] == [1, 0, 2]


def test_a_document_and_its_attachment_are_stored_together(new_database: Database) -> None:
    audio = hashlib.sha512(b"audio").digest() * 20_000
    stored = new_database.put_with_attachment(
        {"_id": "m"}, "two words.mp3", "audio/mpeg", io.BytesIO(audio), len(audio)
    )
    assert stored["_rev"].startswith("1-")
    stream = new_database.open_attachment("m", "two words.mp3")
    assert stream is not None
    assert stream.length == len(audio)
    assert b"".join(stream) == audio


def test_an_attachment_copied_as_a_stream_is_the_same(new_database: Database) -> None:
    audio = bytes(range(256)) * 4_000
    new_database.put_with_attachment({"_id": "from"}, "a.mp3", "audio/mpeg", io.BytesIO(audio), len(audio))
    stream = new_database.open_attachment("from", "a.mp3")
    assert stream is not None
    new_database.put_with_attachment({"_id": "to"}, "a.mp3", "audio/mpeg", stream, stream.length)
    copy = new_database.open_attachment("to", "a.mp3")
    assert copy is not None
    assert copy.read() == audio


def test_a_file_shorter_than_its_length_stores_nothing(new_database: Database) -> None:
    with pytest.raises(ValueError, match="early"):
        new_database.put_with_attachment({"_id": "short"}, "a.mp3", "audio/mpeg", io.BytesIO(b"12"), 1_000)
    assert new_database.get("short") is None


def test_a_range_has_a_status_and_a_missing_attachment_is_none(new_database: Database) -> None:
    new_database.put_with_attachment({"_id": "m"}, "a.mp3", "audio/mpeg", io.BytesIO(b"0123456789"), 10)
    part = new_database.open_attachment("m", "a.mp3", headers={"Range": "bytes=2-4"})
    assert part is not None
    assert (part.status, part.read()) == (206, b"234")
    beyond = new_database.open_attachment("m", "a.mp3", headers={"Range": "bytes=99-"})
    assert beyond is not None
    assert beyond.status == 416
    assert new_database.open_attachment("m", "other.mp3") is None
    assert new_database.open_attachment("nobody", "a.mp3") is None


def test_requested_attachments_are_read_in_any_order(new_database: Database) -> None:
    sounds = {f"m{n}": bytes([n]) * 300_000 for n in range(3)}
    revs = {}
    for one, sound in sounds.items():
        doc = new_database.put_with_attachment({"_id": one}, "a b.mp3", "audio/mpeg", io.BytesIO(sound), len(sound))
        revs[one] = doc["_rev"]
    asked = {one: new_database.request_attachment(one, "a b.mp3", revs[one]) for one in sounds}
    for one in reversed(sounds):
        stream = asked[one].open()
        assert stream is not None
        assert b"".join(stream) == sounds[one]


def test_a_requested_attachment_may_be_missing_or_given_up(new_database: Database) -> None:
    sound = b"sound" * 100_000
    doc = new_database.put_with_attachment({"_id": "m"}, "a.mp3", "audio/mpeg", io.BytesIO(sound), len(sound))
    missing = new_database.request_attachment("m", "other.mp3", doc["_rev"])
    given_up = new_database.request_attachment("m", "a.mp3", doc["_rev"])
    assert missing.open() is None
    given_up.close()
    # The connection that was given up is not taken for another request: its bytes would be that one's answer.
    assert new_database.get("m") is not None
    stream = new_database.open_attachment("m", "a.mp3")
    assert stream is not None
    assert stream.read() == sound


def test_nobody_listening_is_unreachable() -> None:
    port = free_port()
    server = Couch(f"http://127.0.0.1:{port}/", connect_timeout=1, read_timeout=1)
    assert server.is_up() is False
    with pytest.raises(Unreachable):
        server.database("db").get("x")


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        response(b"<html>"),
        response(b"x" * 20_000, "502 Bad Gateway"),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    ],
)
def test_a_proxys_page_or_half_an_answer_is_unreachable(answer: bytes) -> None:
    with scripted_server(lambda request, number: answer, last=1) as server:
        couchdb = Couch(server.url, connect_timeout=1, read_timeout=5)
        database = couchdb.database("db")
        requests: list[Callable[[], object]] = [
            lambda: database.get("x"),
            lambda: database.put({"_id": "x"}),
            lambda: database.delete("x", "1-a"),
            lambda: database.view("v", "by_id"),
            lambda: database.put_with_attachment({"_id": "x"}, "a.mp3", "audio/mpeg", io.BytesIO(b"a"), 1),
            lambda: couchdb.fetch_both(database.get_request("x"), database.get_request("y")),
        ]
        for request in requests:
            with pytest.raises(Unreachable):
                request()


def test_a_server_that_does_not_answer_in_time_is_asked_once() -> None:
    with scripted_server(lambda request, number: b"") as server:
        database = Couch(server.url, connect_timeout=1, read_timeout=0.2).database("db")
        with pytest.raises(Unreachable):
            database.get("x")
        assert [request.split()[1] for request in server.requests] == [b"/db/x"]


def test_parallel_work_within_parallel_work_ends() -> None:
    sums = in_parallel(lambda n: sum(in_parallel(lambda m: m * n, range(5))), range(40))
    assert sums == [10 * n for n in range(40)]
