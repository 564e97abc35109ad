"""``/v2/accounts/{ACCOUNT_ID}/users/{USER_ID}/user_auth``: acting as a user of an account below."""

import logging

from rest_framework.request import Request

from accounts import accounts, users
from accounts.api.viewset import AccountScopedViewSet
from accounts.auth import authentication, login, trail
from accounts.auth.authentication import Identity
from accounts.auth.cache import CachedAccount, CachedUser
from accounts.auth.tokens import Impersonator
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import Forbidden, Locked, ValidationFailed
from crossbar.viewset import NO_STORE

_ACTION = "impersonate_user"

logger = logging.getLogger(__name__)


class ImpersonationViewSet(AccountScopedViewSet):
    """Issues tokens of other users, which say who uses them and end with that one's rights."""

    cache_control = NO_STORE
    fresh_actions = frozenset({"create"})

    def create(self, request: Request, account_id: str, user_id: str) -> EnvelopeResponse:
        """Issue a token for a user of an account below the caller's."""
        action = self.data.get("action", _ACTION)
        if action != _ACTION:
            message = "Value not found in enumerated list of values"
            raise ValidationFailed.field("action", "enum", message, target=[_ACTION], value=action)
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        if not authentication.may_impersonate(
            self.identity, CachedAccount.from_document(account), CachedUser.from_document(user)
        ):
            raise Forbidden()
        for subject, is_enabled in (("account", accounts.is_enabled(account)), ("user", users.is_enabled(user))):
            if not is_enabled:
                raise Locked(subject)
        impersonator = _impersonator(self.identity)
        claims = impersonator.claims(_signature_secret(impersonator))
        self.auth_token = login.issue_token(account, user, login.USER_AUTH, claims)
        trail.record_impersonation(account, user)
        logger.info(
            "An administrator acts as another user",
            extra={
                "account_id": account_id,
                "user_id": user_id,
                "original_account_id": impersonator.account_id,
                "original_user_id": impersonator.owner_id,
            },
        )
        return EnvelopeResponse(login.login_response(account, user), 201)


def _impersonator(identity: Identity) -> Impersonator:
    """Return who is to be named: the caller, or the one who acts as the caller already."""
    impersonator = None if identity.token is None else identity.token.impersonator
    return impersonator or Impersonator(identity.account_id, identity.owner_id)


def _signature_secret(impersonator: Impersonator) -> str:
    account_id, user_id = impersonator.account_id, impersonator.owner_id
    if user_id is None:
        return accounts.ensure_signature_secret(accounts.get(account_id))
    return users.ensure_signature_secret(account_id, users.get(account_id, user_id))
