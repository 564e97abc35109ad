"""PINs and the like of others are shown to administrators only, and nobody else finds them by a filter."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_client import Account, Api
from tests.support.operators import PIN

SECRETS = {"pin": PIN, "hotdesk": {"enabled": True, "pin": PIN, "require_pin": True}, "voicemail": [{"pin": PIN}]}
OPEN = {"hotdesk": {"enabled": True, "require_pin": True}, "voicemail": [{}]}
FILTERS = [
    f"filter_pin={PIN}",
    f"filter_hotdesk.pin={PIN}",
    f'filter_any_pin=["{PIN}"]',
    f"filter_any_hotdesk.pin={PIN}",
    "has_key=pin",
    "has_key=hotdesk.pin",
    "has_value=pin",
    "has_value=hotdesk.pin",
]
NEGATIVE_FILTERS = [
    f"filter_not_pin={PIN}",
    f"filter_none_hotdesk.pin={PIN}",
    "key_missing=hotdesk.pin",
    "value_missing=pin",
    "missing_value=pin",
]


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """One account for all tests, which change nothing."""
    return shared_account


@pytest.fixture(scope="module")
def people(account: Account) -> dict[str, Any]:
    """What is created once: a user with secrets, and its mailbox."""
    return {}


@pytest.fixture
def ada(api: Api, people: dict[str, Any]) -> dict[str, Any]:
    """A user with PINs."""
    if "ada" not in people:
        ada = {"first_name": "Ada", "last_name": "B", "username": "ada", "password": "secret 1", **SECRETS}
        bob = {"first_name": "Bob", "last_name": "B", "username": "bob", "password": "secret 1"}
        people["ada"] = api.put("users", ada).json()["data"]
        people["bob"] = api.put("users", bob).json()["data"]
        people["box"] = api.new_box("3000", owner_id=people["ada"]["id"], **SECRETS)
    user: dict[str, Any] = people["ada"]
    return user


@pytest.fixture
def as_ada(ada: dict[str, Any], account: Account, log_in: Callable[..., Api]) -> Api:
    """The user itself."""
    return log_in(account, "ada", "secret 1")


@pytest.fixture
def as_bob(ada: dict[str, Any], account: Account, log_in: Callable[..., Api]) -> Api:
    """Another plain user."""
    return log_in(account, "bob", "secret 1")


def test_a_user_sees_its_own_and_an_administrator_everybodys(api: Api, as_ada: Api, ada: dict[str, Any]) -> None:
    for client in (api, as_ada):
        data = client.get(f"users/{ada['id']}").json()["data"]
        assert {name: data[name] for name in SECRETS} == SECRETS


def test_no_other_user_sees_them(as_bob: Api, ada: dict[str, Any], people: dict[str, Any]) -> None:
    for path in (f"users/{ada['id']}", f"vmboxes/{people['box']['id']}"):
        response = as_bob.get(path)
        data = response.json()["data"]
        assert "pin" not in data
        assert {name: data[name] for name in OPEN} == OPEN
        assert PIN not in response.text
    for path in ("users", "vmboxes"):
        for headers in ({}, {"Accept": "text/csv"}):
            assert PIN not in as_bob.get(path, headers=headers).text


def test_a_digest_of_what_is_shown_stands_for_the_revision_where_secrets_are_hidden(
    api: Api, as_bob: Api, ada: dict[str, Any], people: dict[str, Any]
) -> None:
    for path in (f"users/{ada['id']}", f"vmboxes/{people['box']['id']}"):
        shown = as_bob.get(path)
        assert api.get(path).json()["revision"] not in shown.text + str(shown.headers)
        assert as_bob.get(path, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", ["users", "vmboxes", "users/{ada}/vmboxes"])
def test_no_filter_finds_them_for_another_user(
    as_bob: Api, api: Api, as_ada: Api, ada: dict[str, Any], path: str
) -> None:
    path = path.format(ada=ada["id"])
    entries = as_bob.get(path).json()["data"]
    for query in FILTERS:
        assert as_bob.get(f"{path}?{query}").json()["data"] == [], query
        assert len(api.get(f"{path}?{query}").json()["data"]) == 1, query
        assert len(as_ada.get(f"{path}?{query}").json()["data"]) == 1, query
    for query in NEGATIVE_FILTERS:
        assert as_bob.get(f"{path}?{query}").json()["data"] == entries, query


def test_those_of_an_account_are_for_its_administrators(own_api: Api, log_in: Callable[..., Api]) -> None:
    assert own_api.patch("", {"conference": {"pin": PIN}, "name": "N"}).status_code == 200
    plain = {"first_name": "P", "last_name": "B", "username": "plain", "password": "secret 1"}
    assert own_api.put("users", plain).status_code == 201
    realm = own_api.get("").json()["data"]["realm"]
    as_plain = log_in(Account(own_api.account_id, "N", realm, "plain", "secret 1", "", ""))
    assert own_api.get("").json()["data"]["conference"] == {"pin": PIN}
    assert as_plain.get("").json()["data"]["conference"] == {}
