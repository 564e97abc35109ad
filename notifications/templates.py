"""Templates: documents as Kazoo keeps them, in an account's database or in `system_config`, and our own.

An account's mails are made of its own template, else of that of the nearest account above it that has one, else of
the system's, else of ours in `own_templates/`. A document's texts are its attachments `template.text/html` and
`template.text/plain`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts import accounts
from couch.client import couch
from couch.database import Database, Document
from storage import database_names, private_fields, values

TO_EMAIL, FULL, DELETED = "voicemail_to_email", "voicemail_full", "voicemail_deleted"
IDS = (TO_EMAIL, FULL, DELETED)
PREFIX = "notification."
HTML, PLAIN = "text/html", "text/plain"
CONTENT_TYPES = (HTML, PLAIN)
_ATTACHMENT_PREFIX = "template."
_OWN = Path(__file__).parent / "own_templates"
_SUBJECTS = {
    TO_EMAIL: "New voicemail from {{caller_id.name_number}}",
    FULL: "Mailbox {{voicemail.vmbox_number}} is full",
    DELETED: "Voicemail from {{caller_id.name_number}} was deleted",
}
_NAMES = {TO_EMAIL: "New voicemail", FULL: "Mailbox full", DELETED: "Deleted voicemail"}


@dataclass(frozen=True)
class Template:
    """A template's members and texts, and the account that it is from: None for the system's and ours."""

    id: str
    members: Document
    texts: dict[str, str] = field(repr=False)
    """By content type. Empty for a document that has none, in whose place ours are used."""
    account_id: str | None = None
    is_own: bool = False
    """Whether it is ours."""

    @property
    def is_enabled(self) -> bool:
        """Whether mails are sent: unless the document says no, but about deleted messages only if it says yes."""
        enabled = self.members.get("enabled")
        return values.is_true(enabled) if self.id == DELETED else not values.is_false(enabled)


def template_document_id(template_id: str) -> str:
    """Return the id of a template's document."""
    return f"{PREFIX}{template_id}"


def find(account: Document, template_id: str) -> Template:
    """Return the template that an account's mails are made of."""
    for account_id, database in _template_places(account):
        if (template := read(database, account_id, template_id)) is not None:
            return template
    return own(template_id)


def read(database: Database, account_id: str | None, template_id: str) -> Template | None:
    """Return the template in a database; None if there is none."""
    doc = database.get(template_document_id(template_id))
    if not private_fields.is_live(doc):
        return None
    return Template(template_id, doc, dict(_read_texts(database, doc)), account_id)


@cache
def own(template_id: str) -> Template:
    """Return our own template."""
    texts = {
        content_type: (_OWN / f"{template_id}.{extension}").read_text()
        for content_type, extension in ((HTML, "html"), (PLAIN, "txt"))
    }
    members = {
        "subject": _SUBJECTS[template_id],
        "from": settings.DEFAULT_FROM_EMAIL,
        "to": {"type": "original"},
        "enabled": template_id != DELETED,
        "template_charset": "utf-8",
        "category": "voicemail",
        "friendly_name": _NAMES[template_id],
    }
    return Template(template_id, members, texts, is_own=True)


def attachment_name(content_type: str) -> str:
    """Return the name of the attachment that has a text."""
    return f"{_ATTACHMENT_PREFIX}{content_type}"


def system_database() -> Database:
    """Return the database of the system's templates."""
    return couch().database(database_names.CONFIG)


def _template_places(account: Document) -> Iterator[tuple[str | None, Database]]:
    """The accounts whose templates may be used, the nearest first, then the system."""
    above = reversed(accounts.ancestor_ids(account))
    account_ids = [account["_id"], *above, accounts.reseller_id(account), accounts.master_account_id()]
    for account_id in dict.fromkeys(filter(database_names.is_account_id, filter(None, account_ids))):
        yield account_id, accounts.database_of(account_id)
    yield None, system_database()


def _read_texts(database: Database, doc: Document) -> Iterator[tuple[str, str]]:
    stubs = doc.get("_attachments")
    for content_type in CONTENT_TYPES:
        name = attachment_name(content_type)
        if isinstance(stubs, dict) and name in stubs:
            stream = database.open_attachment(doc["_id"], name)
            if stream is not None:
                yield content_type, _decode_text(b"".join(stream), doc.get("template_charset"))


def _decode_text(content: bytes, charset: Any) -> str:
    for name in ("utf-8", charset if isinstance(charset, str) else "utf-8"):
        try:
            return content.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("iso-8859-1")
