"""Greetings of mailboxes: which media callers hear, and which mailboxes use a media.

A mailbox names its greetings in its member ``media``. Its owner's recorded name counts before its own. A greeting
whose media is missing or deleted is no greeting, and no error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from accounts import accounts, users
from couch.database import Document
from storage import document_types, private_fields, view_names
from storage.documents import Guard
from storage.private_fields import Actor
from voicemail.mailboxes import store as mailbox_store

UNAVAILABLE, TEMPORARY, NAME = "unavailable", "temporary_unavailable", "name"
KINDS = (UNAVAILABLE, TEMPORARY, NAME)
OWNERS_NAME = "recorded_name"
"""The member that has a user's recorded name."""


@dataclass(frozen=True)
class Greeting:
    """A greeting of a mailbox: the id that is stored, and the live media with that id."""

    kind: str
    media_id: str = ""
    """Empty where there is no greeting."""
    media: Document | None = None


@dataclass(frozen=True)
class Use:
    """A mailbox, or a user with a recorded name, that uses a media."""

    media_id: str
    member: str
    document: Document


def list_greetings(account_id: str, box: Mapping[str, Any]) -> list[Greeting]:
    """Return the greetings of a mailbox, those it lacks among them, in the order of KINDS."""
    return _with_media(account_id, {kind: stored_id(box, kind) for kind in KINDS})


def owners_name(account_id: str, owner: Mapping[str, Any]) -> Greeting:
    """Return the recorded name of a mailbox's owner, which counts before the mailbox's own."""
    (greeting,) = _with_media(account_id, {NAME: stored_id(owner, OWNERS_NAME)})
    return greeting


def stored_id(doc: Mapping[str, Any], member: str) -> str:
    """Return the id of the media that a document's member ``media`` has for a greeting; empty if it has none."""
    media = doc.get("media")
    media_id = media.get(member) if isinstance(media, Mapping) else None
    return media_id if isinstance(media_id, str) else ""


def assign(
    account_id: str,
    box_id: str,
    kind: str,
    media_id: str | None,
    actor: Actor | None = None,
    guard: Guard | None = None,
) -> Document:
    """Make a media the greeting of a mailbox, or remove the greeting; the mailbox as stored.

    Raises like `mailbox_store.merge`.
    """
    return mailbox_store.merge(account_id, box_id, {"media": {kind: media_id}}, actor, guard)


def assign_owners_name(
    account_id: str, user_id: str, media_id: str | None, actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Make a media the recorded name of a user, or remove the name; the user as stored.

    Raises like `users.merge`.
    """
    return users.merge(account_id, user_id, {"media": {OWNERS_NAME: media_id}}, actor, guard)


def list_uses(account_id: str, media_ids: Iterable[str]) -> list[Use]:
    """Return who uses some media: live mailboxes and users, in the order of the ids."""
    keys = list(dict.fromkeys(media_ids))
    if not keys:
        return []
    database = accounts.database_of(account_id)
    rows = database.view(*view_names.GREETINGS_BY_MEDIA, keys=keys, include_docs=True)
    live_types = (document_types.MAILBOX, document_types.USER)
    return [
        Use(row["key"], str(row["value"]), row["doc"])
        for row in rows
        if private_fields.is_live(row.get("doc")) and row["doc"].get("pvt_type") in live_types
    ]


def _with_media(account_id: str, media_ids: Mapping[str, str]) -> list[Greeting]:
    """The greetings of some kinds, with their media read in one request."""
    docs = accounts.database_of(account_id).fetch({media_id for media_id in media_ids.values() if media_id})
    live = {doc_id: doc for doc_id, doc in docs.items() if private_fields.is_live(doc, document_types.MEDIA)}
    return [Greeting(kind, media_id, live.get(media_id)) for kind, media_id in media_ids.items()]
