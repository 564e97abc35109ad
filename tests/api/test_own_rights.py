"""Nobody changes one's own rights: a user's `enabled` and `priv_level`, an account's `enabled`."""

from collections.abc import Callable
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database, Document
from storage import database_names
from tests.support.api_client import Account, Api

PLAIN = {"first_name": "A", "last_name": "B", "username": "plain"}


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """One account for all tests, which change next to nothing."""
    return shared_account


@pytest.fixture
def plain_user(api: Api, account: Account, log_in: Callable[..., Api]) -> tuple[Api, str]:
    """A client of a plain user, and the user's id."""
    rows = api.get("users", params={"filter_username": "plain"}).json()["data"]
    if not rows:
        rows = [api.put("users", {**PLAIN, "password": "secret 1"}).json()["data"]]
    return log_in(account, "plain", "secret 1"), rows[0]["id"]


def stored(database: Database, doc_id: str) -> Document:
    doc = database.get(doc_id)
    assert doc is not None
    return doc


@pytest.mark.parametrize("rights", [{"priv_level": "admin"}, {"enabled": False}, {"enabled": "false"}])
def test_a_plain_user_neither_promotes_nor_disables_itself(
    plain_user: tuple[Api, str], db: Database, rights: dict[str, Any]
) -> None:
    client, user_id = plain_user
    doc = stored(db, user_id)
    for verb in (client.patch, client.post):
        assert verb(f"users/{user_id}", {**PLAIN, **rights}).status_code == 403
    assert stored(db, user_id) == doc


@pytest.mark.parametrize(
    "rights", [{"priv_level": "user"}, {"enabled": False}, {"enabled": "false", "priv_level": "admin"}]
)
def test_an_administrator_neither_demotes_nor_disables_itself(
    api: Api, account: Account, db: Database, rights: dict[str, Any]
) -> None:
    doc = stored(db, account.user_id)
    profile = {"first_name": "A", "last_name": "B", "username": account.username}
    for verb in (api.patch, api.post):
        assert verb(f"users/{account.user_id}", {**profile, **rights}).status_code == 403
    assert stored(db, account.user_id) == doc


def test_a_users_own_rights_stay_where_a_request_names_none(api: Api, account: Account, db: Database) -> None:
    profile = {"first_name": "New", "last_name": "B", "username": account.username}
    assert api.post(f"users/{account.user_id}", profile).status_code == 200
    assert api.patch(f"users/{account.user_id}", {"priv_level": None, "enabled": None}).status_code == 200
    user = stored(db, account.user_id)
    assert (user["first_name"], user["priv_level"], user["enabled"]) == ("New", "admin", True)


def test_an_account_neither_disables_nor_enables_itself(api: Api, account: Account, db: Database) -> None:
    by_key = Api(api.url, account.id)
    by_key.token = by_key.put("/v2/api_auth", {"api_key": account.api_key}).json()["auth_token"]
    for client in (api, by_key):
        for verb in (client.patch, client.post):
            for enabled in (False, "false"):
                assert verb("", {"name": account.name, "enabled": enabled}).status_code == 403
    for data in ({"enabled": True}, {"enabled": None}):
        response = api.patch("", {"name": "N", **data})
        assert (response.status_code, response.json()["data"]["enabled"]) == (200, True)
    copy = stored(couch().database(database_names.ACCOUNTS), account.id)
    assert stored(db, account.id)["pvt_enabled"] is copy["pvt_enabled"] is True
