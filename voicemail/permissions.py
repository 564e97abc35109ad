"""Who may see and change a mailbox and its messages, among callers who may act on its account.

Administrators and the owner may do both. Others may see a mailbox, unless `system_config/crossbar.voicemail`, or the
account's own settings over it, restrict mailboxes to their owners (`should_restrict_access_to_owner`), or those
without an owner to administrators (`should_restrict_access_to_unowned`).
"""

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.api_keys.scopes import Scope
from accounts.auth.authentication import Identity, caller
from accounts.auth.permissions import owns
from storage import system_config


class MailboxPermission(BasePermission):
    """Lets callers read a mailbox that they may see, and change one that they may change."""

    def has_object_permission(self, request: Request, view: Any, obj: Mapping[str, Any]) -> bool:
        """Whether the request may go on with a mailbox."""
        is_allowed = may_see_box if request.method in SAFE_METHODS else may_change_box
        return is_allowed(caller(request), obj)


class MaySeeMailbox(BasePermission):
    """Lets callers do with a mailbox what only reads it, whatever the request's method."""

    def has_object_permission(self, request: Request, view: Any, obj: Mapping[str, Any]) -> bool:
        """Whether the request may go on with a mailbox."""
        return may_see_box(caller(request), obj)


def may_see_box(identity: Identity, box: Mapping[str, Any]) -> bool:
    """Whether a caller may look into a mailbox (its document or its summary)."""
    owner_id = box.get("owner_id")
    if identity.is_admin or owns(identity, owner_id):
        return True
    setting = "should_restrict_access_to_owner" if owner_id else "should_restrict_access_to_unowned"
    return not system_config.is_on(identity.account_id, "crossbar.voicemail", setting)


def may_change_box(identity: Identity, box: Mapping[str, Any]) -> bool:
    """Whether a caller may change a mailbox and its messages."""
    return identity.is_admin or owns(identity, box.get("owner_id"))


def may_see_secrets(identity: Identity, box: Mapping[str, Any]) -> bool:
    """Whether a caller may see a mailbox's PIN: those who may change it, by no key that may only do that."""
    return may_change_box(identity, box) and identity.may(Scope.ADMINISTER)
