"""The array ``messages`` of a mailbox of Kazoo 3.x, its entries told apart from the dirt among them.

Real arrays hold entries without ``media_id``, times that are absent, null, text or the word "undefined", numbers
as text, unknown folders, and marks of earlier attempts to migrate them.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from couch.client import Document
from storage import database_names, gregorian
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import metadata, retention

MESSAGES = "messages"
ERROR = "migration_error"
TRIES = "migration_tries"
UNDEFINED = "undefined"
_TEXTS = ("from", "to", "caller_id_number", "caller_id_name", "call_id")
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._~+@:=-]+", re.ASCII)
_LONGEST_ID = 100
# What every reader of JSON takes for an integer.
_LARGEST = 2**53 - 1


@dataclass(frozen=True)
class Entry:
    """One member of a box's array."""

    box_id: str
    raw: Any
    """The member as it is stored."""
    media_id: str | None
    """The id of its media document; None when it names none, and so can't become a message."""
    described: Document
    """Its metadata, but for the time: what is missing or no such thing has its default."""
    timestamp: int | None
    """When it says it was left, in Gregorian seconds."""


def of(box: Mapping[str, Any]) -> list[Entry]:
    """The entries of a box's array, in its order; none when the box has no such array."""
    found = box.get(MESSAGES)
    return [parse(box, raw) for raw in found] if isinstance(found, list) else []


def parse(box: Mapping[str, Any], raw: Any) -> Entry:
    """A member of a box's array, whatever it is; of the box ``_id`` and ``mailbox`` are looked at."""
    fields = raw if isinstance(raw, dict) else {}
    return Entry(box["_id"], raw, _text(fields.get("media_id")), _described(box, fields), time_of(fields))


def time_of(fields: Mapping[str, Any]) -> int | None:
    """When an entry says that it was left, in Gregorian seconds; None when it doesn't say."""
    return plausible(fields.get("timestamp"))


def plausible(value: object) -> int | None:
    """A stored time in Gregorian seconds; None for what is no time that a voicemail can have been left at."""
    seconds = retention.as_number(value)
    return seconds if seconds is not None and gregorian.UNIX_OFFSET <= seconds <= gregorian.LAST else None


def when(entry: Entry, media: Mapping[str, Any] | None, box_created: object, now: int) -> int:
    """When an entry's message was left: as it says, else as its media document or its box does, else now."""
    for seconds in (told(entry, media), plausible(box_created)):
        if seconds is not None:
            return seconds
    return now


def told(entry: Entry, media: Mapping[str, Any] | None) -> int | None:
    """The time that an entry says, else its media document; these don't change. None when neither says one."""
    known = media or {}
    found = map(plausible, (entry.timestamp, known.get("pvt_modified"), known.get("pvt_created")))
    return next((seconds for seconds in found if seconds is not None), None)


def created(box: Mapping[str, Any]) -> object:
    """The time that a box's entries have when nothing else tells one."""
    return box.get("pvt_created") or box.get("pvt_modified")


def message_id(month: str, media_id: str) -> str:
    """The id of the message of a month ``YYYYMM`` that a media id becomes: always the same one.

    What isn't hexadecimal keeps its text, as far as ids in URLs go; texts that differ stay different.
    """
    if database_names.is_account_id(media_id):
        return f"{month}-{media_id}"
    safe = _NOT_IN_AN_ID.sub("_", media_id)[:_LONGEST_ID]
    return f"{month}-{safe}" if safe == media_id else f"{month}-{safe}-{_digest(media_id)[:8]}"


def other_message_id(month: str, media_id: str, box_id: str) -> str:
    """The id for when another box's message of that month has the same media, and so the first id."""
    return f"{month}-{_digest(media_id, box_id)}"


def _digest(*texts: str) -> str:
    return hashlib.md5("\n".join(texts).encode(errors="replace"), usedforsecurity=False).hexdigest()


def _described(box: Mapping[str, Any], fields: Mapping[str, Any]) -> Document:
    given = {name: text for name in _TEXTS if (text := _text(fields.get(name))) is not None}
    folder = fields.get("folder")
    length = retention.as_number(fields.get("length"))
    described = {
        "caller_id_number": metadata.ANONYMOUS,
        "caller_id_name": metadata.ANONYMOUS,
        "to": mailbox_store.number(box),
        # A call that nobody knows any more; the same id whenever this is done again.
        "call_id": _digest("call", str(fields.get("media_id"))),
        **given,
        "folder": folder if folder in metadata.FOLDERS else metadata.NEW,
        "length": length if length is not None and 0 <= length <= _LARGEST else 1,
    }
    described.setdefault("from", described["caller_id_number"])
    return described


def _text(value: object) -> str | None:
    """A text, or a number as one; None for what says nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if value == int(value) else str(value)
    return value if isinstance(value, str) and value and value != UNDEFINED else None
