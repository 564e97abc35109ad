"""GET and PUT /v2/accounts/{ACCOUNT_ID}/api_key: a credential that administrators see and renew."""

import re
from collections.abc import Callable

from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import wait_until


def test_an_administrator_sees_the_key(api: Api, account: Account) -> None:
    answer = api.get("api_key")
    assert answer.status_code == 200
    assert answer.json()["data"] == {"api_key": account.api_key}


def test_a_new_key_replaces_the_old_one(api: Api, account: Account, db: Database) -> None:
    answer = api.put("api_key")
    assert answer.status_code == 201
    key = answer.json()["data"]["api_key"]
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert key != account.api_key
    for database in (db, couch().database(database_names.ACCOUNTS)):
        assert (database.get(account.id) or {})["pvt_api_key"] == key
    assert api.put("/v2/api_auth", {"api_key": key}).status_code == 201
    assert api.put("/v2/api_auth", {"api_key": account.api_key}).status_code == 401


def test_a_new_key_revokes_the_tokens_of_the_old_one_only(api: Api, account: Account) -> None:
    token = api.put("/v2/api_auth", {"api_key": account.api_key}).json()["auth_token"]
    of_key = Api(api.url, account.id, token)
    assert of_key.get("").status_code == 200
    assert api.put("api_key").status_code == 201
    wait_until(lambda: {of_key.get("").status_code for _ in range(4)} == {401})
    assert api.get("").status_code == 200


def test_a_plain_user_neither_sees_nor_renews_the_key(
    api: Api, account: Account, db: Database, log_in: Callable[..., Api]
) -> None:
    api.put("users", {"first_name": "A", "last_name": "B", "username": "plain", "password": "secret 1"})
    plain = log_in(account, "plain", "secret 1")
    assert plain.get("api_key").status_code == 403
    assert plain.put("api_key").status_code == 403
    assert (db.get(account.id) or {})["pvt_api_key"] == account.api_key


def test_an_account_without_a_key_shows_an_empty_one(api: Api, account: Account, db: Database) -> None:
    db.update(account.id, lambda doc: {key: value for key, value in doc.items() if key != "pvt_api_key"})
    assert api.get("api_key").json()["data"] == {"api_key": ""}
