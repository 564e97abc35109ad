"""Who may see and who may change a mailbox and its messages.

Everything here is asked about a caller who may act on the mailbox's account (see `accounts.auth.permissions`).
"""

from collections.abc import Mapping
from typing import Any

from accounts.auth.authentication import Identity
from accounts.auth.permissions import owns
from crossbar.errors import Forbidden
from storage import system_config


def may_see_box(identity: Identity, box: Mapping[str, Any]) -> bool:
    """Whether the caller may see a mailbox, given its document or summary.

    Everybody may, unless `system_config/crossbar.voicemail` or the account's own settings reserve mailboxes for their
    owners (`should_restrict_access_to_owner`) or those without an owner for administrators
    (`should_restrict_access_to_unowned`).
    """
    owner_id = box.get("owner_id")
    if identity.is_admin or owns(identity, owner_id):
        return True
    setting = "should_restrict_access_to_owner" if owner_id else "should_restrict_access_to_unowned"
    return not system_config.is_on(identity.account_id, "crossbar.voicemail", setting)


def may_change_box(identity: Identity, box: Mapping[str, Any]) -> bool:
    """Whether the caller may change a mailbox and its messages: administrators and the mailbox's owner may."""
    return identity.is_admin or owns(identity, box.get("owner_id"))


def may_see_secrets(identity: Identity, box: Mapping[str, Any]) -> bool:
    """Whether the caller may see a mailbox's secrets, such as its PIN: administrators and the owner may."""
    return may_change_box(identity, box)


def require_see_box(identity: Identity, box: Mapping[str, Any]) -> None:
    """Raise Forbidden unless the caller may see the mailbox."""
    if not may_see_box(identity, box):
        raise Forbidden()


def require_change_box(identity: Identity, box: Mapping[str, Any]) -> None:
    """Raise Forbidden unless the caller may change the mailbox."""
    if not may_change_box(identity, box):
        raise Forbidden()
