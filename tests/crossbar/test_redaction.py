"""Secrets in a request's target stay out of the logs, however they are spelled."""

import json
import logging
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from crossbar.logs import JsonFormatter
from crossbar.redaction import redact, redact_target

SECRET = "SECRETSECRET"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJrYXpvbyJ9.abcdefgh_SECRETSECRET"


def percent_encode(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


@pytest.mark.parametrize(
    "target",
    [
        "/v2/about?auth_token=SECRETSECRET",
        "/v2/about?AUTH_TOKEN=SECRETSECRET&page_size=3",
        "/v2/about?auth%5Ftoken=SECRETSECRET",
        "/v2/about?auth%255Ftoken=SECRETSECRET",
        f"/v2/about?{percent_encode('auth_token')}=SECRETSECRET",
        f"/v2/about?{quote(percent_encode('pin'))}=SECRETSECRET",
        "/v2/about?reset_id=SECRETSECRET",
        "/v2/about?a=b&reset%5Fid=SECRETSECRET",
        "/kazoo/?recovery=SECRETSECRET",
        "/v2/about?auth_token%3DSECRETSECRET",
        "/v2/about?auth_token%253DSECRETSECRET",
        "/v2/about?a=1%26auth_token=SECRETSECRET",
        "/v2/about?a=1;auth_token=SECRETSECRET",
        "/v2/about?pin=12%26SECRETSECRET",
        "/v2/about?pin=12%2526SECRETSECRET",
        "/v2/about?filter_hotdesk.pin=SECRETSECRET",
        "/v2/about?filter_hotdesk%2Epin=SECRETSECRET",
        "/v2/about?filter_any_pin=[%22SECRETSECRET%22]",
        "/v2/about?filter_not_pin=SECRETSECRET",
        "/v2/about?data[pin]=SECRETSECRET",
        "/v2/about?data%5Bhotdesk%5D%5Bpin%5D=SECRETSECRET",
        "/v2/about?data=%7B%22pin%22%3A%22SECRETSECRET%22%7D",
        "/v2/about?data=%257B%2522pin%2522%253A%2522SECRETSECRET%2522%257D",
        "/v2/about?password=SECRETSECRET",
        "/v2/about?newPassword=SECRETSECRET",
        "/v2/about?accessToken=SECRETSECRET",
        "/v2/about?hotdeskPin=SECRETSECRET",
        "/v2/about?user%50in=SECRETSECRET",
        "/v2/about?pass=SECRETSECRET",
        "/v2/about?pw=SECRETSECRET",
        "/v2/about?creds=SECRETSECRET",
        "/v2/about?api_key=SECRETSECRET",
        "/v2/about?apiKey=SECRETSECRET",
        "/v2/about?md5=SECRETSECRET",
        "/v2/about?credentials=SECRETSECRET",
        "/v2/about?%EF%BD%90%EF%BD%89%EF%BD%8E=SECRETSECRET",  # in full-width letters
        "/v2/about?next=/v2/x%3Fauth_token%3DSECRETSECRET",
        f"/v2/about?next={JWT}",
        f"/v2/user_auth/{JWT}",
        f"/v2/{percent_encode(JWT)}",
        "/v2/user_auth/SECRETSECRET",
        "/v2/USER%5FAUTH/SECRETSECRET",
        "/v2/accounts/x;auth_token=SECRETSECRET/vmboxes",
        "/v2/accounts/x/vmboxes/pin=SECRETSECRET",
        "/v2/accounts/x/vmboxes/pin%3DSECRETSECRET",
        "/v2/accounts/x/vmboxes/pin%253D12%2526SECRETSECRET",
        "/v2/accounts/x/pin/SECRETSECRET",
        "/v2/api_auth%2FSECRETSECRET",
    ],
)
def test_no_spelling_of_a_secret_is_logged(target: str) -> None:
    assert SECRET not in redact_target(target)
    assert percent_encode(SECRET) not in redact_target(target)
    assert SECRET not in redact(f"Invalid request: '{target}'")


def test_an_api_key_is_hidden_anywhere() -> None:
    key = "0123456789abcdef" * 4
    assert key not in redact_target(f"/v2/accounts/{key}?x={key}")


@pytest.mark.parametrize(
    "target",
    [
        "/v2/accounts/1c9d4ab86d6f4a27b3f8c42e0c61b7d5/vmboxes/201605-6aadef09f6fcf5fd8bcdfca312e923ba/raw",
        "/v2/accounts/x/api_key",
        "/v2/accounts/x/vmboxes?page_size=3&start_key=abc-_&filter_name=My%20Box&has_key=pin&bypass=x&passenger=y&spin=z",
        "/admin/desk/account/?q=M%C3%BCller+%26+Sons",
    ],
)
def test_anything_else_is_logged_as_it_was_sent(target: str) -> None:
    assert redact_target(target) == target


def test_a_path_that_django_has_decoded_is_redacted_as_it_was_sent() -> None:
    path = "/v2/x/pin=12&SECRET SECRET"
    record = logging.LogRecord("django.request", logging.WARNING, "f", 1, "Not Found: %s", (path,), None)
    record.request = SimpleNamespace(path=path)
    line = json.loads(JsonFormatter().format(record))
    assert "SECRET" not in line["message"]
    assert line["message"].startswith("Not Found: /v2/x/")


def test_long_texts_are_cut() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%s", ("x" * 1_000_000,), None)
    assert len(JsonFormatter().format(record)) < 11_000
