"""PUT /v2/api_auth: a token for an account's API key."""

from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import Running


@pytest.fixture
def anonymous(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


def test_the_key_gives_a_token_of_the_account(anonymous: Api, account: Account) -> None:
    answer = anonymous.put("/v2/api_auth", {"api_key": account.api_key})
    body = answer.json()
    assert answer.status_code == 201
    assert body["data"]["account_id"] == account.id
    assert body["data"]["account_name"] == account.name
    assert "owner_id" not in body["data"]
    assert account.api_key not in answer.text


def test_the_token_has_the_rights_of_an_administrator(anonymous: Api, account: Account) -> None:
    token = anonymous.put("/v2/api_auth", {"api_key": account.api_key}).json()["auth_token"]
    api = Api(anonymous.url, account.id, token)
    box = api.new_box("3000", pin="1234")
    assert api.get(f"vmboxes/{box['id']}").json()["data"]["pin"] == "1234"
    user = {"first_name": "A", "last_name": "B"}
    assert api.put("users", user).status_code == 201


def test_an_unknown_key_is_refused(anonymous: Api) -> None:
    answer = anonymous.put("/v2/api_auth", {"api_key": "0" * 64})
    assert answer.status_code == 401
    assert answer.json()["message"] == "invalid_credentials"


@pytest.mark.parametrize(
    "data", [{}, {"api_key": "short"}, {"api_key": "0" * 65}, {"api_key": None}, {"api_key": []}]
)
def test_a_malformed_key_is_refused(anonymous: Api, data: dict[str, Any]) -> None:
    answer = anonymous.put("/v2/api_auth", data)
    assert answer.status_code == 400
    assert "api_key" in answer.json()["data"]


def test_the_key_of_a_disabled_account_is_locked(anonymous: Api, account: Account, db: Database) -> None:
    for database in (db, couch().database(database_names.ACCOUNTS)):
        database.update(account.id, lambda doc: {**doc, "pvt_enabled": False})
    answer = anonymous.put("/v2/api_auth", {"api_key": account.api_key})
    assert (answer.status_code, answer.json()["error"], answer.json()["message"]) == (423, "423", "locked")
    assert answer.json()["data"] == {"account": {"disabled": {"message": "The account is disabled"}}}


def test_the_key_of_a_deleted_account_is_refused(anonymous: Api, account: Account, db: Database) -> None:
    db.update(account.id, lambda doc: {**doc, "pvt_deleted": True})
    assert anonymous.put("/v2/api_auth", {"api_key": account.api_key}).status_code == 401
