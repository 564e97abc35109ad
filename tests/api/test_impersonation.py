"""An administrator acts as a user of an account below: with the user's rights, under both names."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from django.conf import settings

from couch.client import couch
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.kazoo_tokens import KazooTokens
from tests.support.servers import Running, wait_until

ACTION = {"action": "impersonate_user"}


@pytest.fixture
def account(new_account: Callable[..., Account]) -> Account:
    """The administrator's own account."""
    return new_account()


@pytest.fixture
def below(account: Account, new_account: Callable[..., Account]) -> Account:
    """An account below."""
    return new_account(parent=account.id)


def new_user(api: Api, account: Account, username: str, **members: Any) -> str:
    """The id of a new user."""
    user = {"first_name": "A", "last_name": "B", "username": username, "password": "secret 1", **members}
    answer = api.put(f"/v2/accounts/{account.id}/users", user)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


def path_of(account: Account, user_id: str) -> str:
    return f"/v2/accounts/{account.id}/users/{user_id}/user_auth"


def act_as(api: Api, account: Account, user_id: str) -> Api:
    """A client with a token of the user's."""
    answer = api.put(path_of(account, user_id), ACTION)
    assert answer.status_code == 201, answer.text
    return Api(api.url, account.id, answer.json()["auth_token"])


def claims_of(client: Api) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(str(client.token), options={"verify_signature": False})
    return claims


def set_member(account: Account, doc_id: str, **members: Any) -> None:
    """Change a stored document as an administrator above, or Kazoo, would."""
    couch().database(database_names.account_db(account.id)).update(doc_id, lambda doc: {**doc, **members})


def wait_for_end(client: Api) -> None:
    wait_until(lambda: client.get("/v2/token_auth").status_code == 401)


def test_an_administrator_above_acts_as_a_user(api: Api, account: Account, below: Account, server: Running) -> None:
    user_id = new_user(api, below, "plain")
    answer = api.put(path_of(below, user_id), ACTION)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json()["data"]["account_id"], answer.json()["data"]["owner_id"]) == (below.id, user_id)
    client = Api(api.url, below.id, answer.json()["auth_token"])
    assert client.get("vmboxes").status_code == 200
    assert client.put("vmboxes", {"name": "A", "mailbox": "1"}).status_code == 403
    assert client.get(f"/v2/accounts/{account.id}").status_code == 403
    shown = client.get("/v2/auth/tokeninfo").json()["data"]
    assert (shown["original_account_id"], shown["original_owner_id"]) == (account.id, account.user_id)


def test_a_kazoo_takes_the_token(api: Api, account: Account, below: Account) -> None:
    client = act_as(api, below, below.user_id)
    claims = KazooTokens(settings.COUCHDB_URL).verify(str(client.token))
    assert (claims["account_id"], claims["owner_id"], claims["method"]) == (below.id, below.user_id, "cb_user_auth")
    assert (claims["original_account_id"], claims["original_owner_id"]) == (account.id, account.user_id)


def test_it_is_logged_who_acts_as_whom(api: Api, account: Account, below: Account, server: Running) -> None:
    act_as(api, below, below.user_id)
    lines = [json.loads(line) for line in server.logged().splitlines() if "acts as another user" in line]
    ids = ("account_id", "user_id", "original_account_id", "original_user_id")
    expected = (below.id, below.user_id, account.id, account.user_id)
    assert [line for line in lines if tuple(line[name] for name in ids) == expected]


@pytest.mark.parametrize("options", [{}, {"json": {"data": {}}}])
def test_the_action_need_not_be_named(api: Api, below: Account, options: dict[str, Any]) -> None:
    assert api.request("PUT", path_of(below, below.user_id), **options).status_code == 201


def test_another_action_is_refused(api: Api, below: Account) -> None:
    answer = api.put(path_of(below, below.user_id), {"action": "delete_user"})
    assert (answer.status_code, list(answer.json()["data"]["action"])) == (400, ["enum"])


def test_an_api_key_acts_as_a_user_too(api: Api, account: Account, below: Account) -> None:
    token = api.put("/v2/api_auth", {"api_key": account.api_key}).json()["auth_token"]
    claims = claims_of(act_as(Api(api.url, account.id, token), below, below.user_id))
    assert claims["original_account_id"] == account.id
    assert "original_owner_id" not in claims


def test_basic_credentials_are_enough(api: Api, account: Account, below: Account) -> None:
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    basic = {"Authorization": "Basic " + base64.b64encode(f"{account.id}:{digest}".encode()).decode()}
    answer = api.without_token().put(path_of(below, below.user_id), ACTION, headers=basic)
    assert answer.status_code == 201
    assert claims_of(Api(api.url, below.id, answer.json()["auth_token"]))["original_owner_id"] == account.user_id


