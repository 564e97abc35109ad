"""Who asks: a token's, or Basic credentials', user and account, as they are now and not when the token was given.

What decides is remembered for CACHE_SECONDS, and what was decided for KNOWN_SECONDS: a user or account that is
disabled, deleted or loses its rights is noticed within both together on every instance, a revoked token within
tokens.CACHE_SECONDS and KNOWN_SECONDS.
"""

import base64
import binascii
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from cachetools import TTLCache, cached, keys

from accounts import config, credentials, directory, login, tokens, users
from accounts.couch import Document, MissingDatabase, couch
from accounts.private import Actor
from crossbar.errors import BadIdentifier, InvalidCredentials

CACHE_SECONDS = 7
KNOWN_SECONDS = 1
_MOST_KNOWN = 10_000


@dataclass(frozen=True)
class Identity:
    """Who is asking. Without `owner_id` it is the account itself, by its API key."""

    account_id: str
    owner_id: str | None
    is_admin: bool
    is_superduper_admin: bool
    token: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)

    def actor(self, request_id: str | None = None) -> Actor:
        """What a change records of who made it."""
        return Actor(self.account_id, self.owner_id, request_id)


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
# Who good tokens were given to, and until when that needs no other look (by the clock that runs evenly).
_known: dict[str, tuple[float, Identity]] = {}
_lock = Lock()


@cached(_accounts, lock=_lock)
def account_facts(account_id: str) -> AccountFacts:
    """The facts of a live account, a few seconds old at most; BadIdentifier."""
    return _facts_of_account(directory.account(account_id))


def _facts_of_account(doc: Document) -> AccountFacts:
    return AccountFacts(
        doc["_id"],
        tuple(directory.tree(doc)),
        directory.is_enabled(doc),
        directory.is_superduper_admin(doc),
        tokens.fingerprint(credentials.api_key_of(doc)),
        doc.get("realm"),
        doc.get("timezone"),
    )


@cached(_users, lock=_lock)
def user_facts(account_id: str, user_id: str) -> UserFacts:
    """The facts of a live user, a few seconds old at most; BadIdentifier."""
    return _facts_of_user(users.get(account_id, user_id))


def _facts_of_user(doc: Document) -> UserFacts:
    fingerprint = tokens.fingerprint(credentials.secret_of(doc))
    return UserFacts(users.is_enabled(doc), users.is_admin(doc), fingerprint, doc.get("timezone"))


def known(token: str) -> Identity | None:
    """Who a token was given to, if that was found a moment ago."""
    found = _known.get(token)
    return found[1] if found is not None and found[0] > time.monotonic() else None


def of_token(token: str, claims: tokens.Claims) -> Identity:
    """Who a token with these claims was given to; InvalidCredentials when it, its user or its account is no good."""
    tokens.require_current(claims)
    try:
        found = _identity(claims["account_id"], claims.get("owner_id"), token, claims)
    except BadIdentifier as error:
        raise InvalidCredentials() from error
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[token] = time.monotonic() + KNOWN_SECONDS, found
    return found


def revoke(who: Identity) -> None:
    """End the token that somebody asks with, on every instance; this process knows it at once."""
    tokens.revoke(who.claims)
    _known.clear()


def look_up(
    claims: tokens.Claims, account_id: str, settings: Iterable[str], ids: Iterable[str]
) -> Mapping[str, Document]:
    """Ask for all at once that a request with a token to an account will need and nobody here knows for now.

    That is whether the token is revoked, its account and its user; when the request is about that same account, also
    what `look_up_account` asks for. Returns what that does.
    """
    own_id, user_id = claims["account_id"], claims.get("owner_id")
    needed = _Needed.of(own_id, user_id, *((settings, ids) if account_id == own_id else ((), ())))
    if tokens.is_remembered(claims):
        return needed.found() if needed.missing else {}
    if not needed.ids:
        return {}
    revocation, docs = couch().both(
        tokens.wish_for_revocation(claims), directory.database_of(own_id).wish_for_all(needed.ids)
    )
    tokens.remember(claims, revoked=revocation is not None)
    return needed.remembered(docs)


