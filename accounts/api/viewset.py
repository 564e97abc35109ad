"""The bases of viewsets that need a caller.

AuthenticatedViewSet        needs a token, or Basic credentials
└── AccountScopedViewSet    acts on the account in its path, ``{account_id}``
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, cast

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import accounts
from accounts.api_keys.scopes import Scope
from accounts.auth import authentication, thread_share
from accounts.auth import cache as auth_cache
from accounts.auth.authentication import BasicAuthentication, Identity, TokenAuthentication, caller
from accounts.auth.permissions import IsAuthenticated, MayActOnAccount
from accounts.auth.rate_limit import AccountRateThrottle
from accounts.auth.tokens import Token
from couch.database import Document
from crossbar.connection import connection_of
from crossbar.envelope import Envelope
from crossbar.errors import Forbidden
from crossbar.filters import has_filters
from crossbar.pages import has_long_pages
from crossbar.viewset import NO_CACHE, CrossbarViewSet
from storage.private_fields import Actor

CHANGES = frozenset({"create", "replace", "merge", "destroy"})
"""The actions of a viewset that store something."""


class AuthenticatedViewSet(CrossbarViewSet):
    """Knows the caller, as `identity`, and limits the rate of its requests."""

    authentication_classes = (TokenAuthentication, BasicAuthentication)
    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)
    throttle_classes = (AccountRateThrottle,)
    cache_control = NO_CACHE
    #: Actions that may take long, of which one account gets half of the threads; beside them, long or filtered lists.
    long_actions: frozenset[str] = frozenset()
    #: Actions that change or reveal what decides rights. For them, the caller's own are read afresh from CouchDB.
    fresh_actions: frozenset[str] = frozenset()
    #: The scope that an API key needs for an action; for all others it must administer.
    scopes: Mapping[str, Scope] = {}
    _authentication_error: APIException | None = None
    _has_share = False
    """Whether the request counts among those that occupy a thread for long."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may make the request; raises InvalidCredentials, Forbidden and the like."""
        super().initial(request, *args, **kwargs)
        if self.may_take_long() and (connection := connection_of(request.META)):
            thread_share.occupy(self.identity.account_id, connection)
            self._has_share = True
        if self.action in self.fresh_actions:
            self._check_fresh_rights(request)

    def check_permissions(self, request: Request) -> None:
        """Raise Forbidden and the like if the caller may not make the request."""
        super().check_permissions(request)
        needed = self.scopes.get(self.action, Scope.ADMINISTER)
        if not self.identity.may(needed):
            raise Forbidden(f"this API key lacks the scope {needed}")

    def may_take_long(self) -> bool:
        """Whether the request may occupy its thread for long."""
        if self.action != "list":
            return self.action in self.long_actions
        query = self.request.query_params
        return has_long_pages(query) or has_filters(query)

    def _check_fresh_rights(self, request: Request) -> None:
        """Check once more, by what CouchDB has now, that the caller may make the request.

        Its body is read first: a client that sends it slowly must not keep the rights that it had at the beginning.
        """
        if self.has_envelope:
            with suppress(APIException):  # raised again when the handler needs the body
                _ = self.envelope
        self.invalidate_rights()
        identity = self.identity
        if identity.token is not None:
            self.prefetch(identity.token)
        request.caller = authentication.reload(identity)  # type: ignore[attr-defined]
        self.check_permissions(request)

    def invalidate_rights(self) -> None:
        """Drop what is cached of what decides whether the caller may make the request."""
        authentication.invalidate(self.identity)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate the request; its token is in the response, whatever that is."""
        if self._authentication_error is not None:
            raise self._authentication_error
        request.caller = request.user  # type: ignore[attr-defined]  # DRF looks again each time it is asked
        self.auth_token = cast(str | None, request.auth)
        if request.user is None:
            return
        if connection := connection_of(request.META):
            connection.mark_as_known()
        authentication.record_caller(self.identity)

    @property
    def envelope(self) -> Envelope:
        """The request's envelope. While it arrives, the request is one of those that may occupy a thread for long.

        Raises TooManyRequests beside the errors that any envelope may have.
        """
        connection = connection_of(self.request.META)
        if connection is None or self._has_share or not self._is_known_by_head():
            return super().envelope
        identity = cast(Identity, self.request.user)
        with thread_share.occupied(identity.account_id, connection):
            return super().envelope

    @property
    def body_limit(self) -> int:
        """How many bytes an envelope may have: few as long as it isn't known who sends it."""
        limit: int = super().body_limit if self._is_known_by_head() else settings.ANONYMOUS_BODY_LIMIT
        return limit

    def _is_known_by_head(self) -> bool:
        """Whether it is known who sends the request before its body is read."""
        if not authentication.has_credentials_outside_body(self.request):
            return False
        try:
            return self.request.user is not None
        except APIException as error:
            self._authentication_error = error  # DRF raises it only once
            return False

    def prefetch(self, token: Token) -> None:
        """Fetch what isn't cached of a token's account and user, before they are asked for one by one."""
        authentication.prefetch(token, "", (), ())

    @property
    def identity(self) -> Identity:
        """The caller."""
        return caller(self.request)

    @property
    def actor(self) -> Actor:
        """What documents record of who changed them in this request."""
        return self.identity.actor(getattr(self.request, "request_id", None))


class AccountScopedViewSet(AuthenticatedViewSet):
    """Acts on the account in the path, `account_id`, which the caller may act on."""

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated, MayActOnAccount)
    #: Names of the account's settings that requests need, and parameters of the path that are ids of documents in the
    #: account's database. They are fetched along with the account if that isn't cached.
    prefetched_settings: tuple[str, ...] = ()
    prefetched_parameters: tuple[str, ...] = ()
    #: The documents that were fetched that way, by their ids.
    prefetched: Mapping[str, Document] = {}

    @property
    def account_id(self) -> str:
        """The id of the account in the path."""
        account_id: str = self.kwargs["account_id"]
        return account_id

    @cached_property
    def account(self) -> accounts.LazyAccount:
        """The account's document as it is now, read when more than its id is needed."""
        return accounts.LazyAccount(self.account_id)

    def prefetch(self, token: Token) -> None:
        """Fetch what isn't cached of the caller, and of the account if that is the caller's own."""
        ids = self._prefetched_ids()
        self.prefetched = authentication.prefetch(token, self.account_id, self.prefetched_settings, ids)

    def invalidate_rights(self) -> None:
        """Drop what is cached of the caller, and of the account with the accounts above it."""
        super().invalidate_rights()
        auth_cache.invalidate_users(self.account_id)

    def prefetch_account(self) -> None:
        """Fetch what isn't cached of an account that isn't the caller's own."""
        self.prefetched = auth_cache.prefetch(self.account_id, self.prefetched_settings, self._prefetched_ids())

    def _prefetched_ids(self) -> list[str]:
        ids = [self.kwargs.get(name, "") for name in self.prefetched_parameters]
        return [document_id for document_id in ids if document_id]


def location(request: Request, path: str) -> dict[str, Any]:
    """The Location header of a response to a request that created something."""
    return {"Location": request.build_absolute_uri(path)}
