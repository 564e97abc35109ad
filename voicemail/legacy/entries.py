"""Parse the array ``messages`` of a Kazoo 3.x mailbox, whatever state it is in.

Real arrays hold entries without ``media_id``, times that are missing, null, text or the word "undefined", numbers
written as text, unknown folders, and marks of earlier attempts to migrate them.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from couch.database import Document
from storage import database_names, gregorian, values
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import folders, metadata

MESSAGES = "messages"
ERROR = "migration_error"
TRIES = "migration_tries"
_UNDEFINED = "undefined"
_TEXT_FIELDS = ("from", "to", "caller_id_number", "caller_id_name", "call_id")
_NOT_ALLOWED_IN_ID = re.compile(r"[^A-Za-z0-9._~+@:=-]+", re.ASCII)
_MAX_ID_LENGTH = 100
# The largest number that every JSON parser reads as an integer.
_MAX_INTEGER = 2**53 - 1


@dataclass(frozen=True)
class Entry:
    """One member of a mailbox's array."""

    box_id: str
    raw: Any
    """The member as it is stored."""
    media_id: str | None
    """The id of its media document. Without one the entry can't become a message."""
    metadata: Document
    """Its metadata without the time; missing and invalid fields have their defaults."""
    timestamp: int | None
    """The time that the entry states, in Gregorian seconds."""


def parse_array(box: Mapping[str, Any]) -> list[Entry]:
    """The entries of a mailbox's array, in its order; none if it has no array."""
    array = box.get(MESSAGES)
    return [parse_entry(box, raw) for raw in array] if isinstance(array, list) else []


def parse_entry(box: Mapping[str, Any], raw: Any) -> Entry:
    """Parse a member of a mailbox's array, which may be anything. Reads ``_id`` and ``mailbox`` of the mailbox."""
    fields = raw if isinstance(raw, dict) else {}
    time = parse_time(fields.get("timestamp"))
    return Entry(box["_id"], raw, _parse_text(fields.get("media_id")), _parse_metadata(box, fields), time)


def parse_time(value: object) -> int | None:
    """A stored time in Gregorian seconds; None unless a voicemail can have been left then."""
    seconds = values.as_integer(value)
    return seconds if seconds is not None and gregorian.UNIX_OFFSET <= seconds <= gregorian.LAST else None


def message_time(entry: Entry, media: Mapping[str, Any] | None, box_time: object, now: int) -> int:
    """The time of an entry's message: stated by the entry or its media document, else the mailbox's, else now."""
    for seconds in (stated_time(entry, media), parse_time(box_time)):
        if seconds is not None:
            return seconds
    return now


def stated_time(entry: Entry, media: Mapping[str, Any] | None) -> int | None:
    """The time that an entry states, else its media document; neither ever changes. None if neither states one."""
    fields = media or {}
    times = map(parse_time, (entry.timestamp, fields.get("pvt_modified"), fields.get("pvt_created")))
    return next((seconds for seconds in times if seconds is not None), None)


def box_time(box: Mapping[str, Any]) -> object:
    """The time of a mailbox's entries that state none."""
    return box.get("pvt_created") or box.get("pvt_modified")


def message_id(month: str, media_id: str) -> str:
    """The id of the message that an entry with a media id becomes in a month ``YYYYMM``: always the same one.

    A media id that isn't hexadecimal keeps its text as far as ids in URLs allow; different texts stay different.
    """
    if database_names.is_account_id(media_id):
        return f"{month}-{media_id}"
    safe_id = _NOT_ALLOWED_IN_ID.sub("_", media_id)[:_MAX_ID_LENGTH]
    return f"{month}-{safe_id}" if safe_id == media_id else f"{month}-{safe_id}-{_hex_digest(media_id)[:8]}"


def alternative_message_id(month: str, media_id: str, box_id: str) -> str:
    """The id to use if a message of another mailbox has the same media document, and so has the first id."""
    return f"{month}-{_hex_digest(media_id, box_id)}"


def possible_message_ids(month: str, media_id: str, box_id: str) -> tuple[str, str]:
    """The ids that the message of an entry of a mailbox may have in a month."""
    return message_id(month, media_id), alternative_message_id(month, media_id, box_id)


def _hex_digest(*texts: str) -> str:
    return hashlib.md5("\n".join(texts).encode(errors="replace"), usedforsecurity=False).hexdigest()


def _parse_metadata(box: Mapping[str, Any], fields: Mapping[str, Any]) -> Document:
    texts = {name: text for name in _TEXT_FIELDS if (text := _parse_text(fields.get(name))) is not None}
    folder = fields.get("folder")
    length = values.as_integer(fields.get("length"))
    parsed = {
        "caller_id_number": metadata.ANONYMOUS,
        "caller_id_name": metadata.ANONYMOUS,
        "to": mailbox_store.number(box),
        # Stands for an unknown call, and must be the same in every run.
        "call_id": _hex_digest("call", str(fields.get("media_id"))),
        **texts,
        "folder": folder if folder in folders.FOLDERS else folders.NEW,
        "length": length if length is not None and 0 <= length <= _MAX_INTEGER else 1,
    }
    parsed.setdefault("from", parsed["caller_id_number"])
    return parsed


def _parse_text(value: object) -> str | None:
    """A text, or a number as text; None if it is missing or the word "undefined"."""
    text = values.as_text(value)
    return None if text == _UNDEFINED else text
