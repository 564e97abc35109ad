"""Signing in and out: ``/v2/user_auth``, ``/v2/api_auth``, ``/v2/token_auth``."""

from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request

from accounts import accounts, users
from accounts.api.viewset import AuthenticatedViewSet
from accounts.auth import authentication, credentials, login, rate_limit, tokens
from couch.client import Document
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import InvalidCredentials
from crossbar.viewset import NO_STORE, CrossbarViewSet
from storage import schemas


class _LoginViewSet(CrossbarViewSet):
    """Answers valid credentials with a token."""

    schema_name: str
    cache_control = NO_STORE

    @property
    def validated_data(self) -> dict[str, Any]:
        """The request's data, as its schema wants it; raises ValidationFailed."""
        return schemas.validator(self.schema_name).validate(self.data)

    def logged_in(self, account: Document, user: Document | None, secret: str) -> EnvelopeResponse:
        """Return a new token, in the envelope, with the account and user that it is for; raises TooManyRequests."""
        rate_limit.count_request(account["_id"])
        owner_id = None if user is None else user["_id"]
        self.auth_token = tokens.issue(account["_id"], owner_id, f"cb_{self.schema_name}", secret)
        return EnvelopeResponse(login.login_response(account, user), 201)


class UserAuthViewSet(_LoginViewSet):
    """``/v2/user_auth``: by the hash of a user name and password."""

    schema_name = "user_auth"

    @sensitive_variables()
    def create(self, request: Request) -> EnvelopeResponse:
        """Issue a token for a user."""
        account, user = login.authenticate_user(self.validated_data, authentication.client_address(request))
        return self.logged_in(account, user, credentials.user_secret(user))


class ApiAuthViewSet(_LoginViewSet):
    """``/v2/api_auth``: by an account's API key."""

    schema_name = "api_auth"

    @sensitive_variables()
    def create(self, request: Request) -> EnvelopeResponse:
        """Issue a token for an account."""
        account = login.authenticate_account(self.validated_data["api_key"], authentication.client_address(request))
        return self.logged_in(account, None, credentials.api_key(account))


class TokenAuthViewSet(AuthenticatedViewSet):
    """``/v2/token_auth``: the token of the request."""

    def retrieve(self, request: Request) -> EnvelopeResponse:
        """Return whom the token is for; whoever gets a response has a valid one."""
        return EnvelopeResponse(self._login())

    def destroy(self, request: Request) -> EnvelopeResponse:
        """Revoke the token, on every instance within seconds."""
        data = self._login()
        if self.auth_token is None:  # Basic credentials: there is nothing to revoke
            raise InvalidCredentials()
        authentication.revoke(self.identity)
        return EnvelopeResponse(data)

    def _login(self) -> dict[str, Any]:
        identity = self.identity
        account = accounts.get(identity.account_id)
        user = None if identity.owner_id is None else users.get(identity.account_id, identity.owner_id)
        return {**login.login_response(account, user), "method": identity.claims.get("method", "cb_basic_auth")}