def look_up_account(account_id: str, settings: Iterable[str], ids: Iterable[str]) -> Mapping[str, Document]:
    """Ask for all at once that nobody here knows for now of an account: its facts and its `settings`.

    Those are names of `config.for_account`. If there is any of it to ask for, so are its documents with some `ids`,
    whose reader would ask next; they are returned. What isn't found is not remembered: who needs it asks again, and
    tells.
    """
    needed = _Needed.of(account_id, None, settings, ids)
    return needed.found() if needed.missing else {}


@dataclass(frozen=True)
class _Needed:
    """What nobody here knows for now of an account and a user, and what is to be asked for along with it."""

    account_id: str
    user_id: str | None
    settings: list[str]
    missing: list[str]
    """Ids of documents: of the account, the user, the settings."""
    along: list[str]

    @classmethod
    def of(cls, account_id: str, user_id: str | None, settings: Iterable[str], along: Iterable[str]) -> "_Needed":
        missing = [] if _is_known(_accounts, account_id) else [account_id]
        if user_id is not None and not _is_known(_users, account_id, user_id):
            missing.append(user_id)
        names = [name for name in settings if not config.is_remembered(account_id, name)]
        return cls(account_id, user_id, names, [*missing, *map(config.document_id, names)], list(along))

    @property
    def ids(self) -> list[str]:
        return self.missing + self.along

    def found(self) -> Mapping[str, Document]:
        """Ask for it."""
        try:
            docs = directory.database_of(self.account_id).fetch(self.ids)
        except MissingDatabase:
            return {}
        return self.remembered(docs)

    def remembered(self, docs: Mapping[str, Document]) -> Mapping[str, Document]:
        """Remember for a while what was found, if it is live."""
        _remember(self.account_id, self.user_id, docs)
        for name in self.settings:
            config.remember(self.account_id, name, docs.get(config.document_id(name)))
        return docs


def _remember(account_id: str, user_id: str | None, docs: Mapping[str, Document]) -> None:
    """Know an account and a user for a while, if they are among some documents, and live."""
    account = directory.live(docs.get(account_id))
    user = None if user_id is None else users.live(docs.get(user_id))
    with _lock:
        if account is not None:
            _accounts[keys.hashkey(account_id)] = _facts_of_account(account)
        if user is not None:
            _users[keys.hashkey(account_id, user_id)] = _facts_of_user(user)


def _is_known(facts: TTLCache[Any, Any], *ids: str) -> bool:
    with _lock:
        return keys.hashkey(*ids) in facts


def of_basic(encoded: str, address: str) -> Identity:
    """Who ``Authorization: Basic base64(account_id:md5hash)`` from an address names.

    Raises InvalidCredentials, and TooManyRequests after many of them.
    """
    try:
        account_id, _, digest = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidCredentials() from error
    user = login.user_by_md5(account_id, digest, address)
    try:
        return _identity(account_id, user["_id"], None, {})
    except BadIdentifier as error:
        raise InvalidCredentials() from error


def forget(account_id: str, user_id: str | None = None) -> None:
    """Drop what this process remembers of a changed account or user; others notice by themselves."""
    _known.clear()
    with _lock:
        if user_id is None:
            _accounts.pop(keys.hashkey(account_id), None)
        else:
            _users.pop(keys.hashkey(account_id, user_id), None)


def _identity(account_id: str, owner_id: str | None, token: str | None, claims: Mapping[str, Any]) -> Identity:
    account = account_facts(account_id)
    if not account.is_enabled:
        raise InvalidCredentials()
    user = None if owner_id is None else user_facts(account_id, owner_id)
    if user is not None and not user.is_enabled:
        raise InvalidCredentials()
    current = account.fingerprint if user is None else user.fingerprint
    if claims.get("cred", current) != current:
        raise InvalidCredentials()
    is_admin = user is None or user.is_admin
    return Identity(account_id, owner_id, is_admin, is_admin and account.is_superduper_admin, token, claims)
