"""Who gets a mail: by the mailbox, its owner and the template."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from accounts import accounts, users
from couch.database import Document
from storage import values, view_names
from voicemail.mailboxes import addresses

ORIGINAL, SPECIFIED, ADMINS = "original", "specified", "admins"
KINDS = (ORIGINAL, SPECIFIED, ADMINS)
_ADDRESS = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,253}|[\w.!#$%&'*+/=?^`{|}~-]{1,64}@\[[0-9A-Fa-f:.]+\]", re.A
)
_MOST = 100


def of_mailbox(box: Mapping[str, Any], owner: Mapping[str, Any] | None) -> list[str]:
    """Return the addresses that a mailbox announces its messages to.

    Its owner's is one of them, unless its owner's ``vm_to_email_enabled`` is false. Then it isn't, even if listed.
    """
    listed = _valid(addresses.merge(box).get(addresses.MEMBER))
    own = _valid([owner.get("email")]) if owner is not None else []
    if owner is not None and values.is_false(owner.get("vm_to_email_enabled")):
        return [address for address in listed if address.lower() not in {item.lower() for item in own}]
    return _distinct([*listed, *own])


def of_member(member: object, original: list[str], account_id: str) -> list[str]:
    """Return the addresses that ``to``, ``cc`` or ``bcc`` of a template stands for."""
    settings = member if isinstance(member, dict) else {}
    kind = settings.get("type")
    if kind == SPECIFIED:
        return _distinct(_valid(settings.get("email_addresses")))
    if kind == ADMINS:
        return _distinct(_valid(_admin_addresses(account_id)))
    return original


def is_valid(address: object) -> bool:
    """Whether a mail can be sent to an address."""
    return isinstance(address, str) and bool(_ADDRESS.fullmatch(_ascii(address)))


def _valid(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [_ascii(item.strip()) for item in items if isinstance(item, str) and is_valid(item.strip())]


def _ascii(address: str) -> str:
    """Return an address with its domain as it is in DNS."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}" if not domain.isascii() else address
    except UnicodeError:
        return address


def _distinct(items: Iterable[str]) -> list[str]:
    return list({item.lower(): item for item in reversed(list(items))}.values())[::-1][:_MOST]


def _admin_addresses(account_id: str) -> list[Any]:
    return [user.get("email") for user in _admins(account_id)]


def _admins(account_id: str) -> list[Document]:
    rows = accounts.database_of(account_id).view(*view_names.USERS_BY_NAME, include_docs=True)
    return [
        doc for row in rows if users.is_live(doc := row.get("doc")) and users.is_admin(doc) and users.is_enabled(doc)
    ]
