"""Signing in and out: ``/v2/user_auth``, ``/v2/api_auth``, ``/v2/token_auth``."""

from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request

from accounts import accounts, users
from accounts.auth import authentication, credentials, login, rate_limit, tokens
from accounts.auth.permissions import AuthenticatedViewSet, client_address
from couch.client import Document
from crossbar.envelope import Reply
from crossbar.errors import InvalidCredentials
from crossbar.viewset import CrossbarViewSet
from storage import schemas


class _SignIn(CrossbarViewSet):
    """Answers good credentials with a token."""

    schema_name: str

    @property
    def checked(self) -> dict[str, Any]:
        """The request's data, by its schema; ValidationFailed."""
        return schemas.validator(self.schema_name).validate(self.data)

    def signed_in(self, account: Document, user: Document | None, secret: str) -> Reply:
        """A new token, in the envelope, and what it is good for; TooManyRequests for its account."""
        rate_limit.count(account["_id"])
        owner_id = None if user is None else user["_id"]
        self.auth_token = tokens.issue(account["_id"], owner_id, f"cb_{self.schema_name}", secret)
        return Reply(login.login_response(account, user), status=201)


class UserAuthViewSet(_SignIn):
    """``/v2/user_auth``: by the hash of a user name and password."""

    schema_name = "user_auth"

    @sensitive_variables()
    def create(self, request: Request) -> Reply:
        """A token for a user."""
        account, user = login.authenticate_user(self.checked, client_address(request))
        return self.signed_in(account, user, credentials.user_secret(user))


class ApiAuthViewSet(_SignIn):
    """``/v2/api_auth``: by an account's API key."""

    schema_name = "api_auth"

    @sensitive_variables()
    def create(self, request: Request) -> Reply:
        """A token for an account."""
        account = login.authenticate_account(self.checked["api_key"])
        return self.signed_in(account, None, credentials.api_key(account))


class TokenAuthViewSet(AuthenticatedViewSet):
    """``/v2/token_auth``: the token that the request came with."""

    def retrieve(self, request: Request) -> Reply:
        """What it is good for; whoever gets an answer has a good one."""
        return Reply(self._told())

    def destroy(self, request: Request) -> Reply:
        """End it, on every instance within seconds."""
        told = self._told()
        if self.identity.token is None:  # Basic credentials: there is nothing to end
            raise InvalidCredentials()
        authentication.revoke(self.identity)
        return Reply(told)

    def _told(self) -> dict[str, Any]:
        who = self.identity
        account = accounts.get(who.account_id)
        user = None if who.owner_id is None else users.get(who.account_id, who.owner_id)
        return {**login.login_response(account, user), "method": who.claims.get("method", "cb_basic_auth")}
