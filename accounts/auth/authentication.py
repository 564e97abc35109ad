"""Who asks: a token's, or Basic credentials', user and account, as they are now and not when the token was given.

What decides is remembered for facts.CACHE_SECONDS, and what was decided for KNOWN_SECONDS: a user or account that is
disabled, deleted or loses its rights is noticed within both together on every instance, a revoked token within
tokens.CACHE_SECONDS and KNOWN_SECONDS.
"""

import base64
import binascii
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts import accounts
from accounts.auth import cache as auth_cache
from accounts.auth import login, tokens
from accounts.auth.cache import Needed
from couch.client import Document, couch
from crossbar.errors import BadIdentifier, InvalidCredentials
from storage.private_fields import Actor

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


# Who good tokens were given to, and until when that needs no other look (by the clock that runs evenly).
_known: dict[str, tuple[float, Identity]] = {}


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
    what `facts.look_up` asks for. Returns what that does.
    """
    own_id, user_id = claims["account_id"], claims.get("owner_id")
    needed = Needed.of(own_id, user_id, *((settings, ids) if account_id == own_id else ((), ())))
    if tokens.is_remembered(claims):
        return needed.found() if needed.missing else {}
    if not needed.ids:
        return {}
    revocation, docs = couch().both(
        tokens.wish_for_revocation(claims), accounts.database_of(own_id).wish_for_all(needed.ids)
    )
    tokens.remember(claims, revoked=revocation is not None)
    return needed.remembered(docs)


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
    auth_cache.forget(account_id, user_id)


def _identity(account_id: str, owner_id: str | None, token: str | None, claims: Mapping[str, Any]) -> Identity:
    account = auth_cache.of_account(account_id)
    if not account.is_enabled:
        raise InvalidCredentials()
    user = None if owner_id is None else auth_cache.of_user(account_id, owner_id)
    if user is not None and not user.is_enabled:
        raise InvalidCredentials()
    current = account.fingerprint if user is None else user.fingerprint
    if claims.get("cred", current) != current:
        raise InvalidCredentials()
    is_admin = user is None or user.is_admin
    return Identity(account_id, owner_id, is_admin, is_admin and account.is_superduper_admin, token, claims)
