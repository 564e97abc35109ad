"""The gateway to CouchDB: what it stores, what it finds, and what it says when it can't."""

import hashlib
import io
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from couch.client import Couch, Database, couch
from couch.errors import Conflict, MissingDatabase, MissingView, Unreachable
from couch.parallel import in_parallel

VIEW = {"_id": "_design/v", "views": {"by_id": {"map": "function (doc) { emit(doc._id, null); }"}}}


def test_creating_a_database_twice_tells_that_it_was_there(new_database: Database) -> None:
    assert couch().create(new_database.name) is False
    assert couch().names(new_database.name.rpartition("/")[0]) == [new_database.name]


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


def test_a_bulk_write_tells_how_each_document_fared(new_database: Database) -> None:
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


def test_a_missing_view_and_a_missing_database_are_told_apart(new_database: Database) -> None:
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


def test_a_body_shorter_than_said_stores_nothing(new_database: Database) -> None:
    with pytest.raises(ValueError, match="early"):
        new_database.put_with_attachment({"_id": "short"}, "a.mp3", "audio/mpeg", io.BytesIO(b"12"), 1_000)
    assert new_database.get("short") is None


def test_ranges_and_missing_attachments_are_told_by_the_stream(new_database: Database) -> None:
    new_database.put_with_attachment({"_id": "m"}, "a.mp3", "audio/mpeg", io.BytesIO(b"0123456789"), 10)
    part = new_database.open_attachment("m", "a.mp3", headers={"Range": "bytes=2-4"})
    assert part is not None
    assert (part.status, part.read()) == (206, b"234")
    beyond = new_database.open_attachment("m", "a.mp3", headers={"Range": "bytes=99-"})
    assert beyond is not None
    assert beyond.status == 416
    assert new_database.open_attachment("m", "other.mp3") is None
    assert new_database.open_attachment("nobody", "a.mp3") is None


def test_attachments_that_were_asked_for_ahead_are_read_in_any_order(new_database: Database) -> None:
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


def test_what_was_asked_for_ahead_may_be_missing_or_given_up(new_database: Database) -> None:
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
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Couch(f"http://127.0.0.1:{port}/", connect_timeout=1, read_timeout=1)
    assert server.is_up() is False
    with pytest.raises(Unreachable):
        server.database("db").get("x")


class _Broken(BaseHTTPRequestHandler):
    """Answers like a proxy in trouble: a long error page in HTML, or half a document."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/db/short":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"_id": ')
            self.close_connection = True
            return
        page = b"<html>" + b"x" * 20_000
        self.send_response(502)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is for its result."""


def test_a_proxys_error_page_or_half_an_answer_is_unreachable() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Broken) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        server = Couch(f"http://127.0.0.1:{proxy.server_port}/", connect_timeout=1, read_timeout=5)
        for doc_id in ("long", "short"):
            with pytest.raises(Unreachable):
                server.database("db").get(doc_id)
        proxy.shutdown()


def test_who_does_not_answer_in_time_is_asked_once() -> None:
    asked = []
    over = threading.Event()

    class Hung(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            over.wait(timeout=30)

        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is for its result."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hung) as hung:
        threading.Thread(target=hung.serve_forever, daemon=True).start()
        server = Couch(f"http://127.0.0.1:{hung.server_port}/", connect_timeout=1, read_timeout=0.2)
        with pytest.raises(Unreachable):
            server.database("db").get("x")
        over.set()
        hung.shutdown()
    assert asked == ["/db/x"]


def test_parallel_work_within_parallel_work_ends() -> None:
    sums = in_parallel(lambda n: sum(in_parallel(lambda m: m * n, range(5))), range(40))
    assert sums == [10 * n for n in range(40)]
