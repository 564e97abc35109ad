"""Who may do what, and the viewsets that see to it before anything else happens.

    AuthenticatedViewSet    needs a token (or Basic credentials)
    └── AccountViewSet      acts on the account in its path, ``{account_id}``

A token acts on its own account; an administrator's also on the accounts below it, a superduper
administrator's on all.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request

from accounts import accounts
from accounts.auth import authentication, rate_limit, tokens
from accounts.auth import cache as auth_cache
from accounts.auth.authentication import Identity
from accounts.auth.cache import CachedAccount
from couch.client import Document
from crossbar.errors import BadIdentifier, Forbidden, InvalidCredentials, ValidationFailed
from crossbar.viewset import CrossbarViewSet
from storage import database_names
from storage.private_fields import Actor

_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


class AuthenticatedViewSet(CrossbarViewSet):
    """Knows who asks: `identity`. Raises InvalidCredentials before any handler runs."""

    identity: Identity
    #: Names of settings of the account in the path that a request needs, and which of the path's other ids are those
    #: of documents in the account's database that it reads: so that they can be asked for together with who asks.
    settings_needed: tuple[str, ...] = ()
    documents_in_path: tuple[str, ...] = ()
    #: Documents that were read that way, by their ids.
    looked_up: Mapping[str, Document] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who asks, and count the request."""
        super().initial(request, *args, **kwargs)
        self.identity = self._authenticate(**kwargs)
        self.auth_token = self.identity.token
        rate_limit.count(self._acted_on(**kwargs))

    def _acted_on(self, **kwargs: Any) -> str:
        """The id of the account that the request is about."""
        return self.identity.account_id

    @sensitive_variables("token", "encoded")
    def _authenticate(self, account_id: str = "", **ids: str) -> Identity:
        token = self._sent_token()
        if token:
            if (who := authentication.known(token)) is not None:
                return who
            claims = tokens.verify(token)
            wanted = self._documents_in_path(**ids)
            self.looked_up = authentication.look_up(claims, account_id, self.settings_needed, wanted)
            return authentication.of_token(token, claims)
        kind, _, encoded = self.request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() == "basic" and encoded:
            return authentication.of_basic(encoded.strip(), client_address(self.request))
        raise InvalidCredentials()

    def _documents_in_path(self, **ids: str) -> list[str]:
        return [ids[name] for name in self.documents_in_path if not ids.get(name, "_").startswith("_")]

    def _sent_token(self) -> str | None:
        headers = self.request.META
        kind, _, bearer = headers.get("HTTP_AUTHORIZATION", "").partition(" ")
        token = (
            headers.get("HTTP_X_AUTH_TOKEN")
            or (bearer.strip() if kind.lower() == "bearer" else None)
            or self.request.query_params.get("auth_token")
        )
        if token or kind or self.is_upload or self.request.method not in _WITH_BODY:
            return token
        try:
            return self.envelope.auth_token
        except ValidationFailed:
            return None  # whoever has no token isn't told what else is wrong

    @property
    def request_id(self) -> str | None:
        """The request's id."""
        return getattr(self.request, "request_id", None)

    @property
    def actor(self) -> Actor:
        """Who makes this request's changes, for the documents' private fields."""
        return self.identity.actor(self.request_id)


class AccountViewSet(AuthenticatedViewSet):
    """Acts on the account in the path, as `account_id`; the caller may do so, or Forbidden was raised."""

    account_id: str

    def _acted_on(self, **kwargs: Any) -> str:
        """Find out whether the caller may act on the account: 404 for none, 403 for another's."""
        self.account_id = kwargs["account_id"]
        if self.account_id != self.identity.account_id and database_names.is_account_id(self.account_id):
            wanted = self._documents_in_path(**kwargs)
            self.looked_up = auth_cache.prefetch(self.account_id, self.settings_needed, wanted)
        check_account(self.identity, self.account_id)
        return self.account_id

    @cached_property
    def account(self) -> accounts.LazyAccount:
        """The account's document as it is now; read when more than its id is asked for."""
        return accounts.LazyAccount(self.account_id)


def client_address(request: Request) -> str:
    """Where a request came from: as a TLS proxy in front says, if there is one, else who connected."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    # The last entry is the one that our own proxy added; those before it anybody could have sent.
    return forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


def check_account(who: Identity, account_id: str) -> CachedAccount:
    """The account's cached values; BadIdentifier if there is no such account, Forbidden if it isn't the caller's."""
    if not database_names.is_account_id(account_id):
        raise BadIdentifier(account_id)
    account = auth_cache.get_account(account_id)
    if not _may_act_on(who, account):
        raise Forbidden()
    return account


def _may_act_on(who: Identity, account: CachedAccount) -> bool:
    if who.account_id == account.account_id or who.is_superduper_admin:
        return True
    return who.is_admin and who.account_id in account.ancestor_ids


def require_admin(who: Identity) -> None:
    """Forbidden unless the caller is an administrator."""
    if not who.is_admin:
        raise Forbidden()


def owns(who: Identity, owner_id: object) -> bool:
    """Whether the caller is the user with that id."""
    return who.owner_id is not None and who.owner_id == owner_id
