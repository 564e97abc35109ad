"""Who makes a request, as DRF authentication classes: by a token, an API key with scopes, or Basic credentials.

Users and accounts count as they are now, not as they were when the token was issued. Their rights are cached for
cache.CACHE_SECONDS, and the identity behind a token for IDENTITY_SECONDS: every instance notices within both together
that a user or account is disabled, deleted or loses its rights, and within tokens.CACHE_SECONDS and IDENTITY_SECONDS
that a token is revoked. Nobody uses these seconds to get rights back: `invalidate` and `reload` come before whatever
changes them.
"""

import base64
import binascii
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts import accounts
from accounts.api_keys import cache as key_cache
from accounts.api_keys import key_text, last_use
from accounts.api_keys.cache import ApiKey
from accounts.api_keys.scopes import Scope
from accounts.auth import cache as auth_cache
from accounts.auth import credentials, login, tokens, trail
from accounts.auth.cache import CachedAccount, CachedUser, Missing
from accounts.auth.tokens import Impersonator, Token
from audit.recorder import Caller
from couch.client import couch
from couch.database import Document
from crossbar.envelope import InvalidData
from crossbar.errors import BadIdentifier, InvalidCredentials, RequestTooLarge
from storage import document_cache
from storage.private_fields import Actor

IDENTITY_SECONDS = 1
_MAX_IDENTITIES = 10_000
_METHODS_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Identity:
    """The caller: a user, or without `owner_id` the account itself, by its API key."""

    account_id: str
    owner_id: str | None
    is_admin: bool
    is_superduper_admin: bool
    token: Token | None = None
    """The token that the caller signed in with; None for Basic credentials and API keys with scopes."""
    key: ApiKey | None = None
    """The API key with scopes that the caller sent; None for other credentials, with which one may do all one may."""
    password_md5: str = field(default="", repr=False)
    """The hash in Basic credentials; empty with a token."""
    username: str = ""
    """The user's name, once its rights are known."""

    def may(self, scope: Scope) -> bool:
        """Whether the caller's credentials allow what needs a scope, if the caller may do it at all."""
        return self.key is None or self.key.allows(scope)

    def actor(self, request_id: str | None = None) -> Actor:
        """Return what a document records of who changed it."""
        return Actor(self.account_id, self.owner_id, request_id)


# The identity behind each valid token, until when it counts (monotonic seconds), and the generation of documents.
_identities: dict[str, tuple[float, int, Identity]] = {}


class TokenAuthentication(BaseAuthentication):
    """By a token or key in ``X-Auth-Token``, ``Authorization: Bearer``, ``?auth_token=`` or a body's envelope.

    Before it looks anything up, the view prefetches whatever else the request needs, so that it comes along.
    """

    @sensitive_variables("token")
    def authenticate(self, request: Request) -> tuple[Identity, str | None] | None:
        """Return the caller and the token, which envelopes show; None without a token. Raises InvalidCredentials."""
        token = find_token(request)
        if not token:
            return None
        if key_text.looks_like_key(token):
            return identity_of_key(token, client_address(request)), None
        identity = cached_identity(token)
        if identity is None:
            verified = tokens.verify(token)
            request.parser_context["view"].prefetch(verified)
            identity = identity_of(token, verified)
        return identity, token


class BasicAuthentication(BaseAuthentication):
    """By ``Authorization: Basic base64(account_id:md5hash)``."""

    @sensitive_variables("encoded")
    def authenticate(self, request: Request) -> tuple[Identity, None] | None:
        """Return the caller; None without such credentials. Raises InvalidCredentials, TooManyRequests."""
        scheme, _, encoded = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "basic" or not encoded:
            return None
        return identity_of_basic(encoded.strip(), client_address(request)), None


def has_credentials_outside_body(request: Request) -> bool:
    """Whether the request's headers or query name credentials, valid or not."""
    headers = request.META
    if headers.get("HTTP_AUTHORIZATION") or headers.get("HTTP_X_AUTH_TOKEN"):
        return True
    return bool(headers.get("QUERY_STRING") and request.query_params.get("auth_token"))


def find_token(request: Request) -> str | None:
    """Return the token of a request, wherever it is; None if there is none."""
    headers = request.META
    scheme, _, credentials = headers.get("HTTP_AUTHORIZATION", "").partition(" ")
    bearer = credentials.strip() if scheme.lower() == "bearer" else None
    token: str | None = headers.get("HTTP_X_AUTH_TOKEN") or bearer
    if not token and headers.get("QUERY_STRING"):
        token = request.query_params.get("auth_token")
    if token:
        return token
    view = request.parser_context["view"]
    if scheme or request.method not in _METHODS_WITH_BODY or not view.has_envelope:
        return None
    try:
        envelope_token: str | None = view.envelope.auth_token
    except InvalidData as error:
        return error.auth_token
    except RequestTooLarge:
        raise  # the client may have a token, and has to send it in a header
    except APIException:
        return None  # a caller without a token doesn't learn what else is wrong
    return envelope_token


