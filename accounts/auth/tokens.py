"""Tokens as Kazoo issues them: valid here and in a Kazoo beside this service, and revocable.

A token is a JWT that the system's key signs (RS256), with the claims ``iss`` "kazoo", ``account_id``, ``owner_id``
(the user's id, absent for an API key) or ``device_id``, ``method``, ``exp``, and ``identity_sig``, by which it ends
with the secret of its user, device or account, and with the server's. Tokens from here also have ``iat`` and ``jti``,
so that no two are alike. Those of a user whom somebody impersonates say who that is (``original_account_id``,
``original_owner_id``), and end with that one's secret, too (``original_identity_sig``).

A document in `token_auth` revokes a token. Every instance notices within CACHE_SECONDS and the second for which
`authentication` caches identities. Kazoo doesn't look there. `recovery` keeps its links in the same database.
"""

import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import jwt
from cachetools import LRUCache, TTLCache
from django.conf import settings

from accounts.auth import signing
from couch.client import couch
from couch.database import Database, Document
from couch.errors import Conflict, CouchError, MissingDatabase
from couch.requests import ReadRequest
from crossbar.caching import cache_short_texts
from crossbar.errors import InvalidCredentials
from storage import database_names

ISSUER = "kazoo"
CACHE_SECONDS = 3
_REVOCATION = "token_revocation"
RECOVERY = "password_recovery"
_EXPIRING = (_REVOCATION, RECOVERY)
_PURGED_AT_ONCE = 50
_ALGORITHM = "RS256"
_ALGORITHMS = ["RS256", "RS384", "RS512"]
_IDS = ("owner_id", "device_id")
_REQUIRED = ["iss", "exp", "account_id", "identity_sig"]


@dataclass(frozen=True)
class Token:
    """A token whose signature is valid and whose claims have the right form. `id` names its revocation."""

    id: str
    claims: Mapping[str, Any]

    @property
    def account_id(self) -> str:
        """The account of the user, device or API key."""
        return str(self.claims["account_id"])

    @property
    def owner_id(self) -> str | None:
        """The user; None for a device or an API key."""
        return self.claims.get("owner_id")

    @property
    def device_id(self) -> str | None:
        """The device; None for a user or an API key."""
        return None if "owner_id" in self.claims else self.claims.get("device_id")

    @property
    def expires_at(self) -> float:
        """When the token ends, in seconds since 1970."""
        return float(self.claims["exp"])

    @cached_property
    def identity(self) -> str:
        """The id of whose secret the token depends on: the user's, the device's or the account's."""
        return self.owner_id or self.device_id or self.account_id

    @property
    def impersonator(self) -> "Impersonator | None":
        """The administrator who acts as the token's user; None for all other tokens, and those of Kazoo's."""
        if "original_identity_sig" not in self.claims:
            return None
        return Impersonator(str(self.claims["original_account_id"]), self.claims.get("original_owner_id"))

    def depends_on(self, identity_secret: str) -> bool:
        """Whether the token was issued for this secret of its identity, and for the server's present one."""
        return _is_signature(self.claims["identity_sig"], self.identity, identity_secret)

    def depends_on_impersonator(self, impersonator: "Impersonator", identity_secret: str) -> bool:
        """Whether the token was issued for this secret of the impersonator, and for the server's present one."""
        return _is_signature(self.claims["original_identity_sig"], impersonator.identity, identity_secret)


@dataclass(frozen=True)
class Impersonator:
    """An administrator, or without `owner_id` an account's API key, who acts as a user."""

    account_id: str
    owner_id: str | None

    @property
    def identity(self) -> str:
        """The id of whose secret the tokens depend on."""
        return self.owner_id or self.account_id

    def claims(self, identity_secret: str) -> dict[str, str]:
        """Return the claims that mark the tokens, given the impersonator's secret."""
        signature = signing.identity_signature(self.identity, identity_secret)
        claims = {"original_account_id": self.account_id, "original_identity_sig": signature}
        return claims if self.owner_id is None else {**claims, "original_owner_id": self.owner_id}


_revoked: TTLCache[str, bool] = TTLCache(maxsize=50_000, ttl=CACHE_SECONDS)
# Verified tokens: a valid signature stays valid, and only the token's time can run out.
_verified: LRUCache[str, Token] = LRUCache(maxsize=10_000)
_lock = Lock()


def issue(
    account_id: str,
    owner_id: str | None,
    method: str,
    identity_secret: str,
    more_claims: Mapping[str, str] | None = None,
) -> str:
    """Return a new token. `method` says how its owner signed in; the secret is the user's or the account's."""
    key_id, key = signing.private_key()
    now = int(time.time())
    claims = {
        **(more_claims or {}),
        "iss": ISSUER,
        "account_id": account_id,
        "method": method,
        "identity_sig": signing.identity_signature(owner_id or account_id, identity_secret),
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + settings.TOKEN_LIFETIME,
    }
    if owner_id is not None:
        claims["owner_id"] = owner_id
    return jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"kid": key_id})


