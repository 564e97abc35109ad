"""What is known of accounts and users for a while: what decides what they may do, and what else many requests ask.

It is remembered for CACHE_SECONDS: so soon is a change noticed on every instance, and at once in the process that
made it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cachetools import TTLCache, cached, keys

from accounts import accounts, users
from accounts.auth import credentials, tokens
from couch.client import Document
from couch.errors import MissingDatabase
from storage import system_config

CACHE_SECONDS = 7


@dataclass(frozen=True)
class AccountFacts:
    """What of an account decides who may do what, and what else many requests ask of it."""

    account_id: str
    tree: tuple[str, ...]
    is_enabled: bool
    is_superduper_admin: bool
    fingerprint: str
    realm: object
    timezone: object


@dataclass(frozen=True)
class UserFacts:
    """What of a user decides what it may do, and what else many requests ask of it."""

    is_enabled: bool
    is_admin: bool
    fingerprint: str
    timezone: object


_accounts: TTLCache[Any, AccountFacts] = TTLCache(maxsize=20_000, ttl=CACHE_SECONDS)
_users: TTLCache[Any, UserFacts] = TTLCache(maxsize=50_000, ttl=CACHE_SECONDS)
_lock = Lock()


@cached(_accounts, lock=_lock)
def of_account(account_id: str) -> AccountFacts:
    """The facts of a live account, a few seconds old at most; BadIdentifier."""
    return _facts_of_account(accounts.get(account_id))


def _facts_of_account(doc: Document) -> AccountFacts:
    return AccountFacts(
        doc["_id"],
        tuple(accounts.ancestor_ids(doc)),
        accounts.is_enabled(doc),
        accounts.is_superduper_admin(doc),
        tokens.fingerprint(credentials.api_key_of(doc)),
        doc.get("realm"),
        doc.get("timezone"),
    )


@cached(_users, lock=_lock)
def of_user(account_id: str, user_id: str) -> UserFacts:
    """The facts of a live user, a few seconds old at most; BadIdentifier."""
    return _facts_of_user(users.get(account_id, user_id))


def _facts_of_user(doc: Document) -> UserFacts:
    fingerprint = tokens.fingerprint(credentials.secret_of(doc))
    return UserFacts(users.is_enabled(doc), users.is_admin(doc), fingerprint, doc.get("timezone"))


def forget(account_id: str, user_id: str | None = None) -> None:
    """Drop what this process remembers of a changed account or user."""
    with _lock:
        if user_id is None:
            _accounts.pop(keys.hashkey(account_id), None)
        else:
            _users.pop(keys.hashkey(account_id, user_id), None)


def look_up(account_id: str, settings: Iterable[str], ids: Iterable[str]) -> Mapping[str, Document]:
    """Ask for all at once that nobody here knows for now of an account: its facts and its `settings`.

    Those are names of `config.for_account`. If there is any of it to ask for, so are its documents with some `ids`,
    whose reader would ask next; they are returned. An account that isn't found is not remembered as missing: who
    needs it asks again, and tells. Settings that aren't found are, as they need not be there.
    """
    needed = Needed.of(account_id, None, settings, ids)
    return needed.found() if needed.missing else {}


@dataclass(frozen=True)
class Needed:
    """What nobody here knows for now of an account and a user, and what is to be asked for along with it."""

    account_id: str
    user_id: str | None
    settings: list[str]
    missing: list[str]
    """Ids of documents: of the account, the user, the settings."""
    along: list[str]

    @classmethod
    def of(cls, account_id: str, user_id: str | None, settings: Iterable[str], along: Iterable[str]) -> "Needed":
        missing = [] if _is_known(_accounts, account_id) else [account_id]
        if user_id is not None and not _is_known(_users, account_id, user_id):
            missing.append(user_id)
        names = [name for name in settings if not system_config.is_remembered(account_id, name)]
        return cls(account_id, user_id, names, [*missing, *map(system_config.document_id, names)], list(along))

    @property
    def ids(self) -> list[str]:
        """Ids of all documents to ask for."""
        return self.missing + self.along

    def found(self) -> Mapping[str, Document]:
        """Ask for it."""
        try:
            docs = accounts.database_of(self.account_id).fetch(self.ids)
        except MissingDatabase:
            return {}
        return self.remembered(docs)

    def remembered(self, docs: Mapping[str, Document]) -> Mapping[str, Document]:
        """Remember for a while what was found, if it is live."""
        _remember(self.account_id, self.user_id, docs)
        for name in self.settings:
            system_config.remember(self.account_id, name, docs.get(system_config.document_id(name)))
        return docs


def _remember(account_id: str, user_id: str | None, docs: Mapping[str, Document]) -> None:
    """Know an account and a user for a while, if they are among some documents, and live."""
    account = docs.get(account_id)
    user = None if user_id is None else users.live(docs.get(user_id))
    with _lock:
        if accounts.is_live(account):
            _accounts[keys.hashkey(account_id)] = _facts_of_account(account)
        if user is not None:
            _users[keys.hashkey(account_id, user_id)] = _facts_of_user(user)


def _is_known(cache: TTLCache[Any, Any], *ids: str) -> bool:
    with _lock:
        return keys.hashkey(*ids) in cache
