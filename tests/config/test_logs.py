"""The service's logs: one JSON object per line, each request with its id, and no secret in any of them."""

import base64
import hashlib
import json
import socket
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.api_client import Account, Api
from tests.support.servers import Running, Service, wait_until

PIN = "730164"


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """An account for all tests here: each has mailboxes of its own."""
    return shared_account


@pytest.fixture(scope="module")
def talkative(server_with: Callable[..., Running]) -> Running:
    """The service with everything logged that can be."""
    return server_with(LOG_LEVEL="DEBUG")


@pytest.fixture
def client(talkative: Running, log_in: Callable[..., Api], account: Account) -> Api:
    """A client of that service with a token that both accept."""
    return Api(talkative.url, account.id, log_in(account).token)


def lines(server: Running) -> list[dict[str, Any]]:
    """What was logged, a dict per line; every line must be a JSON object."""
    logged = [json.loads(line) for line in server.logged().splitlines()]
    assert all(isinstance(line, dict) for line in logged)
    return logged


def done(client: Api) -> str:
    """Sends one more request, of a path that no other has; once that is logged, so are those before it."""
    path = f"/v2/{uuid.uuid4().hex}"
    client.get(path)
    return path


def assert_logged_without(server: Running, path: str, *secrets: str) -> None:
    """The request can be found in the log, and none of the secrets can."""
    wait_until(lambda: path in server.logged())
    log = server.logged()
    for secret in secrets:
        assert secret not in log
    lines(server)


def test_every_request_is_a_line_with_its_id(talkative: Running, client: Api) -> None:
    answer = client.get("vmboxes", headers={"X-Request-ID": "given-by-the-proxy-1"})
    assert answer.headers["X-Request-ID"] == "given-by-the-proxy-1"
    wait_until(lambda: "given-by-the-proxy-1" in talkative.logged())
    (line,) = [
        each for each in lines(talkative) if each.get("request_id") == "given-by-the-proxy-1" and "status" in each
    ]
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["target"] == f"/v2/accounts/{client.account_id}/vmboxes"


@pytest.mark.parametrize(
    "query",
    [
        *("auth_token={}", "page_size=3&auth_token={}", "auth%5Ftoken={}", "AUTH_TOKEN={}", "api_key={}", "pin={}"),
        *("auth%255Ftoken={}", "filter_x=1%26pin={}", "data[hotdesk][pin]={}", "pin=12%26{}"),
    ],
)
def test_a_query_string_does_not_leak(talkative: Running, client: Api, query: str) -> None:
    token = client.token or ""
    client.without_token().get(f"vmboxes?{query.format(token)}")
    client.without_token().get(f"/v2/no/such/path?{query.format(token)}")
    assert_logged_without(talkative, done(client), token, token[-20:])


def test_headers_do_not_leak(talkative: Running, client: Api, account: Account) -> None:
    token = client.token or ""
    md5 = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    basic = base64.b64encode(f"{account.id}:{md5}".encode()).decode()
    client.get("vmboxes")
    client.without_token().get("vmboxes", headers={"Authorization": f"Bearer {token}"})
    client.without_token().get("vmboxes", headers={"Authorization": f"Basic {basic}"})
    assert_logged_without(talkative, done(client), token, basic, md5)


def test_logging_in_does_not_leak(talkative: Running, client: Api, account: Account) -> None:
    md5 = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    for hashed in (md5, md5[::-1]):
        client.put("/v2/user_auth", {"credentials": hashed, "account_realm": account.realm})
    for api_key in (account.api_key, account.api_key[::-1]):
        client.put("/v2/api_auth", {"api_key": api_key})
    client.put("/v2/api_auth", b'{"data": {"api_key": "' + account.api_key.encode() + b'"')
    client.put("/v2/user_auth", {"credentials": [md5], "account_realm": {"password": account.password}})
    assert_logged_without(
        talkative, done(client), md5, md5[::-1], account.api_key, account.api_key[::-1], account.password
    )


def test_pins_and_passwords_do_not_leak(talkative: Running, client: Api) -> None:
    box = client.new_box("3000", pin=PIN)
    client.patch(f"vmboxes/{box['id']}", {"pin": PIN[::-1]})
    client.patch(f"vmboxes/{box['id']}", {"pin": PIN * 3})
    client.put("users", {"first_name": "A", "last_name": "B", "username": "someone", "password": "un-loggable 1"})
    client.put("users", {"username": ["un-loggable 1"], "password": "un-loggable 1"})
    assert_logged_without(talkative, done(client), PIN, PIN[::-1], "un-loggable 1")


@pytest.mark.parametrize(
    "head",
    [
        "GET /v2/about?auth_token={token} HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET /v2/about HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token : {token}\r\n\r\n",
        "GET /v2/about HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token {token}\r\n\r\n",
        "GET /v2/about?auth_token={token}&filler={filler} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v2/about?auth_token={token} HTTP/1.1\r\nHost: elsewhere.example.com\r\nConnection: close\r\n\r\n",
        "PUT /v2/about?auth_token={token} HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        "auth_token={token}\r\n\r\n",
        "GET /v2/about?\uff41uth_\u200btoken={token} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v2/about?p\u0131n={token} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_malformed_requests_do_not_leak(talkative: Running, client: Api, head: str) -> None:
    token = client.token or ""
    address = urlsplit(talkative.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall(head.format(token=token, filler="x" * 9000).encode())
        connection.settimeout(10)
        while connection.recv(65536):
            pass
    assert_logged_without(talkative, done(client), token, token[-20:])


def test_an_unreachable_couchdb_does_not_leak_its_password(
    new_service: Callable[..., Service], account: Account
) -> None:
    unreachable = "http://admin:un-loggable-2@127.0.0.1:1"
    running = new_service(unreachable, LOG_LEVEL="DEBUG", WEB_CONCURRENCY="1").start()
    try:
        api = Api(running.url, account.id)
        assert api.get("/health/ready").status_code == 503
        assert api.put("/v2/api_auth", {"api_key": account.api_key}).status_code == 503
        assert_logged_without(running, "/v2/api_auth", "un-loggable-2", account.api_key)
    finally:
        running.stop()
