"""The e-mail addresses that a mailbox announces its messages to: a list today, one member of its own in Kazoo 3.x."""

from collections.abc import Mapping
from typing import Any

from couch.database import Document

OLD_MEMBER, MEMBER = "notify_email_address", "notify_email_addresses"


def merge(members: Mapping[str, Any]) -> Document:
    """The members of a mailbox with the address of 3.x, or several of them, at the end of today's list."""
    if OLD_MEMBER not in members:
        return dict(members)
    addresses = _list(members.get(MEMBER))
    addresses += [address for address in _list(members[OLD_MEMBER]) if address not in addresses]
    return {**{name: member for name, member in members.items() if name != OLD_MEMBER}, MEMBER: addresses}


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return list(value)
    return [] if value in (None, "") else [value]
