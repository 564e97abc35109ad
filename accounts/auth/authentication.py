"""Who asks: a token's, or Basic credentials', user and account, as they are now and not when the token was given.

What decides is remembered for cache.CACHE_SECONDS, and what was decided for KNOWN_SECONDS: a user or account that is
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
from accounts.auth.cache import Missing
from couch.client import Document, couch
from crossbar.errors import BadIdentifier, InvalidCredentials
from storage import document_cache
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


# The identity behind each good token, until when it counts (monotonic seconds), and the generation of documents.
_known: dict[str, tuple[float, int, Identity]] = {}


def known(token: str) -> Identity | None:
    """Who a token was given to, if that was found a moment ago."""
    found = _known.get(token)
    if found is None or found[0] <= time.monotonic() or found[1] != document_cache.generation():
        return None
    return found[2]


def of_token(token: str, claims: tokens.Claims) -> Identity:
    """Who a token with these claims was given to; InvalidCredentials when it, its user or its account is no good."""
    generation = document_cache.generation()
    tokens.require_not_revoked(claims)
    try:
        found = _identity(claims["account_id"], claims.get("owner_id"), token, claims)
    except BadIdentifier as error:
        raise InvalidCredentials() from error
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[token] = time.monotonic() + KNOWN_SECONDS, generation, found
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
    what `auth_cache.prefetch` fetches. Returns what that does.
    """
    own_id, user_id = claims["account_id"], claims.get("owner_id")
    missing = Missing.of(own_id, user_id, *((settings, ids) if account_id == own_id else ((), ())))
    if tokens.is_revocation_cached(claims):
        return missing.fetch() if missing.ids else {}
    ids = missing.ids + missing.extra_ids
    if not ids:
        return {}
    revocation, docs = couch().fetch_both(
        tokens.revocation_request(claims), accounts.database_of(own_id).fetch_request(ids)
    )
    tokens.cache_revocation(claims, revoked=revocation is not None)
    missing.put(docs)
    return docs


def of_basic(encoded: str, address: str) -> Identity:
    """Who ``Authorization: Basic base64(account_id:md5hash)`` from an address names.

    Raises InvalidCredentials, and TooManyRequests after many of them.
    """
    try:
        account_id, _, digest = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidCredentials() from error
    user = login.authenticate_user_by_md5(account_id, digest, address)
    try:
        return _identity(account_id, user["_id"], None, {})
    except BadIdentifier as error:
        raise InvalidCredentials() from error


def _identity(account_id: str, owner_id: str | None, token: str | None, claims: Mapping[str, Any]) -> Identity:
    account = auth_cache.get_account(account_id)
    if not account.is_enabled:
        raise InvalidCredentials()
    user = None if owner_id is None else auth_cache.get_user(account_id, owner_id)
    if user is not None and not user.is_enabled:
        raise InvalidCredentials()
    current = account.fingerprint if user is None else user.fingerprint
    if claims.get("cred", current) != current:
        raise InvalidCredentials()
    is_admin = user is None or user.is_admin
    return Identity(account_id, owner_id, is_admin, is_admin and account.is_superduper_admin, token, claims)
