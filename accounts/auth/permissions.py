"""What a caller may do with accounts, as DRF permission classes.

A caller may act on its own account, an administrator also on the accounts below it, and a superduper administrator on
all.
"""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.api_keys.scopes import Scope
from accounts.auth import cache as auth_cache
from accounts.auth.authentication import Identity, caller
from crossbar.errors import BadIdentifier
from storage import database_names


class IsAuthenticated(BasePermission):
    """Lets in callers who proved who they are."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request may go on; without it, DRF raises NotAuthenticated."""
        return caller(request) is not None


class MayActOnAccount(BasePermission):
    """Lets callers act on the account in the path, ``{account_id}``. Raises BadIdentifier if there is none."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request may go on."""
        identity, account_id = caller(request), view.kwargs["account_id"]
        if not database_names.is_account_id(account_id):
            raise BadIdentifier(account_id)
        if account_id == identity.account_id:
            return True
        view.prefetch_account()
        return may_act_on(identity, account_id)


class IsAdministrator(BasePermission):
    """Lets administrators in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request may go on."""
        return caller(request).is_admin


class IsAdministratorOrReadOnly(BasePermission):
    """Lets administrators change what others may only read."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request may go on."""
        return request.method in SAFE_METHODS or caller(request).is_admin


def may_act_on(identity: Identity, account_id: str) -> bool:
    """Whether a caller may act on an account; raises BadIdentifier if there is no such account."""
    account = auth_cache.get_account(account_id)
    if account_id == identity.account_id or identity.is_superduper_admin:
        return True
    return identity.is_admin and identity.may(Scope.ADMINISTER) and identity.account_id in account.ancestor_ids


def owns(identity: Identity, owner_id: object) -> bool:
    """Whether the caller is the user with that id."""
    return identity.owner_id is not None and identity.owner_id == owner_id
