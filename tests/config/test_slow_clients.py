"""Clients that send or receive next to nothing: others are served meanwhile, and they are cut off."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.support.api_client import Account, Api
from tests.support.servers import Running, direct, wait_until

NUMBER = 36
ONE_BYTE = 0.05
CUT = "that was too slow to receive"
CROWD = "too many that haven't signed in keep threads waiting"
HEAD = "{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(server_with: Callable[..., Running]) -> Running:
    """The service with one worker, which waits a second for clients."""
    return server_with(WEB_CONCURRENCY="1", THREADS="80", CLIENT_SILENCE_SECONDS="1", CLIENT_MIN_RATE="1000")


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account, which no test changes."""
    return shared_account


def connect(server: Running) -> socket.socket:
    parts = urlsplit(server.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect((str(parts.hostname), int(parts.port or 80)))
    return connection


def receive_all(connection: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(1_000_000):
            received += piece
    return received


def send_slowly(connection: socket.socket, body: bytes, stop: threading.Event) -> None:
    """Send a body byte by byte, as long as the server takes it."""
    with contextlib.suppress(OSError):
        for position in range(len(body)):
            connection.sendall(body[position : position + 1])
            if stop.wait(ONE_BYTE):
                return


@contextlib.contextmanager
def slow_clients(server: Running, start: Callable[[socket.socket], None]) -> Iterator[list[socket.socket]]:
    """Connections of slow clients, each after `start`."""
    connections = [connect(server) for _ in range(NUMBER)]
    try:
        for connection in connections:
            start(connection)
        yield connections
    finally:
        for connection in connections:
            connection.close()


def assert_others_are_served(server: Running, api: Api) -> None:
    normal = Api(server.url, api.account_id, api.token)
    for _ in range(3):
        assert normal.get("vmboxes").status_code == 200
        assert direct().get(f"{server.url}/health/live", timeout=30).status_code == 200


@pytest.mark.parametrize("is_known", [False, True], ids=["without a token", "with a token"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["stated length", "chunked"])
def test_a_body_byte_by_byte_is_cut_off(server: Running, api: Api, is_known: bool, is_chunked: bool) -> None:
    path = f"/v2/accounts/{api.account_id}/vmboxes" if is_known else "/v2/user_auth"
    length = "Transfer-Encoding: chunked" if is_chunked else "Content-Length: 10000"
    token = f"X-Auth-Token: {api.token}\r\n" if is_known else ""
    head = f"{HEAD.format('PUT', path)}{token}{length}\r\n\r\n" + ("1000\r\n" if is_chunked else "")
    stop = threading.Event()
    slow = slow_clients(server, lambda connection: connection.sendall(head.encode()))
    with slow as connections, ThreadPoolExecutor(NUMBER) as pool:
        for connection in connections:
            pool.submit(send_slowly, connection, b"{" + b" " * 4_000, stop)
        assert_others_are_served(server, api)
        answers = [receive_all(connection) for connection in connections]
        stop.set()
    assert {answer.split(b"\r\n", 1)[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}
    assert all(b'"request_timeout"' in answer for answer in answers)


def test_half_a_body_and_then_silence_is_cut_off(server: Running, api: Api) -> None:
    sent = HEAD.format("PUT", "/v2/user_auth") + 'Content-Length: 100\r\n\r\n{"data": {'
    with slow_clients(server, lambda connection: connection.sendall(sent.encode())) as connections:
        assert_others_are_served(server, api)
        answers = [receive_all(connection) for connection in connections]
    assert {answer.split(b"\r\n", 1)[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}


def test_a_crowd_that_has_not_signed_in_leaves_threads_for_others(
    server_with: Callable[..., Running], api: Api
) -> None:
    few_threads = server_with(WEB_CONCURRENCY="1", THREADS="16", CLIENT_SILENCE_SECONDS="60")
    sent = HEAD.format("PUT", "/v2/user_auth") + 'Content-Length: 100\r\n\r\n{"data": {'
    with slow_clients(few_threads, lambda connection: connection.sendall(sent.encode())) as connections:
        wait_until(lambda: CROWD in few_threads.logged())
        wait_until(lambda: Api(few_threads.url, api.account_id, api.token).get("vmboxes").status_code == 200)
        answers = [receive_all(connection) for connection in connections]
    assert all(answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 503")) for answer in answers)


NOBODYS_FORM = (
    f"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken={'a' * 32}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n\r\na="
)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD.format("PUT", "/v2/no-such-path") + "Content-Length: 100\r\n\r\n{", b"404 Not Found"),
        (NOBODYS_FORM, b"302 Found"),
    ],
    ids=["of no path", "of a form of nobody's"],
)
def test_half_a_body_that_nobody_reads_is_not_waited_for(server: Running, api: Api, sent: str, status: bytes) -> None:
    with slow_clients(server, lambda connection: connection.sendall(sent.encode())) as connections:
        assert_others_are_served(server, api)
        answers = [receive_all(connection) for connection in connections]
    assert {answer.split(b"\r\n", 1)[0] for answer in answers} == {b"HTTP/1.1 " + status}


@pytest.mark.parametrize("reads", [False, True], ids=["never read", "read byte by byte"])
def test_an_answer_that_is_hardly_read_is_cut_off(server: Running, api: Api, reads: bool) -> None:
    page = direct().get(f"{server.url}/v2/docs", timeout=30).text
    script = next(path for path in re.findall(r'src="([^"]+)"', page) if "bundle" in path)
    # So many that no buffer on the way holds all of the answers.
    sent = (HEAD.format("GET", script) + "\r\n").encode() * 6
    length = len(direct().get(server.url + script, timeout=30).content)
    stop = threading.Event()

    def read_slowly(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not stop.wait(ONE_BYTE) and connection.recv(1):
                pass

    cut_before = server.logged().count(CUT)
    slow = slow_clients(server, lambda connection: connection.sendall(sent))
    with slow as connections, ThreadPoolExecutor(NUMBER) as pool:
        for connection in connections if reads else ():
            pool.submit(read_slowly, connection)
        assert_others_are_served(server, api)
        wait_until(lambda: server.logged().count(CUT) == cut_before + NUMBER)
        stop.set()
        received = receive_all(connections[0])
    assert len(received) < 6 * length


def test_an_upload_at_a_fair_rate_may_take_its_time(server: Running, api: Api) -> None:
    box = Api(server.url, api.account_id, api.token).new_box("3000")
    body = bytes(range(256)) * 100
    path = f"/v2/accounts/{api.account_id}/vmboxes/{box['id']}/messages"
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {api.token}\r\nContent-Type: audio/mpeg\r\n"
    with connect(server) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
        pause = threading.Event()
        for start in range(0, len(body), 1_000):
            connection.sendall(body[start : start + 1_000])
            pause.wait(0.1)
        assert receive_all(connection).startswith(b"HTTP/1.1 201")
