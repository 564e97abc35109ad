"""What the session makes of a server's bytes: where a response ends, what is none, and what is sent again."""

import io
import os
import socket
import ssl
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from couch.body import SizedBody
from couch.errors import Conflict, NotFound, Rejected, TimedOut, TooLarge, Unreachable
from couch.session import Response, Session
from tests.support.scripted_server import answers_in_turn, response, scripted_server
from tests.support.servers import free_port, wait_until

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = bytes(range(256)) * 2_000
STREAMED = {"Accept": "*/*"}


@pytest.fixture
def session() -> Session:
    return Session(connect_timeout=2, read_timeout=5)


def open_response(
    session: Session, method: str, url: str, body: object = None, headers: dict[str, str] | None = None
) -> Response:
    return session.open(session.prepare(method, url, body, headers))


def read(session: Session, url: str, method: str = "GET") -> bytes:
    return open_response(session, method, url).read()


# Where a response ends


def test_a_body_of_known_length_ends_there_and_its_connection_takes_the_next_request(session: Session) -> None:
    with answers_in_turn(response(b"first"), response(b"second")) as server:
        assert read(session, server.url) == b"first"
        assert read(session, server.url) == b"second"
    assert server.connections == 1


def test_the_chunks_of_a_body_are_joined(session: Session) -> None:
    chunks = b"4;a=b\r\nfour\r\n" + b"7D000\r\n" + LONG + b"\r\n1\r\n\n\r\n0\r\nTrailer: x\r\n\r\n"
    with answers_in_turn(CHUNKED + chunks, response(b"!")) as server:
        assert read(session, server.url) == b"four" + LONG + b"\n"
        assert read(session, server.url) == b"!"
    assert server.connections == 1


@pytest.mark.parametrize("segment", [1, 2, 3, 5, 7, 11, 64])
def test_chunks_are_joined_wherever_they_are_cut_on_the_way(session: Session, segment: int) -> None:
    sizes = [*range(1, 40), 300, 1, 4_000, 15, 16, 17]
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, LONG[:size]) for size in sizes)
    with answers_in_turn(CHUNKED + chunks + b"0\r\n\r\n", segment=segment) as server:
        assert read(session, server.url) == b"".join(LONG[:size] for size in sizes)


@pytest.mark.parametrize(
    "answer",
    [
        response(LONG),
        CHUNKED + b"7CFFF\r\n" + LONG[:-1] + b"\r\n1\r\n\xff\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n" + LONG,
    ],
)
def test_a_long_body_is_read_piece_by_piece(session: Session, answer: bytes) -> None:
    with answers_in_turn(answer) as server:
        streamed = open_response(session, "GET", server.url, headers=STREAMED)
        pieces = list(iter(lambda: streamed.read(10_000), b""))
    assert b"".join(pieces) == LONG
    assert {len(piece) for piece in pieces[:-1]} == {10_000}


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 10\r\n\r\nshort",
        CHUNKED + b"5\r\nwhole\r\n",
        CHUNKED + b"9\r\nshort",
        CHUNKED + b"no number\r\n",
        CHUNKED + b"-1\r\nx\r\n",
    ],
)
@pytest.mark.parametrize("headers", [None, STREAMED])
def test_a_body_that_breaks_off_is_never_taken_for_whole(
    session: Session, answer: bytes, headers: dict[str, str] | None
) -> None:
    with scripted_server(lambda request, number: answer, last=1) as server, pytest.raises(Unreachable):
        open_response(session, "GET", server.url, headers=headers).read()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200", b"SSH-2.0-x\r\n\r\n", OK + b"Content-Le", OK + b"a" * 120_000])
def test_bytes_that_are_no_response_are_unreachable(session: Session, answer: bytes) -> None:
    with answers_in_turn(answer) as server, pytest.raises(Unreachable):
        session.request("PUT", server.url, {"a": 1})


@pytest.mark.parametrize("headers", [None, STREAMED])
def test_an_announcement_is_not_the_response(session: Session, headers: dict[str, str] | None) -> None:
    with answers_in_turn(b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"ok"), segment=3) as server:
        answer = open_response(session, "GET", server.url, headers=headers)
        assert (answer.status, answer.read()) == (200, b"ok")


