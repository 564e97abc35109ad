"""How many mailboxes an account may have, and how many numbers and aliases."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from couch.database import Database
from crossbar.errors import ValidationFailed
from storage import view_names
from storage.view_names import View
from voicemail.mailboxes import numbers


def require_room_for_mailbox(database: Database) -> None:
    """Raise ValidationFailed if an account (its database) has MAILBOXES_PER_ACCOUNT."""
    limit = settings.MAILBOXES_PER_ACCOUNT
    if limit and _has_rows(database, view_names.MAILBOXES_BY_NAME, limit):
        raise _too_many("mailbox", f"An account can't have more than {limit} mailboxes", limit)


def require_room_for_aliases(database: Database, members: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Raise ValidationFailed if members give a mailbox more new aliases than the limits allow.

    These are ALIASES_PER_MAILBOX and NUMBERS_PER_ACCOUNT. A stored mailbox may keep what it has.
    """
    aliases, stored_aliases = _aliases(members), _aliases(stored)
    limit = settings.ALIASES_PER_MAILBOX
    if limit and len(aliases) > max(limit, len(stored_aliases)):
        raise _too_many("aliases", f"A mailbox can't have more than {limit} aliases", limit)
    limit = settings.NUMBERS_PER_ACCOUNT
    new_aliases = numbers.of({"aliases": aliases}) - numbers.of(stored)
    if limit and new_aliases and _has_rows(database, view_names.MAILBOXES_BY_NUMBER, limit - len(new_aliases) + 1):
        raise _too_many("aliases", f"An account can't have more than {limit} numbers and aliases", limit)


def _aliases(members: Mapping[str, Any]) -> list[Any]:
    aliases = members.get("aliases")
    return aliases if isinstance(aliases, list) else []


def _has_rows(database: Database, view: View, count: int) -> bool:
    """Whether a view has that many rows."""
    return count < 1 or bool(database.view(*view, skip=count - 1, limit=1))


def _too_many(field: str, message: str, limit: int) -> ValidationFailed:
    return ValidationFailed.field(field, "maxItems", message, target=limit)