def caller(request: Request) -> Identity:
    """The identity that a request was authenticated as."""
    return cast(Identity, request.caller)  # type: ignore[attr-defined]


def record_caller(identity: Identity) -> None:
    """Let the audit know who makes the request that this thread serves."""
    impersonator = None if identity.token is None else identity.token.impersonator
    impersonator_id = "" if impersonator is None else f"{impersonator.account_id}/{impersonator.owner_id or ''}"
    trail.identify(Caller(identity.account_id, identity.owner_id or "", identity.username, impersonator_id))


def client_address(request: Request | HttpRequest) -> str:
    """The address that a request came from, as a TLS proxy in front states it if there is one."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    # Our own proxy added the last entry; anybody could have sent the ones before it.
    return forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


def cached_identity(token: str) -> Identity | None:
    """Return the identity behind a token that was checked a moment ago."""
    cached = _identities.get(token)
    if cached is None:
        return None
    expires_at, generation, identity = cached
    return identity if expires_at > time.monotonic() and generation == document_cache.generation() else None


def identity_of(text: str, token: Token) -> Identity:
    """Return the identity behind a token; raises InvalidCredentials if it, its user or its account is not valid."""
    generation = document_cache.generation()
    identity = reload(Identity(token.account_id, token.owner_id, False, False, token))
    if len(_identities) >= _MAX_IDENTITIES:
        _identities.clear()
    _identities[text] = time.monotonic() + IDENTITY_SECONDS, generation, identity
    return identity


def invalidate(identity: Identity) -> None:
    """Drop what is cached of a caller: its account, its user or device, and whether its token was revoked."""
    ids = [identity.owner_id, identity.token.device_id if identity.token else None]
    auth_cache.invalidate_users(identity.account_id, *(doc_id for doc_id in ids if doc_id is not None))
    if identity.key is not None:
        key_cache.invalidate_key(identity.key)
    if identity.token is None:
        return
    tokens.invalidate_revocation(identity.token)
    if (impersonator := identity.token.impersonator) is not None:
        auth_cache.invalidate_users(
            impersonator.account_id, *([impersonator.owner_id] if impersonator.owner_id else [])
        )


def reload(identity: Identity) -> Identity:
    """Return a caller as it is now; raises InvalidCredentials if it may no longer sign in with its credentials."""
    if identity.token is not None:
        tokens.require_not_revoked(identity.token)
    try:
        return _load_identity(identity) if identity.key is None else _reload_key(identity, identity.key)
    except BadIdentifier as error:
        raise InvalidCredentials() from error


def revoke(identity: Identity) -> None:
    """Revoke the caller's token on every instance; this process notices at once."""
    if identity.token is not None:
        tokens.revoke(identity.token)
        _identities.clear()


def may_impersonate(identity: Identity, account: CachedAccount, user: CachedUser) -> bool:
    """Whether a caller may act as a user: administrators of accounts above may, who gain no right by it."""
    if identity.is_superduper_admin:
        return identity.account_id != account.account_id
    is_above = identity.is_admin and identity.account_id in account.ancestor_ids
    return is_above and not (user.is_admin and account.is_superduper_admin)


def prefetch(token: Token, account_id: str, settings: Iterable[str], ids: Iterable[str]) -> Mapping[str, Document]:
    """Fetch in one go whatever isn't cached of what a request with a token needs: revocation, account and user.

    A request to the token's own account also gets what `auth_cache.prefetch` fetches, and its result.
    """
    own_id, user_id = token.account_id, token.owner_id
    missing = Missing.of(own_id, user_id, *((settings, ids) if account_id == own_id else ((), ())))
    if tokens.is_revocation_cached(token):
        return missing.fetch() if missing.ids else {}
    missing_ids = missing.ids + missing.extra_ids
    if not missing_ids:
        return {}
    revocation, docs = couch().fetch_both(
        tokens.revocation_request(token), accounts.database_of(own_id).fetch_request(missing_ids)
    )
    tokens.cache_revocation(token, revoked=revocation is not None)
    missing.put(docs)
    return docs


