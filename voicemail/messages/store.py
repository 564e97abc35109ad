"""Messages: found, created, and given their audio, as documents of the month that they were left in."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from couch.client import Database, Document, couch
from couch.errors import Conflict
from crossbar.errors import ApiError, BadIdentifier, UnsupportedMediaType, ValidationFailed
from crossbar.multipart import Part
from storage import database_names, gregorian, modbs, private_fields
from storage.private_fields import Actor
from voicemail.audio import content_types, recording, transcoding
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import folders, metadata, retention

TYPE = "mailbox_message"
DESCRIPTION = "voicemail message with media"
NO_FILE = "Please provide a media file"
_LONGEST_ID = 200
_ATTEMPTS = 6

Guard = Callable[[Document], None]
"""Looks at the stored message before each attempt to change it, and raises if this caller must not."""


class Refused(ApiError):
    """A message can't be changed so; `reason` is the word that a bulk change would tell."""

    status = 400

    def __init__(self, reason: str, message_id: str, explanation: str) -> None:
        super().__init__(reason, data={"message": explanation, "cause": message_id})


def new_id(month: str) -> str:
    """An id for a new message of a month ``YYYYMM``."""
    return f"{month}-{uuid.uuid4().hex}"


def modb_of(account_id: str, message_id: str) -> Database | None:
    """The MODb that a message's id names, whether it exists or not; None when the id is none of a message."""
    month = database_names.month_of_message(message_id)
    if month is None or len(message_id) > _LONGEST_ID or not message_id.isprintable():
        return None
    return couch().database(database_names.modb(account_id, month))


def is_message(doc: Mapping[str, Any] | None, box_id: str) -> bool:
    """Whether a document is a live message of a box."""
    return (
        doc is not None
        and doc.get("pvt_type") == TYPE
        and doc.get("source_id") == box_id
        and private_fields.is_live(doc)
    )


def get(account_id: str, box_id: str, message_id: str) -> tuple[Database, Document]:
    """A live message of a box: its MODb and its document, in one request; BadIdentifier when there is none."""
    database = modb_of(account_id, message_id)
    doc = None if database is None else database.get(message_id)
    if database is None or doc is None or not is_message(doc, box_id):
        raise BadIdentifier(message_id)
    return database, doc


def read(account_id: str, box_id: str, message_id: str) -> tuple[Database, Document]:
    """As `get`, for who listens or looks: a message that is in no folder is put into ``new`` first."""
    database, doc = get(account_id, box_id, message_id)
    if metadata.folder(doc) is not None or retention.is_expired(doc, retention.limit(account_id)):
        return database, doc

    def settle(stored: Document) -> Document | None:
        return (
            None
            if metadata.folder(stored) is not None
            else private_fields.stamp_update(metadata.put_in_folder(stored, folders.NEW))
        )

    settled = database.update(message_id, settle)
    if settled is None or not is_message(settled, box_id):
        raise BadIdentifier(message_id)
    return database, settled


def create(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    sent: Mapping[str, Any],
    media: Part | None = None,
    actor: Actor | None = None,
) -> Document:
    """Store a new message in a box, together with its audio if there is some; its document.

    `sent` is the client's metadata. The MODb of the message's month is made when it is missing.
    Raises ValidationFailed, UnsupportedMediaType, and BadIdentifier when the box was removed meanwhile; also what
    `normalising.normalised` does.
    """
    described = metadata.from_client(account, box, sent)
    if media is not None:
        media, measured = _received(account["_id"], box["_id"], media)
        if measured is not None and metadata.length_from_client(sent) is None:
            described["length"] = measured
    doc = build(account, box, described, mailbox_store.zone(account, box), actor=actor)
    database = modbs.ensure(account["_id"], gregorian.month_of(described["timestamp"]))
    stored = database.put(doc) if media is None else _put_with_audio(database, doc, media)
    try:
        mailbox_store.get(account["_id"], box["_id"])
    except BadIdentifier:
        # Whoever removed the box may have looked for its messages just before this one came.
        database.delete(stored["_id"], stored["_rev"])
        raise
    return stored


