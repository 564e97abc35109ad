"""Tokens: signed, so that any instance can check one by itself, and revocable, by a document in `token_auth`.

A token is a JWT (HS256 with SECRET_KEY) with the claims ``iss`` "kazoo", ``account_id``, ``owner_id`` (the user's
id; absent for an API key), ``method``, ``jti``, ``iat``, ``exp``, and ``cred``: a fingerprint of the credentials
it was given for, so that it ends with them. A revocation is seen everywhere within CACHE_SECONDS,
and the second that `identity` remembers on top.
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

from couch.client import Document, Wish, couch
from couch.errors import Conflict, MissingDatabase
from crossbar.errors import InvalidCredentials
from storage import database_names

ISSUER = "kazoo"
CACHE_SECONDS = 3
_ALGORITHM = "HS256"
_REQUIRED = ["iss", "iat", "exp", "jti", "account_id"]
_TOKEN_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)

Claims = Mapping[str, Any]

_revoked: TTLCache[str, bool] = TTLCache(maxsize=50_000, ttl=CACHE_SECONDS)
# Signatures that were found good: one stays good, and only its time can run out.
_signed: LRUCache[str, Claims] = LRUCache(maxsize=10_000)
_lock = Lock()


def issue(account_id: str, owner_id: str | None, method: str, secret: str) -> str:
    """A new token. `method` says how its owner was recognised; `secret` is the stored credential (hash or key)."""
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


def check(token: str) -> Claims:
    """A token's claims; InvalidCredentials when it isn't ours, or is too old. See `require_current`, too."""
    with _lock:
        claims = _signed.get(token)
    if claims is None:
        claims = _read(token)
        with _lock:
            _signed[token] = claims
    elif claims["exp"] <= time.time():
        raise InvalidCredentials()
    return claims


def require_current(claims: Claims) -> None:
    """InvalidCredentials when a token was revoked; Unreachable when nobody can tell whether it was."""
    with _lock:
        revoked = _revoked.get(claims["jti"])
    if revoked is None:
        revoked = couch().database(database_names.TOKENS).get(claims["jti"]) is not None
        remember(claims, revoked=revoked)
    if revoked:
        raise InvalidCredentials()


def is_remembered(claims: Claims) -> bool:
    """Whether it is known for now if a token was revoked."""
    with _lock:
        return claims["jti"] in _revoked


def wish_for_revocation(claims: Claims) -> Wish[Document | None]:
    """The document that ends a token, for `Couch.both`; `remember` what was found."""
    return couch().database(database_names.TOKENS).wish_for(claims["jti"])


def remember(claims: Claims, *, revoked: bool) -> None:
    """Know for CACHE_SECONDS whether a token was revoked; one that is known to be stays so."""
    with _lock:
        _revoked[claims["jti"]] = revoked or _revoked.get(claims["jti"], False)


def revoke(claims: Claims) -> None:
    """End a token before its time, on every instance; once more is harmless."""
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
    remember(claims, revoked=True)


def fingerprint(secret: str) -> str:
    """What a token tells of the credential it was given for: nothing to anybody without SECRET_KEY."""
    keyed = hmac.new(settings.SECRET_KEY.encode(), f"credential:{secret}".encode(), hashlib.sha256)
    return keyed.hexdigest()[:32]


def _read(token: str) -> Claims:
    # `iat` is not held against the clock: that of the instance which gave the token may be ahead of this one's.
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
