"""Bodies that break HTTP's own rules: an error of the client's, on every path that takes a body."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.support.api_client import Account, Api

MALFORMED_CHUNKS = {
    "a size that is no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "a chunk that is longer than its size": b"1\r\n{}\r\n0\r\n\r\n",
    "an extension of no form": b"2;a b=\r\n{}\r\n0\r\n\r\n",
    "a trailer of no form": b"2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
    "an end within a chunk": b"20\r\n{}",
    "an end before the last chunk": b"2\r\n{}\r\n",
}


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account, which no test changes."""
    return shared_account


BODIES = {
    "an envelope": ("{account}/vmboxes", "application/json"),
    "an upload": ("{account}/vmboxes/{box}/messages", "audio/mpeg"),
    "parts": ("{account}/vmboxes/{box}/messages", "multipart/mixed; boundary=cut"),
    "base64": ("{account}/vmboxes/{box}/messages", "application/base64"),
    "a sign-in": ("/v2/user_auth", "application/json"),
}


def send(api: Api, path: str, headers: str, body: bytes) -> bytes:
    """Send a request and then nothing more; its response."""
    parts = urlsplit(api.url)
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    with socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize("body", BODIES)
def test_malformed_chunks_are_a_fault_of_the_request(api: Api, body: str) -> None:
    path, media_type = BODIES[body]
    path = path.format(account=f"/v2/accounts/{api.account_id}", box=api.new_box()["id"])
    headers = f"X-Auth-Token: {api.token}\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n"
    for kind, chunks in MALFORMED_CHUNKS.items():
        answer = send(api, path, headers, chunks)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request"), (kind, answer)
        assert b'"faulty_request"' in answer, (kind, answer)


def test_the_desk_refuses_malformed_chunks(api: Api) -> None:
    headers = "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n"
    answer = send(api, "/admin/login/", headers, b"zz\r\n{}\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 40"), answer
