"""The three groups of operators that every installation starts with.

Each is created once, when the database is set up: later changes of an installation stay.
"""

from typing import Any

_READ_ONLY_PERMISSIONS = (
    "view_account",
    "view_mailbox",
    "view_message",
    "view_media",
    "view_health",
    "view_accountuser",
    "view_auditentry",
    "view_webhook",
    "view_apikey",
    "view_job",
    "view_mail",
)
_SUPPORT_PERMISSIONS = (
    *_READ_ONLY_PERMISSIONS,
    "listen_to_message",
    "change_message",
    "delete_message",
    "add_message",
    "change_mailbox",
    "add_media",
    "change_media",
    "delete_media",
    "send_webhook",
    "send_mail",
)
_ADMINISTRATOR_PERMISSIONS = (
    *_SUPPORT_PERMISSIONS,
    "add_account",
    "change_account",
    "change_retention",
    "see_api_key",
    "renew_api_key",
    "migrate_account",
    "add_mailbox",
    "delete_mailbox",
    "see_pin",
    "add_accountuser",
    "change_accountuser",
    "delete_accountuser",
    "add_apikey",
    "change_apikey",
    "delete_apikey",
    "add_webhook",
    "change_webhook",
    "delete_webhook",
    "change_job",
    "change_mail",
    "view_user",
    "add_user",
    "change_user",
    "view_erasure",
    "erase_for_good",
)
_GROUPS = {
    "Read only": _READ_ONLY_PERMISSIONS,
    "Support": _SUPPORT_PERMISSIONS,
    "Administrators": _ADMINISTRATOR_PERMISSIONS,
}


def create_missing_groups(**_: Any) -> None:
    """Create the missing groups whose permissions all exist already (receiver of ``post_migrate``)."""
    from django.contrib.auth.models import Group, Permission

    for name, codenames in _GROUPS.items():
        permissions = Permission.objects.filter(codename__in=codenames)
        # Two apps may have a permission of the same codename.
        present = set(permissions.values_list("codename", flat=True))
        if present.issuperset(codenames) and not Group.objects.filter(name=name).exists():
            Group.objects.create(name=name).permissions.set(permissions)
