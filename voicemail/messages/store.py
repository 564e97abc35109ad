"""Messages in CouchDB: fetch, create, give audio to. A message is a document of the month it was left in.

The way of a new message:

    bytes → Part            crossbar.upload parses the body of the request, which waits on disk
    Part → audio.Upload     voicemail.audio.upload checks, types and transcodes it
    Upload → one write      `create` builds the document and stores it together with its audio
"""

import uuid
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from couch.client import couch
from couch.database import Database, Document
from couch.retry import retry_on_conflict
from crossbar.errors import ApiError, BadIdentifier
from storage import database_names, document_types, gregorian, modbs, private_fields
from storage.documents import Guard
from storage.private_fields import Actor
from voicemail.audio import recording
from voicemail.audio.upload import Upload
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes import time_zone
from voicemail.messages import folder_changes, folders, metadata, quota, retention

TYPE = document_types.MESSAGE
DESCRIPTION = "voicemail message with media"
_MAX_ID_LENGTH = 200


class Refused(ApiError):
    """A message can't be changed; `reason` is the one that a bulk change would give."""

    status_code = 400

    def __init__(self, reason: str, message_id: str, explanation: str) -> None:
        super().__init__(reason, data={"message": explanation, "cause": message_id})


def new_id(month: str) -> str:
    """An id for a new message of a month ``YYYYMM``."""
    return f"{month}-{uuid.uuid4().hex}"


def modb_of(account_id: str, message_id: str) -> Database | None:
    """The MODb that a message's id names, whether it exists or not; None if it is not the id of a message."""
    month = database_names.month_of_message(message_id)
    if month is None or len(message_id) > _MAX_ID_LENGTH or not message_id.isprintable():
        return None
    return couch().database(database_names.modb(account_id, month))


def is_message(doc: Mapping[str, Any] | None, box_id: str) -> bool:
    """Whether a document is a live message of a mailbox."""
    return (
        doc is not None
        and doc.get("pvt_type") == TYPE
        and doc.get("source_id") == box_id
        and private_fields.is_live(doc)
    )


def get(account_id: str, box_id: str, message_id: str) -> tuple[Database, Document]:
    """The MODb and document of a live message of a mailbox, in one request; raises BadIdentifier."""
    modb = modb_of(account_id, message_id)
    doc = None if modb is None else modb.get(message_id)
    if modb is None or doc is None or not is_message(doc, box_id):
        raise BadIdentifier(message_id)
    return modb, doc


def read(account_id: str, box_id: str, message_id: str) -> tuple[Database, Document]:
    """As `get`, for a client that reads the message: one without a folder is put into ``new`` first."""
    modb, doc = get(account_id, box_id, message_id)
    if metadata.folder(doc) is not None or retention.is_expired(doc, retention.limit(account_id)):
        return modb, doc

    def put_into_new(stored: Document) -> Document | None:
        if metadata.folder(stored) is not None:
            return None
        return private_fields.stamp_update(metadata.put_in_folder(stored, folders.NEW))

    updated = modb.update(message_id, put_into_new)
    if updated is None or not is_message(updated, box_id):
        raise BadIdentifier(message_id)
    return modb, updated


def create(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    fields: Mapping[str, Any],
    upload: Upload | None = None,
    actor: Actor | None = None,
) -> Document:
    """Store a new message in a mailbox, in one write with its audio if it has any; its document.

    `fields` are the metadata that a client sent, as `metadata.validate` returns them. The MODb of the message's month
    is created if it is missing. Raises MailboxFull, and BadIdentifier if the mailbox was removed meanwhile.
    """
    complete = metadata.add_defaults(box, fields)
    if upload is not None and "length" not in fields:
        complete["length"] = upload.milliseconds or metadata.NO_LENGTH
    doc = build(account, box, complete, time_zone.of_box(account, box), actor=actor)
    modb = modbs.ensure_within_limit(account["_id"], gregorian.month_of(complete["timestamp"]))
    with quota.reserve_place(account["_id"], box, actor):
        stored = modb.put(doc) if upload is None else _put_with_audio(modb, doc, upload)
    try:
        mailbox_store.get(account["_id"], box["_id"])
    except BadIdentifier:
        # Whoever removed the mailbox may have looked for its messages just before this one was stored.
        modb.delete(stored["_id"], stored["_rev"])
        raise
    return stored


