"""Who asks, and what a request needs beside, asked for at once and known for a while."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from api_client import Account, Api
from running import SECRET_KEY

from accounts import config, databases, facts, identity, tokens
from accounts.couch import Database, couch
from crossbar.errors import BadIdentifier, InvalidCredentials

BOX = {"_id": "b" * 32, "pvt_type": "vmbox", "name": "Box"}
SETTINGS = {"_id": "configs_callflow", "voicemail": {"message_retention_duration": 5}}


@pytest.fixture
def claims(api: Api) -> dict[str, Any]:
    """Those of the administrator's token."""
    assert api.token is not None
    found: dict[str, Any] = jwt.decode(api.token, SECRET_KEY, algorithms=["HS256"])
    return found


def test_all_that_is_needed_is_found_and_known_from_then_on(
    account: Account, db: Database, claims: dict[str, Any]
) -> None:
    box, settings = db.put(BOX), db.put(SETTINGS)
    found = identity.look_up(claims, account.id, ["callflow"], [box["_id"], "nothing"])
    assert found[box["_id"]] == box
    assert set(found) == {account.id, account.user_id, settings["_id"], box["_id"]}
    for doc_id in (account.id, account.user_id, settings["_id"]):
        db.update(doc_id, lambda doc: {**doc, "realm": "other", "timezone": "Asia/Tokyo", "voicemail": {}})
    assert facts.of_account(account.id).realm == account.realm
    assert facts.of_user(account.id, account.user_id).timezone is None
    assert config.for_account(account.id, "callflow") == settings
    assert identity.look_up(claims, account.id, ["callflow"], [box["_id"]]) == {}


def test_settings_that_nobody_made_are_known_to_be_none(
    account: Account, db: Database, claims: dict[str, Any]
) -> None:
    identity.look_up(claims, account.id, ["callflow"], [])
    db.put(SETTINGS)
    assert config.for_account(account.id, "callflow") == {}


def test_what_ran_out_is_asked_for_together_though_the_token_is_known(
    account: Account, db: Database, claims: dict[str, Any]
) -> None:
    box = db.put(BOX)
    identity.look_up(claims, account.id, [], [])
    identity.forget(account.id)
    identity.forget(account.id, account.user_id)
    assert set(identity.look_up(claims, account.id, [], [box["_id"]])) == {account.id, account.user_id, box["_id"]}


def test_a_revoked_token_is_found_out(account: Account, claims: dict[str, Any], couchdb: object) -> None:
    couch().create(databases.TOKENS)
    couch().database(databases.TOKENS).put({"_id": claims["jti"], "pvt_type": "token_revocation"})
    identity.look_up(claims, account.id, [], [])
    with pytest.raises(InvalidCredentials):
        tokens.require_current(claims)


@pytest.mark.parametrize("change", [{"pvt_deleted": True}, {"pvt_type": "device"}])
def test_who_is_no_live_user_is_not_remembered(
    account: Account, db: Database, claims: dict[str, Any], change: dict[str, Any]
) -> None:
    db.update(account.user_id, lambda doc: {**doc, **change})
    identity.look_up(claims, account.id, [], [])
    with pytest.raises(BadIdentifier):
        facts.of_user(account.id, account.user_id)
    with pytest.raises(InvalidCredentials):
        identity.of_token("a token", claims)


def test_a_request_about_another_account_gets_none_of_its_own_documents(
    account: Account, new_account: Callable[..., Account], db: Database, claims: dict[str, Any]
) -> None:
    db.put(BOX)
    other = new_account()
    assert set(identity.look_up(claims, other.id, ["callflow"], [BOX["_id"]])) == {account.id, account.user_id}


def test_an_account_that_is_gone_has_nothing(
    account: Account, new_account: Callable[..., Account], claims: dict[str, Any]
) -> None:
    gone = new_account()
    couch().drop(databases.account_db(gone.id))
    assert facts.look_up(gone.id, ["callflow"], [BOX["_id"]]) == {}
    with pytest.raises(BadIdentifier):
        facts.of_account(gone.id)
    couch().drop(databases.account_db(account.id))
    assert identity.look_up(claims, account.id, ["callflow"], []) == {}
    with pytest.raises(InvalidCredentials):
        identity.of_token("a token", claims)
