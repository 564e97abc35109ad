"""Signing in and out: ``user_auth``, ``api_auth``, ``token_auth``; what a token says, and its end: ``auth``."""

from typing import Any

from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request

from accounts import accounts, users
from accounts.api.viewset import AccountScopedViewSet, AuthenticatedViewSet
from accounts.api_keys import key_text
from accounts.auth import authentication, login, rate_limit, tokens, trail
from accounts.auth.permissions import owns
from accounts.auth.tokens import Token
from couch.database import Document
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import Forbidden, InvalidCredentials, ValidationFailed
from crossbar.viewset import NO_STORE, CrossbarViewSet
from storage import schemas


class AnonymousViewSet(CrossbarViewSet):
    """Needs no token beside the data, and takes little data."""

    cache_control = NO_STORE

    @property
    def body_limit(self) -> int:
        """How many bytes an envelope may have."""
        limit: int = settings.ANONYMOUS_BODY_LIMIT
        return limit


class LoginViewSet(AnonymousViewSet):
    """Answers valid credentials with a token."""

    schema_name: str

    @property
    def validated_data(self) -> dict[str, Any]:
        """The request's data, as its schema wants it; raises ValidationFailed."""
        return schemas.validator(self.schema_name).validate(self.data)

    def logged_in(self, account: Document, user: Document | None, method: str) -> EnvelopeResponse:
        """Return a new token, in the envelope, with the account and user that it is for; raises TooManyRequests."""
        rate_limit.count_request(account["_id"])
        self.auth_token = login.issue_token(account, user, method)
        trail.record_sign_in(account, user, method)
        return EnvelopeResponse(login.login_response(account, user), 201)


class UserAuthViewSet(LoginViewSet):
    """``/v2/user_auth``: by the hash of a user name and password."""

    schema_name = "user_auth"

    @sensitive_variables()
    def create(self, request: Request) -> EnvelopeResponse:
        """Issue a token for a user."""
        account, user = login.authenticate_user(self.validated_data, authentication.client_address(request))
        return self.logged_in(account, user, login.USER_AUTH)


class ApiAuthViewSet(LoginViewSet):
    """``/v2/api_auth``: by an account's API key."""

    schema_name = "api_auth"

    @sensitive_variables()
    def create(self, request: Request) -> EnvelopeResponse:
        """Issue a token for an account."""
        if key_text.looks_like_key(self.data.get("api_key")):
            # A token would be valid at a Kazoo beside this service, which knows no scopes.
            message = "A key with scopes gives no token: send it with each request, as X-Auth-Token"
            raise ValidationFailed.field("api_key", "forbidden", message)
        account = login.authenticate_account(self.validated_data["api_key"], authentication.client_address(request))
        return self.logged_in(account, None, login.API_AUTH)


class TokenAuthViewSet(AuthenticatedViewSet):
    """``/v2/token_auth``: the token of the request."""

    def retrieve(self, request: Request) -> EnvelopeResponse:
        """Return whom the token is for; whoever gets a response has a valid one."""
        account, user, method = self._login()
        return EnvelopeResponse({**login.login_response(account, user), "method": method})

    def destroy(self, request: Request) -> EnvelopeResponse:
        """Revoke the token, on every instance within seconds."""
        if self.auth_token is None:  # Basic credentials, or an API key: there is nothing to revoke
            raise InvalidCredentials()
        account, user, method = self._login()
        authentication.revoke(self.identity)
        trail.record_sign_in(account, user, method, trail.SIGNED_OUT)
        return EnvelopeResponse({**login.login_response(account, user), "method": method})

    def _login(self) -> tuple[Document, Document | None, Any]:
        """Return the caller's account and user, and how the caller signed in."""
        identity = self.identity
        account = accounts.get(identity.account_id)
        user = None if identity.owner_id is None else users.get(identity.account_id, identity.owner_id)
        if identity.key is not None:
            return account, user, "api_key"
        method = "cb_basic_auth" if identity.token is None else identity.token.claims.get("method")
        return account, user, method


class TokenInfoViewSet(AnonymousViewSet):
    """``/v2/auth/tokeninfo``, and the older ``/v2/user_auth/{TOKEN}``: what a token says, and whom it is for.

    Holding the token is all that a caller needs, wherever the request has it.
    """

    @sensitive_variables()
    def retrieve(self, request: Request, token: str | None = None) -> EnvelopeResponse:
        """Return the claims of the token in the path, else of the request's own; raises InvalidCredentials."""
        text = token or authentication.find_token(request)
        if text is None:
            raise InvalidCredentials()
        return self._show(text)

    @sensitive_variables()
    def create(self, request: Request) -> EnvelopeResponse:
        """Return the claims of the token in the data; raises ValidationFailed, InvalidCredentials."""
        token = self.data.get("token")
        if not isinstance(token, str) or not token:
            raise ValidationFailed.field("token", "required", "Field is required but missing")
        return self._show(token)

    def _show(self, text: str) -> EnvelopeResponse:
        token = tokens.verify(text)
        identity = authentication.identity_of(text, token)
        rate_limit.count_request(identity.account_id)
        self.auth_token = text
        return EnvelopeResponse(_token_info(token))


class _SignatureSecretMixin:
    """Handles the data of ``/auth``: an ``action``, of which there is one."""

    data: dict[str, Any]

    def require_reset(self) -> None:
        """Raise ValidationFailed unless the data names the action ``reset_signature_secret``."""
        action = self.data.get("action")
        if action is None:
            raise ValidationFailed.field("action", "required", "Field is required but missing")
        if action != "reset_signature_secret":
            message = "Value not found in enumerated list of values"
            raise ValidationFailed.field("action", "enum", message, target=["reset_signature_secret"], value=action)


class OwnSecretViewSet(_SignatureSecretMixin, AuthenticatedViewSet):
    """``/v2/auth``: ends all tokens of the caller."""

    fresh_actions = frozenset({"create"})

    def create(self, request: Request) -> EnvelopeResponse:
        """End all tokens of the user, or of the account's API key, the request's own among them."""
        self.require_reset()
        identity = self.identity
        if identity.token is not None and identity.token.device_id is not None:
            raise Forbidden()
        if identity.owner_id is None:
            accounts.reset_signature_secret(identity.account_id, self.actor)
        else:
            users.reset_signature_secret(identity.account_id, identity.owner_id, self.actor)
        return EnvelopeResponse({}, 201)


class AccountSecretViewSet(_SignatureSecretMixin, AccountScopedViewSet):
    """``/v2/accounts/{ACCOUNT_ID}/auth`` and ``…/users/{USER_ID}/auth``: ends others' tokens."""

    fresh_actions = frozenset({"create"})

    def create(self, request: Request, account_id: str, user_id: str | None = None) -> EnvelopeResponse:
        """End all tokens of the account's API key, or of a user; users may do so with their own."""
        self.require_reset()
        if not (self.identity.is_admin or (user_id is not None and owns(self.identity, user_id))):
            raise Forbidden()
        if user_id is None:
            accounts.reset_signature_secret(self.account_id, self.actor)
        else:
            users.reset_signature_secret(self.account_id, user_id, self.actor)
        return EnvelopeResponse({}, 201)


def _token_info(token: Token) -> dict[str, Any]:
    """Return a valid token's claims, with what signing in answers."""
    account = accounts.get(token.account_id)
    user = None if token.owner_id is None else users.get(token.account_id, token.owner_id)
    return {**login.login_response(account, user), **token.claims}
