"""A message's metadata: what it is made of, its defaults, its addresses, and how the API shows it.

In a message's document it is the member ``metadata``, checked against the schema ``vm_message_metadata``.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from couch.client import Document
from storage import gregorian, private_fields, schemas
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import retention

SCHEMA = "vm_message_metadata"
NEW, SAVED, DELETED = FOLDERS = ("new", "saved", "deleted")
ANONYMOUS = "anonymous"
NO_LENGTH = 1  # what a message tells whose length nobody gave
NO_REALM = "nodomain"
# What a message says of itself elsewhere, or what the API adds to what it shows: not a client's to set.
_NOT_A_CLIENTS = frozenset(
    {"id", "media_id", "messages", "transcription", "transcribed", "retention", "retention_message"}
)


def of(doc: Mapping[str, Any]) -> Document:
    """The metadata in a message's document, as a copy; empty where an old document has none."""
    found = doc.get("metadata")
    return dict(found) if isinstance(found, dict) else {}


def folder(doc: Mapping[str, Any]) -> str | None:
    """The folder that a message's document names, or None."""
    found = of(doc).get("folder")
    return found if isinstance(found, str) and found else None


def from_client(account: Mapping[str, Any], box: Mapping[str, Any], sent: Mapping[str, Any]) -> Document:
    """The metadata of a new message in a box: what a client sent of it, and the defaults for the rest.

    Raises ValidationFailed.
    """
    checked = schemas.validator(SCHEMA).validate(
        {key: value for key, value in private_fields.without_private(sent).items() if key not in _NOT_A_CLIENTS}
    )
    given = {key: value for key, value in checked.items() if value != ""}
    defaults = {
        "timestamp": gregorian.now(),
        "folder": NEW,
        "length": NO_LENGTH,
        "call_id": uuid.uuid4().hex,
        "caller_id_number": ANONYMOUS,
        "caller_id_name": ANONYMOUS,
        "to": mailbox_store.number(box),
    }
    return addressed(account, {**defaults, **given})


def sent_length(sent: Mapping[str, Any]) -> int | None:
    """The length in milliseconds that a client sent with an upload, if it did; ValidationFailed when it is none."""
    length = {key: value for key, value in sent.items() if key == "length"}
    checked: int | None = schemas.validator(SCHEMA).validate(length).get("length")
    return checked


def addressed(account: Mapping[str, Any], metadata: Mapping[str, Any]) -> Document:
    """The metadata with ``from`` and ``to`` as ``user@realm``, and both halves of each in members of their own.

    One without an ``@`` gets the account's realm; one that has an ``@`` is kept as it is. Who left a message that
    doesn't say ``from`` whom it is, is its caller id number.
    """
    realm = account.get("realm") or NO_REALM
    whole = dict(metadata)
    whole["from"] = whole.get("from") or whole.get("caller_id_number") or ANONYMOUS
    for end in ("from", "to"):
        said = str(whole.get(end) or "")
        address = said if "@" in said else f"{said}@{realm}"
        user, _, host = address.partition("@")
        whole |= {end: address, f"{end}_user": user, f"{end}_realm": host}
    return whole


def shown(doc: Mapping[str, Any], limit: int) -> Document:
    """A message as the API answers it: its metadata, with its id and transcription.

    A message before `limit` (Gregorian seconds) is past its retention and shown so.
    """
    metadata = {"folder": NEW, **private_fields.without_private(of(doc)), "id": doc["_id"], "media_id": doc["_id"]}
    metadata["folder"] = metadata["folder"] or NEW
    # As in listings: old documents spell numbers as text, and what lost its metadata still knows its age.
    timestamp = retention.as_number(metadata.get("timestamp"))
    numbers = {
        "timestamp": retention.age(doc) if timestamp is None else timestamp,
        "length": retention.as_number(metadata.get("length")),
    }
    metadata |= {key: number for key, number in numbers.items() if number is not None}
    if doc.get("transcription"):
        metadata["transcription"] = doc["transcription"]
    return retention.enforce(metadata) if retention.is_expired(doc, limit) else metadata


def name(number: str, seconds: int, zone: ZoneInfo | None) -> str:
    """The name of a message's document, as Kazoo makes it: ``mailbox 3000 message 2016-05-09 10:4:7``."""
    moment, known = local_time(seconds, zone)
    date, time = f"{moment:%Y-%m-%d}", f"{moment.hour}:{moment.minute}:{moment.second}"
    return f"mailbox {number} message {date} {time}{'' if known else ' UTC'}"


def local_time(seconds: int, zone: ZoneInfo | None) -> tuple[datetime, bool]:
    """A time in Gregorian seconds as a clock in a zone shows it, and whether it is that zone's and not UTC's."""
    moment = gregorian.to_datetime(seconds)
    if zone is not None:
        try:
            return moment.astimezone(zone), True
        except OverflowError:  # within hours of the ends of time
            pass
    return moment, False
