"""The workers: requests of one connection after the other, and connections more than threads."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.servers import Running, Service, direct

REQUEST = b"GET /v2/about HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def narrow(server_with: Callable[..., Running]) -> Running:
    """The service with one worker of two threads."""
    return server_with(THREADS="2")


def about(session: requests.Session, server: Running) -> int:
    answer = session.get(f"{server.url}/v2/about", timeout=30)
    assert answer.headers["Connection"] == "keep-alive"
    return answer.status_code


def test_a_connection_takes_request_after_request(narrow: Running) -> None:
    with connected(narrow) as sock:
        for _ in range(50):
            sock.sendall(REQUEST)
            assert answers_in(sock, 1) == 1


def test_requests_that_are_sent_together_are_all_answered(narrow: Running) -> None:
    with connected(narrow) as sock:
        sock.sendall(REQUEST * 3)
        assert answers_in(sock, 3) == 3
        sock.sendall(REQUEST)
        assert answers_in(sock, 1) == 1


def test_connections_that_say_nothing_keep_no_thread(narrow: Running) -> None:
    silent = [direct() for _ in range(6)]
    assert [about(session, narrow) for session in silent] == [200] * 6
    assert about(direct(), narrow) == 200
    assert [about(session, narrow) for session in silent] == [200] * 6


def test_more_clients_than_threads_are_all_served(narrow: Running) -> None:
    together = Barrier(8, timeout=30)

    def ask(_: int) -> set[int]:
        session = direct()
        together.wait()
        return {about(session, narrow) for _ in range(30)}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [{200}] * 8


def test_who_is_told_to_end_hangs_up_on_those_who_keep_asking(new_service: Callable[..., Service]) -> None:
    running = new_service(WEB_CONCURRENCY="1").start()
    with connected(running) as sock:
        sock.sendall(REQUEST)
        assert answers_in(sock, 1) == 1
        running.process.terminate()
        last = b""
        while b"Connection: close" not in last:
            sock.sendall(REQUEST)
            last = answer(sock)
            assert last.startswith(b"HTTP/1.1 200")
    assert running.process.wait(timeout=30) == 0
    running.stop()


def connected(server: Running) -> socket.socket:
    parts = urlsplit(server.url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=30)


def answers_in(sock: socket.socket, count: int) -> int:
    """How many of the next answers are well."""
    return sum(answer(sock).startswith(b"HTTP/1.1 200") for _ in range(count))


def answer(sock: socket.socket) -> bytes:
    """The next answer, byte by byte: nothing of the one after it is taken."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += sock.recv(length - len(body))
    return head
