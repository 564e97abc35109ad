"""Media in CouchDB: documents of their account's database, each with its audio as its one attachment.

What a client sends is checked against the schema ``media``. A deleted media stays for an operator to restore, unless
it is deleted for good. Mailboxes that name a missing media have no greeting, which is no error.
"""

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from accounts import accounts
from accounts.listing import read_page
from couch.database import Database, Document
from couch.retry import retry_on_conflict
from crossbar.errors import BadIdentifier, ValidationFailed
from crossbar.filters import Filter
from crossbar.pages import Page, PageRequest
from media import speech
from storage import document_types, documents, merge_patch, private_fields, schemas, view_names
from storage.documents import Guard
from storage.private_fields import Actor
from voicemail.audio import content_types, recording
from voicemail.audio.recording import Recording
from voicemail.audio.upload import Upload

TYPE = document_types.MEDIA
SCHEMA = "media"
UPLOAD, RECORDING, SPEECH = "upload", "recording", "tts"
"""Where the audio comes from, as the member ``media_source`` has it."""
_ABOUT_AUDIO = ("content_type", "content_length")
"""What the audio is, clients see but don't say."""
_READ_ONLY = frozenset({"id", *_ABOUT_AUDIO})
_LISTED = ("name", "language", "media_source")


def get(account_id: str, media_id: str) -> Document:
    """Return a live media's document; raises BadIdentifier."""
    database = accounts.database_of(account_id)
    doc = database.get(media_id)
    if doc is None or not private_fields.is_live(doc, TYPE):
        raise BadIdentifier(media_id)
    return doc


def locate_audio(account_id: str, media_id: str) -> Recording:
    """Return the audio of a live media; raises BadIdentifier if there is none."""
    try:
        return recording.locate(accounts.database_of(account_id), get(account_id, media_id))
    except recording.MissingAudio as error:
        raise BadIdentifier(media_id) from error


def public_media(media: Document) -> Document:
    """Return a media as the API shows it."""
    return private_fields.public(media)


def media_summary(media: Document) -> Document:
    """Return what listings show of a media, as Kazoo's view ``media/crossbar_listing`` does."""
    members = {name: media[name] for name in _LISTED if name in media}
    return {"id": media["_id"], **members, "is_prompt": bool(media.get("prompt_id"))}


def list_media(account_id: str, request: PageRequest, filters: Filter | None = None) -> Page[Document]:
    """Return a page of an account's media by name, as documents; raises BadIdentifier, InvalidStartKey."""
    database = accounts.database_of(account_id)
    page = read_page(database, view_names.MEDIA_BY_NAME, request, filters or Filter(), public_media)
    return Page([row["doc"] for row in page.entries], page.next_start_key)


def count_media(account_id: str) -> int:
    """Return how many media an account has; raises BadIdentifier."""
    return accounts.database_of(account_id).count_rows(*view_names.MEDIA_BY_NAME)


def ids_by(account_id: str, member: str) -> dict[str | None, list[str]]:
    """Return the ids of all media of an account by the value of a member: its text, or None where there is none."""
    ids: dict[str | None, list[str]] = {}
    rows = accounts.database_of(account_id).stream_view(*view_names.MEDIA_BY_NAME, include_docs=True)
    for media in (row["doc"] for row in rows if row.get("doc")):
        value = media.get(member)
        ids.setdefault(value if isinstance(value, str) and value else None, []).append(media["_id"])
    return ids


def create(
    account_id: str, members: Mapping[str, Any], actor: Actor | None = None, upload: Upload | None = None
) -> Document:
    """Store a new media and return its document, in one write with its audio: an upload, or its text as speech.

    Raises ValidationFailed, and the errors of `speech.speak`.
    """
    database = accounts.database_of(account_id)
    validated = schemas.validator(SCHEMA).validate(_with_source(_writable(members)))
    audio = _speak(validated, {}) if upload is None else upload
    doc = private_fields.stamp_new(
        {**validated, "_id": uuid.uuid4().hex},
        pvt_type=TYPE,
        account_id=account_id,
        db_name=database.name,
        actor=actor,
    )
    return documents.put(database, doc) if audio is None else _put_media_audio(database, doc, audio)