@pytest.mark.parametrize(
    ("method", "head"),
    [("HEAD", OK + b"Content-Length: 9\r\n\r\n"), ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")],
)
def test_a_response_without_a_body_may_have_a_length(session: Session, method: str, head: bytes) -> None:
    with answers_in_turn(head, response(b"!")) as server:
        answer = open_response(session, method, server.url, headers=STREAMED)
        assert (answer.length, answer.read()) == (9, b"")
        assert read(session, server.url) == b"!"
    assert server.connections == 1


def test_headers_have_names_in_lower_case_and_repeated_ones_are_joined(session: Session) -> None:
    with answers_in_turn(OK + b'ETag:"a"\r\nVary: x\r\nVARY:  y \r\nContent-Length: 0\r\n\r\n') as server:
        answer = open_response(session, "GET", server.url, headers=STREAMED)
    assert (answer.headers["etag"], answer.headers["vary"]) == ('"a"', "x, y")


# What is sent


def test_a_header_cannot_contain_another(session: Session) -> None:
    with pytest.raises(ValueError, match="control character"):
        open_response(session, "GET", "http://127.0.0.1:1/x", headers={"Range": "bytes=0-\r\nX: y"})


def test_a_json_body_is_sent_with_its_type_and_length(session: Session) -> None:
    with answers_in_turn(response(b"{}"), response(b"{}")) as server:
        open_response(session, "POST", f"{server.url}/db", {"a": 1}).read()
        open_response(session, "PUT", f"{server.url}/db").read()
    with_body, without = server.requests
    assert with_body.startswith(b"POST /db HTTP/1.1\r\n")
    assert {b"Content-Type: application/json", b"Content-Length: 7"} <= set(with_body.split(b"\r\n"))
    assert with_body.endswith(b'\r\n\r\n{"a":1}')
    assert without.startswith(b"PUT /db HTTP/1.1\r\n")
    assert b"Content-Type" not in without


def test_a_long_body_is_sent_without_asking_first(session: Session) -> None:
    with answers_in_turn(response(b"{}")) as server:
        body = SizedBody(b"<", io.BytesIO(LONG * 6 + b"more"), len(LONG) * 6, b">")
        open_response(session, "PUT", f"{server.url}/db", body).read()
    (request,) = server.requests
    head, _, received = request.partition(b"\r\n\r\n")
    assert b"expect" not in head.lower()
    assert received == b"<" + LONG * 6 + b">"


def test_a_body_shorter_than_its_length_is_an_error_of_the_body(session: Session) -> None:
    with answers_in_turn(response(b"{}")) as server, pytest.raises(ValueError, match="ended 90 bytes early"):
        open_response(session, "PUT", server.url, SizedBody(b"", io.BytesIO(b"0123456789"), 100))


def test_the_proxy_of_the_environment_is_not_used(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with answers_in_turn(response(b"direct")) as server:
        assert read(session, server.url) == b"direct"


# Refusals


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("401 Unauthorized", Unreachable),
        ("403 Forbidden", Rejected),
        ("404 Not Found", NotFound),
        ("409 Conflict", Conflict),
        ("412 Precondition Failed", Rejected),
        ("413 Too Large", TooLarge),
        ("429 Too Many", Unreachable),
        ("500 Error", Unreachable),
        ("502 Bad Gateway", Unreachable),
    ],
)
def test_a_refusal_is_an_exception(session: Session, status: str, error: type[Exception]) -> None:
    page = b"<html>" + b"x" * 20_000
    with answers_in_turn(response(page, status), response(b"next")) as server:
        with pytest.raises(error):
            read(session, server.url)
        assert read(session, server.url) == b"next"
    assert server.connections == 1


@pytest.mark.parametrize(("status", "error"), [("413 Too Large", TooLarge), ("409 Conflict", Conflict)])
def test_a_refusal_is_heard_while_the_body_is_still_sent(
    session: Session, status: str, error: type[Exception]
) -> None:
    refusal = response(b"{}", status, "Connection: close")
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def refuse() -> None:
            """Take a megabyte, answer, and hang up, so that whatever comes next resets the connection."""
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    count = 0
                    while count < 1_000_000:
                        count += len(connection.recv(65_536))
                    connection.sendall(refusal)

        threading.Thread(target=refuse, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        for _ in range(20):
            body = SizedBody(b"", io.BytesIO(b"x" * 20_000_000), 20_000_000)
            with pytest.raises(error):
                open_response(session, "PUT", url, body)


# What is sent again


def test_a_read_whose_connection_broke_is_sent_again(session: Session) -> None:
    with scripted_server(lambda request, number: None if number == 2 else response(b"ok")) as server:
        assert [read(session, server.url), read(session, server.url)] == [b"ok", b"ok"]
    assert len(server.requests) == 3


@pytest.mark.parametrize("is_reused", [False, True])
def test_a_write_whose_connection_broke_is_sent_once(session: Session, is_reused: bool) -> None:
    with scripted_server(lambda request, number: None if request.startswith(b"PUT") else response(b"ok")) as server:
        if is_reused:
            read(session, server.url)
        with pytest.raises(Unreachable):
            open_response(session, "PUT", f"{server.url}/db/doc", {"a": 1})
    assert sum(request.startswith(b"PUT") for request in server.requests) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/db/doc?rev=1-a"),
        ("PUT", "/db"),
        ("POST", "/db/_all_docs?include_docs=true"),
        ("POST", "/db/_design/d/_view/v"),
        ("POST", "/db/_design/d/_view/v/queries"),
        ("POST", "/_dbs_info"),
    ],
)
def test_what_does_no_harm_when_repeated_is_sent_again(session: Session, method: str, path: str) -> None:
    with scripted_server(lambda request, number: None if number == 1 else response(b"ok")) as server:
        body = {"keys": ["a"]} if method == "POST" else None
        assert open_response(session, method, server.url + path, body).read() == b"ok"
    assert len(server.requests) == 2