def build(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    described: Mapping[str, Any],
    zone: ZoneInfo | None,
    *,
    message_id: str | None = None,
    actor: Actor | None = None,
) -> Document:
    """The whole document of a message in a box, but for its audio (see `with_audio_name`) and revision.

    `described` is its complete metadata, `zone` the box's (mailboxes.zone); without an id it gets a new one.
    """
    seconds = described["timestamp"]
    month = gregorian.month_of(seconds)
    identifier = message_id or new_id(month)
    doc = {
        "_id": identifier,
        "name": metadata.name(mailbox_store.number(box), seconds, zone),
        "description": DESCRIPTION,
        "source_type": "voicemail",
        "source_id": box["_id"],
        "media_source": "recording",
        "streamable": True,
        "utc_seconds": seconds,
        "metadata": {**metadata.add_addresses(account, described), "media_id": identifier},
    }
    account_id = account["_id"]
    db_name = database_names.modb(account_id, month)
    return private_fields.stamp_new(doc, pvt_type=TYPE, account_id=account_id, db_name=db_name, actor=actor)


def with_audio_name(doc: Mapping[str, Any], name: str) -> Document:
    """A message's document that is about to get an attachment of that name: nothing in it points elsewhere."""
    own = {key: value for key, value in doc.items() if key not in ("pvt_attachments", "_attachments")}
    return {**own, "media_filename": name}


def media_type(media: Part) -> str:
    """The content type of an upload, told by its bytes where it doesn't say; ValidationFailed when it is empty."""
    if not media.length:
        raise ValidationFailed.field("file", "required", NO_FILE)
    found = content_types.recognise(media.content_type, media.filename, media.file)
    if found is None:
        raise UnsupportedMediaType(data={"message": f"unsupported media type {media.content_type}"})
    return found


def replace_audio(
    account_id: str,
    box_id: str,
    message_id: str,
    media: Part,
    *,
    length: int | None = None,
    actor: Actor | None = None,
    guard: Guard | None = None,
) -> Document:
    """Put an upload in place of whatever audio a message had, in one write; its document.

    The message's `length` (milliseconds) stays unless given, or measured where audio is normalised (then one that
    a client gave before there was any audio still stays). Of several uploads at once the last one stays.
    Raises BadIdentifier, ValidationFailed, UnsupportedMediaType, Refused, Conflict after many lost races;
    also what `normalising.normalised` does.
    """
    media, measured = _received(account_id, box_id, media)
    for _ in range(_ATTEMPTS):
        database, doc = get(account_id, box_id, message_id)
        if guard is not None:
            guard(doc)
        refuse_expired(database, doc)
        own = length if length is not None or _has_given_length(doc) else measured
        if own is not None:
            doc = {**doc, "metadata": {**metadata.of(doc), "length": own}}
        media.file.seek(0)
        try:
            return _put_with_audio(database, private_fields.stamp_update(doc, actor=actor), media)
        except Conflict:
            continue
    raise Conflict()


def refuse_expired(database: Database, doc: Document) -> None:
    """Refused when a message is past its retention; its stored folder becomes ``deleted`` then, as Kazoo has it."""
    name = database_names.split(database.name)
    if name is None or not retention.is_expired(doc, retention.limit(name.account_id)):
        return
    if metadata.folder(doc) != folders.DELETED:
        database.update(
            doc["_id"], lambda stored: private_fields.stamp_update(metadata.put_in_folder(stored, folders.DELETED))
        )
    raise Refused(retention.REASON, doc["_id"], retention.MESSAGE)


def _received(account_id: str, box_id: str, media: Part) -> tuple[Part, int | None]:
    """An upload as it is to be stored, and its length in milliseconds where it was measured."""
    media = replace(media, content_type=media_type(media))
    if not transcoding.is_wanted(account_id):
        return media, None
    return transcoding.normalised(media, mailbox_store.get(account_id, box_id))


def _has_given_length(doc: Mapping[str, Any]) -> bool:
    """Whether a message tells the length of audio that is still to come."""
    return metadata.of(doc).get("length") not in (None, metadata.NO_LENGTH) and not recording.has_audio(doc)


def _put_with_audio(database: Database, doc: Document, media: Part) -> Document:
    name = content_types.attachment_name(media.filename, media.content_type)
    return database.put_with_attachment(
        with_audio_name(doc, name), name, media.content_type, media.file, media.length
    )
