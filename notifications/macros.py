"""The values that templates may use, as plain dictionaries, lists, texts, numbers and times, all of bounded size."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts import accounts
from couch.database import Document
from storage import gregorian, private_fields, secret_members, values
from voicemail.audio.recording import Recording
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes import time_zone
from voicemail.messages import metadata
from voicemail.messages.transcription import transcription_text

Macros = dict[str, Any]

_TEXT_LENGTH, _ITEMS, _DEPTH = 20_000, 200, 6
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Attachment:
    """A recording as it is attached: its name, content type and bytes."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Subject:
    """What a mail is about: documents as they are stored. Without a message it is about the mailbox."""

    account: Document
    box: Document
    owner: Document | None
    message: Document | None
    recording: Recording | None
    file_name: str
    details: Mapping[str, Any]


def macros_of(subject: Subject) -> Macros:
    """Return the macros of a mail."""
    box, owner = subject.box, _public(subject.owner)
    macros: Macros = {
        "voicemail": {
            "vmbox_id": box["_id"],
            "vmbox_name": box.get("name"),
            "vmbox_number": mailbox_store.number(box),
        },
        "account": accounts.serialize(subject.account, secrets=False),
        "owner": owner,
        "user": owner,
        "system": {"hostname": socket.gethostname()},
    }
    if subject.message is not None:
        _add_message(macros, subject, subject.message)
    macros["voicemail"] |= {
        "max_messages": values.as_integer(subject.details.get("maximum")),
        "message_count": values.as_integer(subject.details.get("count")),
    }
    plain: Macros = _plain(macros, 0)
    return plain


def _add_message(macros: Macros, subject: Subject, message: Document) -> None:
    fields, recording = metadata.of(message), subject.recording
    name, number = (values.as_text(fields.get(f"caller_id_{part}")) or "" for part in ("name", "number"))
    macros["voicemail"] |= {
        "msg_id": message["_id"],
        "length": clock_time(values.as_integer(fields.get("length")) or 0),
        "transcription": _transcription(subject),
        "file_name": subject.file_name,
        "file_type": recording.safe_type if recording else "",
        "file_size": recording.length if recording else 0,
    }
    macros["caller_id"] = {"name": name, "number": number, "name_number": name_and_number(name, number)}
    for end in ("from", "to"):
        user, _, realm = str(fields.get(end) or "").partition("@")
        macros[end] = {
            "user": fields.get(f"{end}_user") or user,
            "realm": fields.get(f"{end}_realm") or realm,
        }
    seconds = metadata.timestamp(message) or gregorian.now()
    macros["date_called"] = _date(seconds, subject)


def _date(seconds: int, subject: Subject) -> Macros:
    """Return a time in the mailbox's zone and in UTC; now, if a message has an impossible one."""
    try:
        local = metadata.local_time(seconds, time_zone.of_box(subject.account, subject.box))[0]
        return {"local": local, "utc": gregorian.to_datetime(seconds)}
    except (ValueError, OverflowError):
        return _date(gregorian.now(), subject)


def _transcription(subject: Subject) -> str:
    if subject.message is None or values.is_false(subject.box.get("include_transcription_on_notify")):
        return ""
    return transcription_text(subject.message.get("transcription"))


def name_and_number(name: str, number: str) -> str:
    """Return a caller's name and number as ``Ada (1001)``, or the one that there is."""
    return f"{name} ({number})" if name and number and name != number else name or number


def clock_time(milliseconds: int) -> str:
    """Return a length as HH:MM:SS."""
    seconds = max(milliseconds, 0) // 1_000
    return f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _public(doc: Document | None) -> Document:
    return {} if doc is None else secret_members.remove(private_fields.public(doc))


def _plain(value: Any, depth: int) -> Any:
    """Return a value with nothing in it but what templates may see, and no more than they need."""
    if isinstance(value, bool | int | float | datetime):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if depth > _DEPTH:
        return ""
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _plain(item, depth + 1) for key, item in list(value.items())[:_ITEMS]}
    return [_plain(item, depth + 1) for item in value[:_ITEMS]] if isinstance(value, list) else ""


def clean_text(text: str) -> str:
    """Return a text without control characters and halves of surrogate pairs, and not too long."""
    cleaned = _CONTROL.sub("", text[:_TEXT_LENGTH].replace("\r\n", "\n"))
    return cleaned.encode(errors="replace").decode()
