"""The prefetch of what a request needs: the caller, its account, settings and documents, and what is cached."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.auth import authentication, tokens
from accounts.auth import cache as auth_cache
from accounts.auth.tokens import Token
from couch.client import couch
from couch.database import Database
from crossbar.errors import BadIdentifier, InvalidCredentials
from storage import database_names, documents, system_config
from tests.support.api_client import Account, Api

BOX = {"_id": "b" * 32, "pvt_type": "vmbox", "name": "Box"}
SETTINGS = {"_id": "configs_callflow", "voicemail": {"message_retention_duration": 5}}


@pytest.fixture
def token(api: Api) -> Token:
    """The administrator's token."""
    return tokens.verify(str(api.token))


def test_everything_needed_is_fetched_once_and_cached(account: Account, db: Database, token: Token) -> None:
    box, settings = db.put(BOX), db.put(SETTINGS)
    fetched = authentication.prefetch(token, account.id, ["callflow"], [box["_id"], "nothing"])
    assert fetched[box["_id"]] == box
    assert set(fetched) == {account.id, account.user_id, settings["_id"], box["_id"]}
    for doc_id in (account.id, account.user_id, settings["_id"]):
        db.update(doc_id, lambda doc: {**doc, "realm": "other", "timezone": "Asia/Tokyo", "voicemail": {}})
    assert auth_cache.get_account(account.id).realm == account.realm
    assert auth_cache.get_user(account.id, account.user_id).timezone is None
    assert system_config.for_account(account.id, "callflow") == settings
    assert authentication.prefetch(token, account.id, ["callflow"], [box["_id"]]) == {}


def test_missing_settings_are_cached_as_missing(account: Account, db: Database, token: Token) -> None:
    authentication.prefetch(token, account.id, ["callflow"], [])
    db.put(SETTINGS)
    assert system_config.for_account(account.id, "callflow") == {}


def test_changed_documents_are_fetched_again_though_the_token_is_cached(
    account: Account, db: Database, token: Token
) -> None:
    box = db.put(BOX)
    authentication.prefetch(token, account.id, [], [])
    for doc_id in (account.id, account.user_id):
        documents.update(db, doc_id, lambda doc: {**doc, "timezone": "Asia/Tokyo"})
    assert set(authentication.prefetch(token, account.id, [], [box["_id"]])) == {
        account.id,
        account.user_id,
        box["_id"],
    }


def test_the_prefetch_finds_a_revocation(account: Account, token: Token, couchdb: object) -> None:
    couch().create(database_names.TOKENS)
    couch().database(database_names.TOKENS).put({"_id": token.id, "pvt_type": "token_revocation"})
    authentication.prefetch(token, account.id, [], [])
    with pytest.raises(InvalidCredentials):
        tokens.require_not_revoked(token)


@pytest.mark.parametrize("change", [{"pvt_deleted": True}, {"pvt_type": "device"}])
def test_a_deleted_user_is_not_cached(account: Account, db: Database, token: Token, change: dict[str, Any]) -> None:
    db.update(account.user_id, lambda doc: {**doc, **change})
    authentication.prefetch(token, account.id, [], [])
    with pytest.raises(BadIdentifier):
        auth_cache.get_user(account.id, account.user_id)
    with pytest.raises(InvalidCredentials):
        authentication.identity_of("a token", token)


def test_a_request_to_another_account_fetches_only_the_callers_account_and_user(
    account: Account, new_account: Callable[..., Account], db: Database, token: Token
) -> None:
    db.put(BOX)
    other = new_account()
    assert set(authentication.prefetch(token, other.id, ["callflow"], [BOX["_id"]])) == {account.id, account.user_id}


def test_nothing_is_fetched_of_an_account_without_database(
    account: Account, new_account: Callable[..., Account], token: Token
) -> None:
    dropped = new_account()
    couch().drop(database_names.account_db(dropped.id))
    assert auth_cache.prefetch(dropped.id, ["callflow"], [BOX["_id"]]) == {}
    with pytest.raises(BadIdentifier):
        auth_cache.get_account(dropped.id)
    couch().drop(database_names.account_db(account.id))
    assert authentication.prefetch(token, account.id, ["callflow"], []) == {}
    with pytest.raises(InvalidCredentials):
        authentication.identity_of("a token", token)
