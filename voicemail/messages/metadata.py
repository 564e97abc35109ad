"""A message's metadata: its members, defaults and addresses, and how the API shows it.

In a message's document it is the member ``metadata``, checked against the schema ``vm_message_metadata``.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from couch.database import Document
from storage import gregorian, private_fields, schemas, values
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import folder_changes, retention
from voicemail.messages.folders import NEW, show_folder

SCHEMA = "vm_message_metadata"
ANONYMOUS = "anonymous"
NO_LENGTH = 1  # the length in milliseconds of a message for which nobody gave one
NO_REALM = "nodomain"
# Members that are stored elsewhere, or that the API adds to what it shows. Clients can't set them.
_READ_ONLY = frozenset(
    {"id", "media_id", "messages", "transcription", "transcribed", "retention", "retention_message"}
)


def of(doc: Mapping[str, Any]) -> Document:
    """A copy of the metadata in a message's document; empty where an old document has none."""
    metadata = doc.get("metadata")
    return dict(metadata) if isinstance(metadata, dict) else {}


def folder(doc: Mapping[str, Any]) -> str | None:
    """The folder that a message's document names, or None."""
    name = of(doc).get("folder")
    return name if isinstance(name, str) and name else None


def timestamp(doc: Mapping[str, Any]) -> int | None:
    """When a message was left, as listings show it, in Gregorian seconds; None if it has no time."""
    seconds = values.as_integer(of(doc).get("timestamp"))
    return retention.age(doc) if seconds is None else seconds


def put_in_folder(doc: Document, folder: str, reason: str | None = None) -> Document:
    """A message's document with the message in a folder, and with a note of that if it was in another one."""
    moved = {**doc, "metadata": {**of(doc), "folder": folder}}
    former = folder_changes.state_of(doc)
    return moved if former == folder else folder_changes.record(moved, former, reason)


def validate(data: Mapping[str, Any]) -> Document:
    """The metadata that a client sent, without empty and read-only members; raises ValidationFailed."""
    writable = {key: value for key, value in private_fields.without_private(data).items() if key not in _READ_ONLY}
    validated = schemas.validator(SCHEMA).validate(writable)
    return {key: value for key, value in validated.items() if value != ""}


def validate_length(data: Mapping[str, Any]) -> int | None:
    """The length in milliseconds that a client sent along with audio, or None; raises ValidationFailed."""
    length = {key: value for key, value in data.items() if key == "length"}
    validated: int | None = schemas.validator(SCHEMA).validate(length).get("length")
    return validated


def add_defaults(box: Mapping[str, Any], fields: Mapping[str, Any]) -> Document:
    """The metadata of a new message in a mailbox, with defaults for what is missing."""
    defaults = {
        "timestamp": gregorian.now(),
        "folder": NEW,
        "length": NO_LENGTH,
        "call_id": uuid.uuid4().hex,
        "caller_id_number": ANONYMOUS,
        "caller_id_name": ANONYMOUS,
        "to": mailbox_store.number(box),
    }
    return {**defaults, **fields}


def add_addresses(account: Mapping[str, Any], metadata: Mapping[str, Any]) -> Document:
    """The metadata with ``from`` and ``to`` as ``user@realm``, and with the two parts of each as separate members.

    An address without ``@`` gets the account's realm; one with ``@`` is kept as it is. Where ``from`` is missing, the
    number of the caller id stands in for it.
    """
    realm = account.get("realm") or NO_REALM
    complete = dict(metadata)
    complete["from"] = complete.get("from") or complete.get("caller_id_number") or ANONYMOUS
    for end in ("from", "to"):
        text = str(complete.get(end) or "")
        address = text if "@" in text else f"{text}@{realm}"
        user, _, host = address.partition("@")
        complete |= {end: address, f"{end}_user": user, f"{end}_realm": host}
    return complete


def representation(doc: Mapping[str, Any], limit: int) -> Document:
    """A message as the API shows it: its metadata, with its id and transcription.

    `limit` (Gregorian seconds) is the account's `retention.limit`.
    """
    metadata = {"folder": None, **private_fields.without_private(of(doc)), "id": doc["_id"], "media_id": doc["_id"]}
    age = retention.age(doc)
    # As in listings: old documents have numbers as text, and a message that lost its metadata still has an age.
    numbers = {"timestamp": timestamp(doc), "length": values.as_integer(metadata.get("length"))}
    metadata |= {key: number for key, number in numbers.items() if number is not None}
    if doc.get("transcription"):
        metadata["transcription"] = doc["transcription"]
    return show_folder(metadata, age, limit)


def name(number: str, seconds: int, zone: ZoneInfo | None) -> str:
    """The name of a message's document in Kazoo's form: ``mailbox 3000 message 2016-05-09 10:4:7``."""
    moment, is_local = local_time(seconds, zone)
    date, time = f"{moment:%Y-%m-%d}", f"{moment.hour}:{moment.minute}:{moment.second}"
    return f"mailbox {number} message {date} {time}{'' if is_local else ' UTC'}"


def local_time(seconds: int, zone: ZoneInfo | None) -> tuple[datetime, bool]:
    """A time in Gregorian seconds in a zone, and True; in UTC, and False, where the zone is None or can't show it."""
    moment = gregorian.to_datetime(seconds)
    if zone is not None:
        try:
            return moment.astimezone(zone), True
        except OverflowError:  # within hours of the ends of time
            pass
    return moment, False
