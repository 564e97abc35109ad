"""Media in CouchDB: documents of their account's database, each with its audio as its one attachment.

What a client sends is checked against the schema ``media``. A deleted media stays for an operator to restore, unless
it is deleted for good. Mailboxes that name a missing media have no greeting, which is no error.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from accounts import accounts
from accounts.listing import read_page
from couch.database import Document
from couch.retry import retry_on_conflict
from crossbar.errors import BadIdentifier
from crossbar.filters import Filter
from crossbar.pages import Page, PageRequest
from storage import database_names, document_types, documents, merge_patch, private_fields, schemas, view_names
from storage.documents import Guard
from storage.private_fields import Actor
from voicemail.audio import recording
from voicemail.audio.recording import Recording
from voicemail.audio.upload import Upload

TYPE = document_types.MEDIA
SCHEMA = "media"
_ABOUT_AUDIO = ("content_type", "content_length")
"""What the audio is, clients see but don't say."""
_READ_ONLY = frozenset({"id", *_ABOUT_AUDIO})
_LISTED = ("name", "language", "media_source")


def get(account_id: str, media_id: str) -> Document:
    """Return a live media's document; raises BadIdentifier."""
    database = accounts.database_of(account_id)
    doc = database.get(media_id) if database_names.is_account_id(media_id) else None
    if doc is None or not private_fields.is_live(doc, TYPE):
        raise BadIdentifier(media_id)
    return doc


def locate_audio(account_id: str, media_id: str) -> Recording:
    """Return the audio of a live media; raises BadIdentifier if there is none."""
    try:
        return recording.locate(accounts.database_of(account_id), get(account_id, media_id))
    except recording.MissingAudio as error:
        raise BadIdentifier(media_id) from error


def public_members(media: Document) -> Document:
    """Return a media as the API shows it."""
    return private_fields.public(media)


def summary(media: Document) -> Document:
    """Return what listings show of a media, as Kazoo's view ``media/crossbar_listing`` does."""
    members = {name: media[name] for name in _LISTED if name in media}
    return {"id": media["_id"], **members, "is_prompt": bool(media.get("prompt_id"))}


def list_page(account_id: str, request: PageRequest, filters: Filter | None = None) -> Page[Document]:
    """Return a page of an account's media by name, as documents; raises BadIdentifier, InvalidStartKey."""
    database = accounts.database_of(account_id)
    page = read_page(database, view_names.MEDIA_BY_NAME, request, filters or Filter(), public_members)
    return Page([row["doc"] for row in page.entries], page.next_start_key)


def ids_by(account_id: str, member: str) -> dict[str | None, list[str]]:
    """Return the ids of all media of an account by the value of a member: its text, or None where there is none."""
    ids: dict[str | None, list[str]] = {}
    rows = accounts.database_of(account_id).stream_view(*view_names.MEDIA_BY_NAME, include_docs=True)
    for media in (row["doc"] for row in rows if row.get("doc")):
        value = media.get(member)
        ids.setdefault(value if isinstance(value, str) and value else None, []).append(media["_id"])
    return ids


def create(account_id: str, members: Mapping[str, Any], actor: Actor | None = None) -> Document:
    """Store a new media without audio and return its document; raises ValidationFailed."""
    database = accounts.database_of(account_id)
    validated = schemas.validator(SCHEMA).validate(_writable(members))
    doc = private_fields.stamp_new(
        {**validated, "_id": uuid.uuid4().hex},
        pvt_type=TYPE,
        account_id=account_id,
        db_name=database.name,
        actor=actor,
    )
    return documents.put(database, doc)


def replace_members(
    account_id: str, media_id: str, members: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Replace a media's public members, its audio stays; the document as stored.

    Raises BadIdentifier, ValidationFailed, Conflict, and what the guard raises.
    """
    return _change_members(account_id, media_id, lambda stored: _writable(members), actor, guard)


def merge_members(
    account_id: str, media_id: str, patch: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge a patch into a media's public members, null removing a member; otherwise like `replace_members`."""
    return _change_members(
        account_id, media_id, lambda stored: merge_patch.apply(_writable(stored), _writable(patch)), actor, guard
    )


def put_audio(
    account_id: str, media_id: str, upload: Upload, actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Store an upload as the audio of a media, in one write, in place of what it had; the document as stored.

    Of concurrent uploads the last one wins. Raises BadIdentifier, Conflict after many lost races, and what the guard
    raises.
    """
    database = accounts.database_of(account_id)

    def attempt() -> Document:
        stored = get(account_id, media_id)
        if guard is not None:
            guard(stored)
        doc = {key: value for key, value in stored.items() if key not in ("_attachments", "pvt_attachments")}
        doc["content_type"], doc["content_length"] = upload.content_type, upload.length
        upload.file.seek(0)
        stamped = private_fields.stamp_update(doc, actor=actor)
        return database.put_with_attachment(stamped, upload.name, upload.content_type, upload.file, upload.length)

    return retry_on_conflict(attempt)


def delete(
    account_id: str, media_id: str, actor: Actor | None = None, guard: Guard | None = None, *, for_good: bool = False
) -> Document:
    """Soft-delete a media, or delete it for good with its audio; its document as it was.

    Raises like `replace_members`.
    """
    database = accounts.database_of(account_id)
    if not for_good:
        get(account_id, media_id)
        return documents.soft_delete(database, media_id, TYPE, actor=actor, guard=guard)

    def attempt() -> Document:
        stored = get(account_id, media_id)
        if guard is not None:
            guard(stored)
        database.delete(media_id, stored["_rev"])
        return stored

    return retry_on_conflict(attempt)


def _change_members(
    account_id: str,
    media_id: str,
    edit: Callable[[Document], Document],
    actor: Actor | None,
    guard: Guard | None,
) -> Document:
    get(account_id, media_id)

    def apply(stored: Document) -> Document:
        validated = schemas.validator(SCHEMA).validate(edit(stored), stored=_writable(stored))
        about_audio: Document = {key: stored[key] for key in _ABOUT_AUDIO if key in stored}
        return private_fields.replace_public(stored, {**validated, **about_audio})

    return documents.change(accounts.database_of(account_id), media_id, TYPE, apply, actor=actor, guard=guard)


def _writable(members: Mapping[str, Any]) -> Document:
    """The members that a client may set."""
    return {key: value for key, value in private_fields.without_private(members).items() if key not in _READ_ONLY}
