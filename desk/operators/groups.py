"""The three groups of operators that every installation has, to be put together as one likes.

They are made when the database is set up, and once: what an installation changed in them stays.
"""

from typing import Any

READ_ONLY = "Read only"
SUPPORT = "Support"
ADMINISTRATORS = "Administrators"
_LOOKING = ("view_account", "view_mailbox", "view_message", "view_health", "view_accountuser", "view_auditentry")
_SUPPORTING = (
    *_LOOKING,
    "listen_to_message",
    "change_message",
    "delete_message",
    "add_message",
    "change_mailbox",
)
_ADMINISTERING = (
    *_SUPPORTING,
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
    "view_user",
    "add_user",
    "change_user",
)
_GROUPS = {READ_ONLY: _LOOKING, SUPPORT: _SUPPORTING, ADMINISTRATORS: _ADMINISTERING}


def make(**_: Any) -> None:
    """Make the groups that are missing, once the permissions that they hold are there (signal post_migrate)."""
    from django.contrib.auth.models import Group, Permission

    for name, codenames in _GROUPS.items():
        found = Permission.objects.filter(codename__in=codenames)
        if found.count() == len(codenames) and not Group.objects.filter(name=name).exists():
            Group.objects.create(name=name).permissions.set(found)