def identity_of_basic(encoded: str, address: str) -> Identity:
    """Return the user that Basic credentials from an address name.

    Raises InvalidCredentials, and TooManyRequests after many of them.
    """
    try:
        account_id, _, digest = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidCredentials() from error
    user = login.authenticate_user_by_md5(account_id, digest, address)
    return reload(Identity(account_id, user["_id"], False, False, password_md5=user[credentials.MD5]))


@sensitive_variables("text")
def identity_of_key(text: str, address: str) -> Identity:
    """Return the caller that a key with scopes from an address names; raises InvalidCredentials."""
    parts = key_text.parse(text)
    if parts is None:
        raise InvalidCredentials()
    try:
        key = key_cache.get_key(parts.account_id, parts.key_id)
        if not key.is_valid(parts, address):
            raise InvalidCredentials()
        identity = _load_key_owner(Identity(key.account_id, key.owner_id, False, False, key=key), key)
    except BadIdentifier as error:
        raise InvalidCredentials() from error
    last_use.note(key.account_id, key.id, address)
    return identity


def _reload_key(identity: Identity, key: ApiKey) -> Identity:
    """Return a caller by a key as both are now; raises InvalidCredentials, BadIdentifier."""
    fresh = key_cache.get_key(key.account_id, key.id)
    if fresh.digest != key.digest or fresh.is_expired:
        raise InvalidCredentials()
    return _load_key_owner(replace(identity, key=fresh), fresh)


def _load_key_owner(identity: Identity, key: ApiKey) -> Identity:
    """Return a caller by a key with the rights of the key's owner; raises InvalidCredentials, BadIdentifier.

    The accounts below are for keys that may administer, as is what superduper administrators may.
    """
    account = auth_cache.get_account(key.account_id)
    user = None if key.owner_id is None else auth_cache.get_user(key.account_id, key.owner_id)
    if not account.is_enabled or (user is not None and not user.is_enabled):
        raise InvalidCredentials()
    is_admin = user is None or user.is_admin
    return replace(
        identity,
        is_admin=is_admin,
        is_superduper_admin=is_admin and account.is_superduper_admin and key.allows(Scope.ADMINISTER),
        username=f"{'' if user is None else user.name} (API key {key.name})".strip(),
    )


def _load_identity(identity: Identity) -> Identity:
    """Return an identity with its present rights; raises InvalidCredentials, BadIdentifier."""
    token, account = identity.token, auth_cache.get_account(identity.account_id)
    if token is not None and token.device_id is not None:
        return _load_device(identity, token, account)
    user = None if identity.owner_id is None else auth_cache.get_user(identity.account_id, identity.owner_id)
    if token is not None:
        are_valid = token.depends_on((user or account).signature_secret)
    else:
        are_valid = user is not None and credentials.matches(user.password_md5, identity.password_md5)
    if not (are_valid and account.is_enabled and (user is None or user.is_enabled)):
        raise InvalidCredentials()
    if token is not None and token.impersonator is not None:
        _require_impersonator(token, token.impersonator, account, user)
    is_admin = user is None or user.is_admin
    return replace(
        identity,
        is_admin=is_admin,
        is_superduper_admin=is_admin and account.is_superduper_admin,
        username="" if user is None else user.name,
    )


def _require_impersonator(
    token: Token, impersonator: Impersonator, account: CachedAccount, user: CachedUser | None
) -> None:
    """Raise InvalidCredentials, BadIdentifier unless an administrator may still act as the user of a token."""
    own_account = auth_cache.get_account(impersonator.account_id)
    own_user = (
        None if impersonator.owner_id is None else auth_cache.get_user(own_account.account_id, impersonator.owner_id)
    )
    is_admin = own_user is None or (own_user.is_admin and own_user.is_enabled)
    is_superduper_admin = is_admin and own_account.is_superduper_admin
    identity = Identity(own_account.account_id, impersonator.owner_id, is_admin, is_superduper_admin)
    is_valid = token.depends_on_impersonator(impersonator, (own_user or own_account).signature_secret)
    if not (is_valid and own_account.is_enabled and user is not None and may_impersonate(identity, account, user)):
        raise InvalidCredentials()


def _load_device(identity: Identity, token: Token, account: CachedAccount) -> Identity:
    """Return the identity of a device: it may do what its owner may, and administers nothing."""
    device = auth_cache.get_device(identity.account_id, str(token.device_id))
    if not (token.depends_on(device.signature_secret) and account.is_enabled and device.is_enabled):
        raise InvalidCredentials()
    if device.owner_id is not None and not auth_cache.get_user(identity.account_id, device.owner_id).is_enabled:
        raise InvalidCredentials()
    return replace(identity, owner_id=device.owner_id, is_admin=False, is_superduper_admin=False)