def test_a_write_waits_for_a_server_that_restarts(session: Session) -> None:
    port = free_port()

    def listen_soon() -> None:
        time.sleep(0.1)
        with socket.create_server(("127.0.0.1", port)) as listening, listening.accept()[0] as connection:
            connection.recv(65_536)
            connection.sendall(response(b"ok"))

    threading.Thread(target=listen_soon, daemon=True).start()
    assert open_response(session, "PUT", f"http://127.0.0.1:{port}/db/doc", {"a": 1}).read() == b"ok"


def test_nobody_listening_is_unreachable(session: Session) -> None:
    port = free_port()
    with pytest.raises(Unreachable):
        read(session, f"http://127.0.0.1:{port}")


def test_an_unknown_host_is_unreachable(session: Session) -> None:
    with pytest.raises(Unreachable):
        read(session, "http://no-such-host.invalid:5984")


def test_a_server_that_does_not_answer_in_time_is_asked_once() -> None:
    session = Session(connect_timeout=1, read_timeout=1)
    with scripted_server(lambda request, number: b"") as server:
        with pytest.raises(TimedOut):
            read(session, server.url)
        wait_until(lambda: bool(server.requests))
    assert len(server.requests) == 1


def test_a_reader_may_take_longer_than_the_server_may() -> None:
    session = Session(connect_timeout=1, read_timeout=1)
    content = os.urandom(3_000_000)
    with answers_in_turn(response(content)) as server:
        streamed = open_response(session, "GET", server.url, headers=STREAMED)
        first = streamed.read(1_000_000)
        time.sleep(1.2)
        assert first + streamed.read() == content


# Connections


def test_a_response_that_is_given_up_is_not_taken_for_the_next(session: Session) -> None:
    with scripted_server(lambda request, number: response(b"%d" % number * 500_000)) as server:
        open_response(session, "GET", server.url, headers=STREAMED).close()
        assert read(session, server.url) == b"2" * 500_000
    assert server.connections == 2


def test_what_nobody_reads_stays_on_the_way(session: Session) -> None:
    """No more of a long response is received than the sockets' own buffers, and a few of curl's, can hold."""
    sent = 0
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def send_without_end() -> None:
            nonlocal sent
            with listening.accept()[0] as connection:
                connection.recv(65_536)
                connection.sendall(OK + b"Content-Length: 400000000\r\n\r\n")
                while True:
                    try:
                        sent += connection.send(bytes(65_536))
                    except OSError:
                        return

        threading.Thread(target=send_without_end, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        streamed = open_response(session, "GET", url, headers=STREAMED)
        assert len(streamed.read(100_000)) == 100_000
        previous = -1
        while sent != previous:
            previous = sent
            time.sleep(0.2)
        assert sent < 30_000_000
        streamed.close()


def test_many_threads_share_the_connections(session: Session) -> None:
    with scripted_server(lambda request, number: response(request.split()[1])) as server:
        contents: list[bytes] = []

        def read_many(name: str) -> None:
            contents.extend(read(session, f"{server.url}/{name}") for _ in range(20))

        threads = [threading.Thread(target=read_many, args=(str(number),)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(contents) == sorted(f"/{number}".encode() for number in range(8) for _ in range(20))
    assert server.connections <= 8


def test_a_forked_process_has_connections_of_its_own(session: Session) -> None:
    with scripted_server(lambda request, number: response(b"%d" % number)) as server:
        assert read(session, server.url) == b"1"
        child = os.fork()
        if not child:
            is_second = False
            try:
                is_second = read(session, server.url) == b"2"
            finally:  # nothing of pytest goes on in the child
                os._exit(0 if is_second else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert read(session, server.url) == b"3"
    assert server.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody but its owner has signed, its key in the same file."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.with_suffix(".crt").read_text() + path.read_text())
    return path


def test_tls_is_used_with_a_certificate_that_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with scripted_server(lambda request, number: response(LONG), tls=context) as server:
        with pytest.raises(Unreachable):
            read(Session(connect_timeout=2.1, read_timeout=5), server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert read(Session(connect_timeout=2.2, read_timeout=5), server.url) == LONG
