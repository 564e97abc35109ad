"""What the gateway makes of a server's answers, byte by byte: where they end, and what is none."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from couch.errors import Unreachable
from couch.session import Session

Answering = Callable[..., str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Starts a server that answers each request with the next of some texts, and hangs up after the last; its URL."""
    open_sockets: list[socket.socket] = []

    def start(*answers: bytes, at_once: int = 1_000_000) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        open_sockets.append(listening)

        def serve() -> None:
            accepted, _ = listening.accept()
            with accepted:
                for answer in answers:
                    asked = b""
                    while b"\r\n\r\n" not in asked:
                        asked += accepted.recv(4096)
                    for start in range(0, len(answer), at_once):
                        accepted.sendall(answer[start : start + at_once])

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/x"

    yield start
    for each in open_sockets:
        each.close()


@pytest.fixture
def session() -> Session:
    return Session(connect_timeout=2, read_timeout=5)


OK = b"HTTP/1.1 200 OK\r\n"
LONG = bytes(range(256)) * 2_000


def test_a_body_of_known_length_ends_there_and_its_connection_takes_the_next_request(
    answering: Answering, session: Session
) -> None:
    url = answering(OK + b"Content-Length: 5\r\n\r\nfirst", OK + b"content-length: 6\r\n\r\nsecond")
    assert session.open("GET", url).read() == b"first"
    assert session.open("GET", url).read() == b"second"


def test_a_body_in_chunks_is_put_together(answering: Answering, session: Session) -> None:
    chunks = b"4;a=b\r\nfour\r\n" + b"7D000\r\n" + LONG + b"\r\n1\r\n\n\r\n0\r\nTrailer: x\r\n\r\n"
    url = answering(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks, OK + b"Content-Length: 1\r\n\r\n!")
    assert session.open("GET", url).read() == b"four" + LONG + b"\n"
    assert session.open("GET", url).read() == b"!"


@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 7, 11, 64])
def test_chunks_are_put_together_wherever_they_are_cut_on_the_way(
    answering: Answering, session: Session, at_once: int
) -> None:
    sizes = [*range(1, 40), 300, 1, 4_000, 15, 16, 17]
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, LONG[:size]) for size in sizes)
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    url = answering(head + chunks + b"0\r\n\r\n", OK + b"Content-Length: 1\r\n\r\n!", at_once=at_once)
    assert session.open("GET", url).read() == b"".join(LONG[:size] for size in sizes)
    assert session.open("GET", url).read() == b"!"


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 512000\r\n\r\n" + LONG,
        OK + b"Transfer-Encoding: chunked\r\n\r\n7CFFF\r\n" + LONG[:-1] + b"\r\n1\r\n\xff\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n" + LONG,
    ],
)
def test_a_long_body_comes_piece_by_piece(answering: Answering, session: Session, answer: bytes) -> None:
    open_answer = session.open("GET", answering(answer))
    pieces = list(iter(lambda: open_answer.read(10_000), b""))
    assert b"".join(pieces) == LONG
    assert {len(piece) for piece in pieces[:-1]} == {10_000}


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 10\r\n\r\nshort",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nshort",
        OK + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n",
    ],
)
def test_a_body_that_breaks_off_is_never_taken_for_whole(
    answering: Answering, session: Session, answer: bytes
) -> None:
    with pytest.raises(Unreachable):
        session.open("GET", answering(answer)).read()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-x\r\n\r\n",
        OK + b"Content-Le",
        OK + b"X: y\r\n" * 200 + b"\r\n",
        OK + b"a" * 70_000,
    ],
)
def test_what_is_no_answer_is_told_as_none(answering: Answering, session: Session, answer: bytes) -> None:
    with pytest.raises(Unreachable):
        session.open("PUT", answering(answer), {"a": 1})


def test_an_announcement_is_not_the_answer(answering: Answering, session: Session) -> None:
    answer = session.open("GET", answering(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok"))
    assert (answer.status, answer.read()) == (200, b"ok")


@pytest.mark.parametrize(
    ("method", "head"),
    [("HEAD", OK + b"Content-Length: 9\r\n\r\n"), ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")],
)
def test_an_answer_without_a_body_may_tell_its_length(
    answering: Answering, session: Session, method: str, head: bytes
) -> None:
    url = answering(head, OK + b"Content-Length: 1\r\n\r\n!")
    answer = session.open(method, url)
    assert (answer.headers["content-length"], answer.read()) == ("9", b"")
    assert session.open("GET", url).read() == b"!"


def test_headers_are_found_by_their_names_in_lower_case_and_joined(answering: Answering, session: Session) -> None:
    answer = session.open("GET", answering(OK + b'ETag:"a"\r\nVary: x\r\nVARY:  y \r\nContent-Length: 0\r\n\r\n'))
    assert (answer.headers["etag"], answer.headers["vary"]) == ('"a"', "x, y")


def test_a_header_cannot_end_early(answering: Answering, session: Session) -> None:
    with pytest.raises(ValueError, match="control character"):
        session.open("GET", "http://127.0.0.1:1/x", headers={"Range": "bytes=0-\r\nX: y"})
