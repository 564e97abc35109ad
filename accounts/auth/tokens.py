"""Tokens: signed, so that any instance can verify them alone, and revocable by a document in `token_auth`.

A token is a JWT (HS256 with SECRET_KEY) with the claims ``iss`` "kazoo", ``account_id``, ``owner_id`` (the user's
id, absent for an API key), ``method``, ``jti``, ``iat``, ``exp``, and ``cred``: a fingerprint of the credentials
that it was issued for, so that it ends with them. Every instance notices a revocation within CACHE_SECONDS and the
second for which `authentication` caches identities.
"""

import hashlib
import hmac
import re
import time
import uuid
from collections.abc import Mapping
from threading import Lock
from typing import Any

import jwt
from cachetools import LRUCache, TTLCache
from django.conf import settings

from couch.client import Document, couch
from couch.errors import Conflict, MissingDatabase
from couch.requests import ReadRequest
from crossbar.errors import InvalidCredentials
from storage import database_names

ISSUER = "kazoo"
CACHE_SECONDS = 3
_ALGORITHM = "HS256"
_REQUIRED = ["iss", "iat", "exp", "jti", "account_id"]
_TOKEN_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)

Claims = Mapping[str, Any]

_revoked: TTLCache[str, bool] = TTLCache(maxsize=50_000, ttl=CACHE_SECONDS)
# The claims of verified tokens: a valid signature stays valid, and only the token's time can run out.
_verified: LRUCache[str, Claims] = LRUCache(maxsize=10_000)
_lock = Lock()


def issue(account_id: str, owner_id: str | None, method: str, secret: str) -> str:
    """Return a new token. `method` says how its owner signed in; `secret` is the stored credential (hash or key)."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "account_id": account_id,
        "method": method,
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + settings.TOKEN_LIFETIME,
        "cred": fingerprint(secret),
    }
    if owner_id is not None:
        claims["owner_id"] = owner_id
    return jwt.encode(claims, settings.SECRET_KEY, algorithm=_ALGORITHM)


def verify(token: str) -> Claims:
    """Return a token's claims; InvalidCredentials if its signature is invalid or it has expired.

    Whether it was revoked is checked by `require_not_revoked`.
    """
    with _lock:
        claims = _verified.get(token)
    if claims is None:
        claims = _decode_token(token)
        with _lock:
            _verified[token] = claims
    elif claims["exp"] <= time.time():
        raise InvalidCredentials()
    return claims


def require_not_revoked(claims: Claims) -> None:
    """InvalidCredentials if a token was revoked; Unreachable if that can't be found out."""
    with _lock:
        revoked = _revoked.get(claims["jti"])
    if revoked is None:
        revoked = couch().database(database_names.TOKENS).get(claims["jti"]) is not None
        cache_revocation(claims, revoked=revoked)
    if revoked:
        raise InvalidCredentials()


def is_revocation_cached(claims: Claims) -> bool:
    """Whether `require_not_revoked` can answer without a request."""
    with _lock:
        return claims["jti"] in _revoked


def revocation_request(claims: Claims) -> ReadRequest[Document | None]:
    """Return the request for the document that revokes a token (`Couch.fetch_both`); its result is to be cached."""
    return couch().database(database_names.TOKENS).get_request(claims["jti"])


def invalidate_revocation(claims: Claims) -> None:
    """Drop what is cached of a token's revocation; one that is cached as revoked stays so."""
    with _lock:
        if not _revoked.get(claims["jti"]):
            _revoked.pop(claims["jti"], None)


def cache_revocation(claims: Claims, *, revoked: bool) -> None:
    """Cache whether a token was revoked; one that is cached as revoked stays so."""
    with _lock:
        _revoked[claims["jti"]] = revoked or _revoked.get(claims["jti"], False)


def revoke(claims: Claims) -> None:
    """Revoke a token on every instance; a repetition is harmless."""
    revocation = {
        "_id": claims["jti"],
        "pvt_type": "token_revocation",
        "account_id": claims["account_id"],
        "exp": claims["exp"],
    }
    database = couch().database(database_names.TOKENS)
    try:
        database.put(revocation)
    except MissingDatabase:
        couch().create(database_names.TOKENS)
        database.put(revocation)
    except Conflict:
        pass  # revoked already
    cache_revocation(claims, revoked=True)


def fingerprint(secret: str) -> str:
    """Return what a token holds of the credential it was issued for, which is of no use without SECRET_KEY."""
    keyed = hmac.new(settings.SECRET_KEY.encode(), f"credential:{secret}".encode(), hashlib.sha256)
    return keyed.hexdigest()[:32]


def _decode_token(token: str) -> Claims:
    # `iat` is not checked: the clock of the instance that issued the token may be ahead of this one's.
    options: jwt.types.Options = {"require": _REQUIRED, "verify_iat": False}
    try:
        claims = jwt.decode(token, settings.SECRET_KEY, algorithms=[_ALGORITHM], issuer=ISSUER, options=options)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise InvalidCredentials() from error
    ids = [claims["account_id"], claims.get("owner_id", claims["account_id"])]
    if not all(isinstance(text, str) and database_names.is_account_id(text) for text in ids):
        raise InvalidCredentials()
    if not isinstance(claims["jti"], str) or not _TOKEN_ID.fullmatch(claims["jti"]):
        raise InvalidCredentials()
    return claims
