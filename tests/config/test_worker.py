"""What clients may rely on at gunicorn's workers: connections that are kept, many of them, and slow ones."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.api_client import Api
from tests.support.servers import Running, Service, direct

REQUEST = b"GET /v2/about HTTP/1.1\r\nHost: localhost\r\n\r\n"
AUDIO = bytes(range(256)) * 40_000
"""More than the buffers of a connection hold."""
MP3 = {"Content-Type": "audio/mpeg"}


@pytest.fixture(scope="module")
def narrow(server_with: Callable[..., Running]) -> Running:
    """The service with one worker of two threads."""
    return server_with(THREADS="2")


def about(session: requests.Session, server: Running) -> int:
    """The status of a request over a connection that is kept."""
    response = session.get(f"{server.url}/v2/about", timeout=30)
    assert response.headers["Connection"] == "keep-alive"
    return response.status_code


def test_a_connection_takes_one_request_after_another(narrow: Running) -> None:
    with connect(narrow) as connection:
        for _ in range(50):
            connection.sendall(REQUEST)
            assert count_successes(connection, 1) == 1


def test_pipelined_requests_are_all_answered(narrow: Running) -> None:
    with connect(narrow) as connection:
        connection.sendall(REQUEST * 3)
        assert count_successes(connection, 3) == 3
        connection.sendall(REQUEST)
        assert count_successes(connection, 1) == 1


def test_idle_connections_occupy_no_thread(narrow: Running) -> None:
    idle = [direct() for _ in range(6)]
    assert [about(session, narrow) for session in idle] == [200] * 6
    assert about(direct(), narrow) == 200
    assert [about(session, narrow) for session in idle] == [200] * 6


def test_more_clients_than_threads_are_all_served(narrow: Running) -> None:
    together = Barrier(8, timeout=30)

    def statuses(_: int) -> set[int]:
        session = direct()
        together.wait()
        return {about(session, narrow) for _ in range(30)}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(statuses, range(8))) == [{200}] * 8


def test_a_slow_reader_gets_everything_and_keeps_nobody_waiting(narrow: Running, api: Api) -> None:
    path = upload(api, AUDIO)
    with connect(narrow) as connection:
        head = f"GET {urlsplit(api.address(path)).path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {api.token}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        session = direct()
        assert [about(session, narrow) for _ in range(20)] == [200] * 20
        received = b"".join(iter(lambda: connection.recv(1_000_000), b""))
    assert received.endswith(AUDIO)


def test_an_upload_in_chunks_is_stored_whole(api: Api) -> None:
    chunks = (AUDIO[start : start + 100_000] for start in range(0, len(AUDIO), 100_000))
    assert api.get(upload(api, chunks)).content == AUDIO


def test_a_terminated_service_closes_connections_that_are_in_use(new_service: Callable[..., Service]) -> None:
    running = new_service(WEB_CONCURRENCY="1").start()
    with connect(running) as connection:
        connection.sendall(REQUEST)
        assert count_successes(connection, 1) == 1
        running.process.terminate()
        head = b""
        while b"Connection: close" not in head:
            connection.sendall(REQUEST)
            head = read_response(connection)
            assert head.startswith(b"HTTP/1.1 200")
    assert running.process.wait(timeout=30) == 0
    running.stop()


def upload(api: Api, audio: object) -> str:
    """Create a message with audio, and return the path of the audio."""
    box = api.new_box("3000")
    response = api.put(f"vmboxes/{box['id']}/messages", audio, headers=MP3)
    assert response.status_code == 201, response.text
    return f"vmboxes/{box['id']}/messages/{response.json()['data']['media_id']}/raw"


def connect(server: Running) -> socket.socket:
    parts = urlsplit(server.url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=30)


def count_successes(connection: socket.socket, count: int) -> int:
    """How many of the next responses have status 200."""
    return sum(read_response(connection).startswith(b"HTTP/1.1 200") for _ in range(count))


def read_response(connection: socket.socket) -> bytes:
    """Read a response, and nothing of the next one; its head."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return head