def verify(text: str) -> Token:
    """Return a token; InvalidCredentials if its signature is invalid or it has expired.

    Whether it was revoked is checked by `require_not_revoked`, whether its secrets are the present ones by
    `Token.depends_on`.
    """
    with _lock:
        token = _verified.get(text)
    if token is None:
        token = _decode_token(text)
        with _lock:
            _verified[text] = token
    elif token.expires_at <= time.time():
        raise InvalidCredentials()
    return token


def require_not_revoked(token: Token) -> None:
    """InvalidCredentials if a token was revoked; Unreachable if that can't be found out."""
    with _lock:
        revoked = _revoked.get(token.id)
    if revoked is None:
        revoked = couch().database(database_names.TOKENS).get(token.id) is not None
        cache_revocation(token, revoked=revoked)
    if revoked:
        raise InvalidCredentials()


def is_revocation_cached(token: Token) -> bool:
    """Whether `require_not_revoked` can answer without a request."""
    with _lock:
        return token.id in _revoked


def revocation_request(token: Token) -> ReadRequest[Document | None]:
    """Return the request for the document that revokes a token (`Couch.fetch_both`); its result is to be cached."""
    return couch().database(database_names.TOKENS).get_request(token.id)


def invalidate_revocation(token: Token) -> None:
    """Drop what is cached of a token's revocation; one that is cached as revoked stays so."""
    with _lock:
        if not _revoked.get(token.id):
            _revoked.pop(token.id, None)


def cache_revocation(token: Token, *, revoked: bool) -> None:
    """Cache whether a token was revoked; one that is cached as revoked stays so."""
    with _lock:
        _revoked[token.id] = revoked or _revoked.get(token.id, False)


def revoke(token: Token) -> None:
    """Revoke a token on every instance; a repetition is harmless."""
    revocation = {
        "_id": token.id,
        "pvt_type": _REVOCATION,
        "account_id": token.account_id,
        "exp": token.claims["exp"],
    }
    with suppress(Conflict):  # revoked already
        store_expiring(revocation)
    cache_revocation(token, revoked=True)


def store_expiring(doc: Document) -> None:
    """Store a document that is purged some time after its ``exp``; raises Conflict if there is one of its id."""
    database = couch().database(database_names.TOKENS)
    try:
        database.put(doc)
    except MissingDatabase:
        couch().create(database_names.TOKENS)
        database.put(doc)
    with suppress(CouchError):  # whatever stays is purged another time
        _purge_expired(database)


def _is_signature(claim: object, identity: str, identity_secret: str) -> bool:
    """Whether a claim binds a token to an identity's secret; no secret is none."""
    if not identity_secret:
        return False
    signature = signing.identity_signature(identity, identity_secret)
    return hmac.compare_digest(signature.encode(), str(claim).encode())


def _purge_expired(database: Database) -> None:
    """Delete documents that have expired, of the first ones and of some at random.

    Each new document looks at more of them than it adds, so that they don't pile up.
    """
    for start in ("", secrets.token_hex(16)):
        rows = database.all_docs(startkey=start, limit=_PURGED_AT_ONCE, include_docs=True)
        docs = [row["doc"] for row in rows if row.get("doc")]
        expired_docs = [doc for doc in docs if _is_expired(doc)]
        database.put_all([{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in expired_docs])


def _is_expired(doc: Document) -> bool:
    """Whether a document, or the token that it revokes, has expired; a clock elsewhere may be behind for an hour."""
    expires_at = doc.get("exp")
    if doc.get("pvt_type") not in _EXPIRING or not isinstance(expires_at, int | float):
        return False
    return expires_at < time.time() - 3600


def _decode_token(text: str) -> Token:
    # `iat` is not checked: the clock of the instance that issued the token may be ahead of this one's.
    options: jwt.types.Options = {"require": _REQUIRED, "verify_iat": False, "verify_jti": False, "verify_sub": False}
    try:
        key_id = _key_id(text.partition(".")[0])
        key = signing.public_key(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise InvalidCredentials()
        claims = jwt.decode(text, key, algorithms=_ALGORITHMS, issuer=ISSUER, options=options)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise InvalidCredentials() from error
    ids = [claims["account_id"], *(claims[name] for name in _IDS if name in claims)]
    if not all(isinstance(id_, str) and database_names.is_account_id(id_) for id_ in ids):
        raise InvalidCredentials()
    # Of what is signed: the signature itself can be written in several ways.
    signed_text, _, _ = text.rpartition(".")
    return Token(hashlib.sha256(signed_text.encode()).hexdigest()[:32], claims)


@cache_short_texts(1_000)
def _key_id(header: str) -> object:
    """Return what the header of a token names as its key; all tokens of a key mostly have the same header."""
    return jwt.get_unverified_header(f"{header}..").get("kid")