def build(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    fields: Mapping[str, Any],
    zone: ZoneInfo | None,
    *,
    message_id: str | None = None,
    actor: Actor | None = None,
) -> Document:
    """The document of a message in a mailbox, without audio (see `with_audio_name`) and revision.

    `fields` are its metadata with all defaults, `zone` is the mailbox's. The message gets a new id if none is given.
    """
    seconds = fields["timestamp"]
    month = gregorian.month_of(seconds)
    doc_id = message_id or new_id(month)
    doc = {
        "_id": doc_id,
        "name": metadata.name(mailbox_store.number(box), seconds, zone),
        "description": DESCRIPTION,
        "source_type": "voicemail",
        "source_id": box["_id"],
        "media_source": "recording",
        "streamable": True,
        "utc_seconds": seconds,
        "metadata": {**metadata.add_addresses(account, fields), "media_id": doc_id},
    }
    account_id = account["_id"]
    db_name = database_names.modb(account_id, month)
    new = private_fields.stamp_new(doc, pvt_type=TYPE, account_id=account_id, db_name=db_name, actor=actor)
    return folder_changes.record(new, None)


def with_audio_name(doc: Mapping[str, Any], name: str) -> Document:
    """A message's document that is to be stored with an attachment of a name, in place of its present audio."""
    return {**recording.without_audio(doc), "media_filename": name}


def replace_audio(
    account_id: str,
    box_id: str,
    message_id: str,
    upload: Upload,
    *,
    length: int | None = None,
    actor: Actor | None = None,
    guard: Guard | None = None,
) -> Document:
    """Store an upload as the audio of a message, in one write, in place of its present audio; the message's document.

    `length` in milliseconds replaces the message's. Without it, the measured length does if there is one, unless the
    message had a length before it had audio. Of concurrent uploads the last one wins. Raises BadIdentifier, Refused,
    Conflict after many lost races, and what the guard raises.
    """

    def attempt() -> Document:
        modb, doc = get(account_id, box_id, message_id)
        if guard is not None:
            guard(doc)
        refuse_expired(modb, doc)
        new_length = length if length is not None or _has_length_only(doc) else upload.milliseconds
        if new_length is not None:
            doc = {**doc, "metadata": {**metadata.of(doc), "length": new_length}}
        return _put_with_audio(modb, private_fields.stamp_update(doc, actor=actor), upload)

    return retry_on_conflict(attempt)


def refuse_expired(modb: Database, doc: Document) -> None:
    """Raise Refused if a message is past its retention, and store the folder ``deleted`` in it, as Kazoo does."""
    name = database_names.parse(modb.name)
    if name is None or not retention.is_expired(doc, retention.limit(name.account_id)):
        return
    if metadata.folder(doc) != folders.DELETED:
        modb.update(
            doc["_id"], lambda stored: private_fields.stamp_update(metadata.put_in_folder(stored, folders.DELETED))
        )
    raise Refused(retention.REASON, doc["_id"], retention.MESSAGE)


def _has_length_only(doc: Mapping[str, Any]) -> bool:
    """Whether a message has a length but no audio yet."""
    return metadata.of(doc).get("length") not in (None, metadata.NO_LENGTH) and not recording.has_audio(doc)


def _put_with_audio(modb: Database, doc: Document, upload: Upload) -> Document:
    """Store a message together with its audio. May be repeated: the file is read from its start."""
    upload.file.seek(0)
    message = with_audio_name(doc, upload.name)
    return modb.put_with_attachment(message, upload.name, upload.content_type, upload.file, upload.length)
