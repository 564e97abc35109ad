"""What takes long leaves threads for others: one account's requests for other accounts."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.support.api_client import Account, Api
from tests.support.servers import Running, wait_until

THREADS = 8
AUDIO = bytes(range(256)) * 60_000
MP3 = {"Content-Type": "audio/mpeg"}


@pytest.fixture(scope="module")
def server(server_with: Callable[..., Running]) -> Running:
    """The service with one worker of few threads."""
    return server_with(WEB_CONCURRENCY="1", THREADS=str(THREADS))


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account; each test works in mailboxes of its own."""
    return shared_account


def send(server: Running, request: str) -> socket.socket:
    """A connection over which a request was sent, and of which nobody reads the answer."""
    parts = urlsplit(server.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((str(parts.hostname), int(parts.port or 80)))
    connection.sendall(request.encode())
    return connection


@contextlib.contextmanager
def share_in_use(server: Running, request: str, attempt: Callable[[], int]) -> Iterator[None]:
    """Within, requests that don't end have all that their account may have: another attempt is refused."""
    with contextlib.ExitStack() as stack:

        def is_refused() -> bool:
            stack.enter_context(send(server, request))
            return attempt() == 429

        wait_until(is_refused)
        yield


def assert_others_go_on(api: Api, other: Api) -> None:
    assert api.get("").status_code == 200
    assert [other.get("vmboxes").status_code for _ in range(3)] == [200] * 3
    box = other.new_box()
    assert other.put(f"vmboxes/{box['id']}/messages", b"audio", headers=MP3).status_code == 201


def test_uploads_of_one_account_take_half_of_the_threads(server: Running, api: Api, own_api: Api) -> None:
    path = f"vmboxes/{api.new_box()['id']}/messages"
    head = f"PUT {urlsplit(api.address(path)).path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {api.token}\r\n"
    half = f"{head}Content-Type: audio/mpeg\r\nContent-Length: 1000\r\n\r\nhalf of it"

    def upload() -> int:
        answer = api.put(path, b"audio", headers=MP3)
        assert answer.status_code != 429 or int(answer.headers["Retry-After"]) > 0
        return answer.status_code

    with share_in_use(server, half, upload):
        assert_others_go_on(api, own_api)
    # The clients went away in the middle of their uploads.
    wait_until(lambda: upload() == 201)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_bodies_of_one_account_take_half_of_the_threads(server: Running, api: Api, own_api: Api, method: str) -> None:
    path = "vmboxes" if method == "PUT" else f"vmboxes/{api.new_box()['id']}"
    head = f"{method} {urlsplit(api.address(path)).path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {api.token}\r\n"
    half = f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\nhalf of it"

    def change() -> int:
        return api.request(method, path, json={"data": {}}).status_code

    with share_in_use(server, half, change):
        assert_others_go_on(api, own_api)
    # The clients went away in the middle of their bodies.
    wait_until(lambda: change() == 400)


def test_downloads_of_one_account_take_half_of_the_threads(server: Running, api: Api, own_api: Api) -> None:
    path = f"vmboxes/{api.new_box()['id']}/messages"
    message_id = api.put(path, AUDIO, headers=MP3).json()["data"]["media_id"]
    raw = f"{path}/{message_id}/raw"
    head = f"GET {urlsplit(api.address(raw)).path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {api.token}\r\n\r\n"

    def download() -> int:
        return api.head(raw).status_code

    with share_in_use(server, head, download):
        assert_others_go_on(api, own_api)
    # The clients went away in the middle of their downloads.
    wait_until(lambda: download() == 200)