def test_nobody_acts_as_a_user_of_ones_own_account_or_one_above_or_beside(
    api: Api, account: Account, below: Account, new_account: Callable[..., Account], log_in: Callable[..., Api]
) -> None:
    colleague = new_user(api, account, "colleague")
    beside = new_account()
    for target, user_id in ((account, colleague), (account, account.user_id), (beside, beside.user_id)):
        assert api.put(path_of(target, user_id), ACTION).status_code == 403
    assert log_in(below).put(path_of(account, account.user_id), ACTION).status_code == 403


def test_a_plain_user_acts_as_nobody_else(
    api: Api, account: Account, below: Account, log_in: Callable[..., Api]
) -> None:
    user_id = new_user(api, account, "plain")
    plain = log_in(account, "plain", "secret 1")
    for target, target_id in ((below, below.user_id), (account, account.user_id), (account, user_id)):
        assert plain.put(path_of(target, target_id), ACTION).status_code == 403


def test_without_a_token_nobody_acts_as_a_user(api: Api, below: Account) -> None:
    assert api.without_token().put(path_of(below, below.user_id), ACTION).status_code == 401


def test_it_is_no_way_to_the_rights_of_a_superduper_administrator(
    api: Api, below: Account, new_account: Callable[..., Account], log_in: Callable[..., Api]
) -> None:
    set_member(below, below.id, pvt_superduper_admin=True)
    plain_id = new_user(log_in(below), below, "plain")
    assert api.put(path_of(below, below.user_id), ACTION).status_code == 403
    assert api.put(path_of(below, plain_id), ACTION).status_code == 201
    superduper = log_in(new_account(superduper_admin=True))
    assert superduper.put(path_of(below, below.user_id), ACTION).status_code == 201


def test_a_superduper_administrator_acts_as_any_user_of_another_account(
    account: Account, new_account: Callable[..., Account], log_in: Callable[..., Api]
) -> None:
    own = new_account(superduper_admin=True)
    superduper = log_in(own)
    assert act_as(superduper, account, account.user_id).get("vmboxes").status_code == 200
    assert superduper.put(path_of(own, own.user_id), ACTION).status_code == 403


@pytest.mark.parametrize("subject", ["account", "user"])
def test_nobody_acts_as_a_user_who_is_disabled(api: Api, below: Account, subject: str) -> None:
    user_id = new_user(api, below, "disabled", enabled=subject != "user")
    if subject == "account":
        set_member(below, below.id, pvt_enabled=False)
    answer = api.put(path_of(below, user_id), ACTION)
    assert (answer.status_code, list(answer.json()["data"])) == (423, [subject])


def test_an_unknown_user_is_a_bad_identifier(api: Api, below: Account) -> None:
    for user_id in ("f" * 32, "nobody"):
        assert api.put(path_of(below, user_id), ACTION).status_code == 404


def test_who_acts_as_a_user_stays_named_further_below(
    api: Api, account: Account, below: Account, new_account: Callable[..., Account]
) -> None:
    bottom = new_account(parent=below.id)
    client = act_as(act_as(api, below, below.user_id), bottom, bottom.user_id)
    claims = claims_of(client)
    assert (claims["account_id"], claims["original_account_id"]) == (bottom.id, account.id)
    assert claims["original_owner_id"] == account.user_id
    assert client.get("").status_code == 200


def test_the_token_ends_with_the_secret_of_who_acts_or_of_the_user(
    api: Api, account: Account, below: Account, log_in: Callable[..., Api]
) -> None:
    by_user, by_administrator = act_as(api, below, below.user_id), act_as(api, below, below.user_id)
    reset = {"action": "reset_signature_secret"}
    assert api.put("/v2/auth", reset).status_code == 201
    wait_for_end(by_administrator)
    wait_for_end(by_user)
    again = act_as(log_in(account), below, below.user_id)
    assert log_in(below).put("/v2/auth", reset).status_code == 201
    wait_for_end(again)


@pytest.mark.parametrize("rights", [{"priv_level": "user"}, {"enabled": False}, {"pvt_deleted": True}])
def test_the_token_ends_with_the_rights_of_who_acts(
    api: Api, account: Account, below: Account, rights: dict[str, Any]
) -> None:
    client = act_as(api, below, below.user_id)
    assert client.get("").status_code == 200
    set_member(account, account.user_id, **rights)
    wait_for_end(client)


def test_the_token_ends_with_the_account_of_who_acts(api: Api, account: Account, below: Account) -> None:
    client = act_as(api, below, below.user_id)
    set_member(account, account.id, pvt_enabled=False)
    wait_for_end(client)
    assert replace(client, token=None).get("").status_code == 401


def test_a_token_without_the_mark_that_binds_it_is_kazoos(api: Api, account: Account, below: Account) -> None:
    kazoo = KazooTokens(settings.COUCHDB_URL)
    claims = {**kazoo.claims(below.id, owner_id=below.user_id), "original_account_id": account.id}
    assert Api(api.url, below.id, kazoo.sign(claims)).get("").status_code == 200
    forged = {**claims, "original_identity_sig": "bad"}
    assert Api(api.url, below.id, kazoo.sign(forged)).get("").status_code == 401
