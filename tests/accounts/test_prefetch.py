"""Who asks, and what a request needs beside, asked for at once and known for a while."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from accounts.auth import authentication, tokens
from accounts.auth import cache as auth_cache
from couch.client import Database, couch
from crossbar.errors import BadIdentifier, InvalidCredentials
from storage import database_names, documents, system_config
from tests.support.api_client import Account, Api
from tests.support.servers import SECRET_KEY

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
    found = authentication.prefetch(claims, account.id, ["callflow"], [box["_id"], "nothing"])
    assert found[box["_id"]] == box
    assert set(found) == {account.id, account.user_id, settings["_id"], box["_id"]}
    for doc_id in (account.id, account.user_id, settings["_id"]):
        db.update(doc_id, lambda doc: {**doc, "realm": "other", "timezone": "Asia/Tokyo", "voicemail": {}})
    assert auth_cache.get_account(account.id).realm == account.realm
    assert auth_cache.get_user(account.id, account.user_id).timezone is None
    assert system_config.for_account(account.id, "callflow") == settings
    assert authentication.prefetch(claims, account.id, ["callflow"], [box["_id"]]) == {}


def test_settings_that_nobody_made_are_known_to_be_none(
    account: Account, db: Database, claims: dict[str, Any]
) -> None:
    authentication.prefetch(claims, account.id, ["callflow"], [])
    db.put(SETTINGS)
    assert system_config.for_account(account.id, "callflow") == {}


def test_what_ran_out_is_asked_for_together_though_the_token_is_known(
    account: Account, db: Database, claims: dict[str, Any]
) -> None:
    box = db.put(BOX)
    authentication.prefetch(claims, account.id, [], [])
    for doc_id in (account.id, account.user_id):
        documents.update(db, doc_id, lambda doc: {**doc, "timezone": "Asia/Tokyo"})
    assert set(authentication.prefetch(claims, account.id, [], [box["_id"]])) == {
        account.id,
        account.user_id,
        box["_id"],
    }


def test_a_revoked_token_is_found_out(account: Account, claims: dict[str, Any], couchdb: object) -> None:
    couch().create(database_names.TOKENS)
    couch().database(database_names.TOKENS).put({"_id": claims["jti"], "pvt_type": "token_revocation"})
    authentication.prefetch(claims, account.id, [], [])
    with pytest.raises(InvalidCredentials):
        tokens.require_not_revoked(claims)


@pytest.mark.parametrize("change", [{"pvt_deleted": True}, {"pvt_type": "device"}])
def test_who_is_no_live_user_is_not_remembered(
    account: Account, db: Database, claims: dict[str, Any], change: dict[str, Any]
) -> None:
    db.update(account.user_id, lambda doc: {**doc, **change})
    authentication.prefetch(claims, account.id, [], [])
    with pytest.raises(BadIdentifier):
        auth_cache.get_user(account.id, account.user_id)
    with pytest.raises(InvalidCredentials):
        authentication.identity_of("a token", claims)


def test_a_request_about_another_account_gets_none_of_its_own_documents(
    account: Account, new_account: Callable[..., Account], db: Database, claims: dict[str, Any]
) -> None:
    db.put(BOX)
    other = new_account()
    assert set(authentication.prefetch(claims, other.id, ["callflow"], [BOX["_id"]])) == {account.id, account.user_id}


def test_an_account_that_is_gone_has_nothing(
    account: Account, new_account: Callable[..., Account], claims: dict[str, Any]
) -> None:
    gone = new_account()
    couch().drop(database_names.account_db(gone.id))
    assert auth_cache.prefetch(gone.id, ["callflow"], [BOX["_id"]]) == {}
    with pytest.raises(BadIdentifier):
        auth_cache.get_account(gone.id)
    couch().drop(database_names.account_db(account.id))
    assert authentication.prefetch(claims, account.id, ["callflow"], []) == {}
    with pytest.raises(InvalidCredentials):
        authentication.identity_of("a token", claims)
