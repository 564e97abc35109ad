"""What documents are called in entries: their kind, their name, and whether they are recorded at all."""

from collections.abc import Mapping
from typing import Any

from storage import database_names, document_types

KINDS = {
    document_types.ACCOUNT: "account",
    document_types.USER: "user",
    document_types.DEVICE: "device",
    document_types.API_KEY: "API key",
    document_types.MAILBOX: "mailbox",
    document_types.MESSAGE: "message",
    document_types.MEDIA: "media",
    document_types.WEBHOOK: "webhook",
    document_types.CONFIG: "settings",
    "notification": "mail",
}
"""By ``pvt_type``."""
MANY = {"message": "messages", "mailbox": "mailboxes", "webhook": "webhooks", "media": "media"}
_CLAIMED_AT = "claimed_at"
"""A member of every lock (`storage.locks`)."""
_UNRECORDED_DATABASES = frozenset({database_names.ACCOUNTS, database_names.TOKENS, database_names.KEYS})
"""Copies of accounts, which come with a change of their own, and what signing in keeps."""
_SIGNING = (database_names.CONFIG, "auth")
"""What tokens are signed with, which the service makes for itself."""
_NAMES = ("name", "username", "friendly_name", "realm")
_MAX_KIND = 20


def is_recorded(database_name: str, doc: Mapping[str, Any]) -> bool:
    """Whether a document's changes are recorded: it is one that clients see, whatever its type, and no lock."""
    if database_name in _UNRECORDED_DATABASES or _CLAIMED_AT in doc:
        return False
    return database_name != database_names.CONFIG or (database_name, doc["_id"]) != _SIGNING


def kind_of(doc: Mapping[str, Any]) -> str:
    """A document's kind in a word; its type if there is no word for it."""
    pvt_type = str(doc.get("pvt_type") or "document")
    return KINDS.get(pvt_type, pvt_type)[:_MAX_KIND]


def name_of(doc: Mapping[str, Any]) -> str:
    """What a document is called for people, empty if nothing."""
    return next((name for key in _NAMES if isinstance(name := doc.get(key), str) and name), "")


def account_of(database_name: str, doc: Mapping[str, Any]) -> str:
    """The id of the account that a document belongs to, empty if none."""
    owner = database_names.parse(database_name)
    account_id = owner.account_id if owner is not None else doc.get("pvt_account_id")
    return account_id if isinstance(account_id, str) else ""