def replace_members(
    account_id: str, media_id: str, members: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Replace a media's public members, its audio stays unless it is a text that changed; the document as stored.

    Raises BadIdentifier, ValidationFailed, Conflict, the errors of `speech.speak`, and what the guard raises.
    """
    return _change_members(account_id, media_id, lambda stored: _with_source(_writable(members)), actor, guard)


def merge_members(
    account_id: str, media_id: str, patch: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge a patch into a media's public members, null removing a member; otherwise like `replace_members`."""
    return _change_members(
        account_id, media_id, lambda stored: merge_patch.apply(_writable(stored), _writable(patch)), actor, guard
    )


def put_audio(
    account_id: str,
    media_id: str,
    upload: Upload,
    actor: Actor | None = None,
    guard: Guard | None = None,
    source: str | None = None,
) -> Document:
    """Store an upload as the audio of a media, in one write, in place of what it had; the document as stored.

    `source` is the new ``media_source``. Without it, that of speech becomes an upload, and any other stays.
    Of concurrent uploads the last one wins. Raises BadIdentifier, Conflict after many lost races, and what the guard
    raises.
    """
    database = accounts.database_of(account_id)

    def attempt() -> Document:
        stored = get(account_id, media_id)
        if guard is not None:
            guard(stored)
        stored_source = stored.get("media_source")
        new_source = source or (UPLOAD if stored_source in (None, SPEECH) else stored_source)
        return _put_media_audio(
            database, private_fields.stamp_update({**stored, "media_source": new_source}, actor=actor), upload
        )

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


def restore_media(account_id: str, media_id: str, actor: Actor | None = None) -> Document:
    """Restore a soft-deleted media and return its document; a live one stays as it is. Raises BadIdentifier."""

    def undelete(stored: Document) -> Document | None:
        if stored.get("pvt_type") != TYPE:
            raise BadIdentifier(media_id)
        if private_fields.is_live(stored):
            return None
        return private_fields.stamp_update(documents.undelete(stored), actor=actor)

    documents.update(accounts.database_of(account_id), media_id, undelete)
    return get(account_id, media_id)


def _change_members(
    account_id: str,
    media_id: str,
    edit: Callable[[Document], Document],
    actor: Actor | None,
    guard: Guard | None,
) -> Document:
    database, speak = accounts.database_of(account_id), cache(speech.speak)

    def attempt() -> Document:
        stored = get(account_id, media_id)
        if guard is not None:
            guard(stored)
        validated = schemas.validator(SCHEMA).validate(edit(stored), stored=_writable(stored))
        audio = _speak(validated, stored, speak)
        about_audio: Document = {key: stored[key] for key in _ABOUT_AUDIO if key in stored}
        doc = private_fields.replace_public(stored, {**validated, **about_audio})
        stamped = private_fields.stamp_update(doc, actor=actor)
        return documents.put(database, stamped) if audio is None else _put_media_audio(database, stamped, audio)

    return retry_on_conflict(attempt)


def _put_media_audio(database: Database, doc: Document, upload: Upload) -> Document:
    """Store a document with an upload as its one attachment, in one write; the document as stored."""
    about_audio = {"content_type": upload.content_type, "content_length": upload.length}
    members = {**recording.without_audio(doc), **about_audio}
    upload.file.seek(0)
    return database.put_with_attachment(members, upload.name, upload.content_type, upload.file, upload.length)


def _with_source(members: Document) -> Document:
    """The members of a media, with the source of one that has a text and names no source."""
    tts = members.get("tts")
    has_text = isinstance(tts, Mapping) and bool(tts.get("text"))
    return {**members, "media_source": SPEECH} if has_text and "media_source" not in members else members


def _speak(
    members: Mapping[str, Any], stored: Mapping[str, Any], speak: Callable[[str, str], Upload] = speech.speak
) -> Upload | None:
    """The text of a media as speech; None if it isn't to be spoken, or was stored already with this text and voice.

    Raises ValidationFailed if the text is missing, and the errors of `speech.speak`.
    """
    if members.get("media_source") != SPEECH:
        return None
    tts: Mapping[str, Any] = members.get("tts") or {}
    if stored.get("media_source") == SPEECH and (stored.get("tts") or {}) == tts:
        return None
    if not tts.get("text"):
        raise ValidationFailed.field("tts.text", "required", "Field is required but missing")
    audio = speak(tts["text"], tts.get("voice") or speech.DEFAULT_VOICE)
    # Whoever downloads it gets a file named as the media.
    return dataclasses.replace(audio, name=content_types.attachment_name(str(members["name"]), audio.content_type))


def _writable(members: Mapping[str, Any]) -> Document:
    """The members that a client may set."""
    return {key: value for key, value in private_fields.without_private(members).items() if key not in _READ_ONLY}
