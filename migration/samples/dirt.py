"""The faults of real 3.x data, so that made-up data can have the same."""

from collections.abc import Callable
from random import Random
from typing import Any

from couch.database import Document

Entry = dict[str, Any]
Spoiler = Callable[[Entry, Document, Random], tuple[Any, Document | None]]
"""Gives an entry or its media document a fault: the member of the array, and the media document if there is one."""


def spoil_entry(entry: Entry, media: Document, random: Random) -> tuple[Any, Document | None]:
    """Give an entry a random fault: the member of the array, and its media document if there is one."""
    return random.choice(_ENTRY_SPOILERS)(entry, media, random)


def spoil_box(box: Document, random: Random) -> Document:
    """Give a mailbox a random fault."""
    return random.choice(_BOX_SPOILERS)(box)


def _remove_fields(*names: str) -> Spoiler:
    def spoil(entry: Entry, media: Document, random: Random) -> tuple[Any, Document | None]:
        return {name: value for name, value in entry.items() if name not in names}, media

    return spoil


def _set_fields(**fields: Any) -> Spoiler:
    def spoil(entry: Entry, media: Document, random: Random) -> tuple[Any, Document | None]:
        return {**entry, **fields}, media

    return spoil


def _remove_media_id(entry: Entry, media: Document, random: Random) -> tuple[Any, None]:
    return {name: value for name, value in entry.items() if name != "media_id"}, None


def _empty_entry(entry: Entry, media: Document, random: Random) -> tuple[Any, None]:
    return {}, None


def _remove_media(entry: Entry, media: Document, random: Random) -> tuple[Any, None]:
    return entry, None


def _numbers_as_text(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    return {**entry, "timestamp": str(entry["timestamp"]), "length": str(entry["length"])}, media


def _remove_all_times(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    """Neither the entry nor its media document has a time: only the mailbox has one."""
    times = ("pvt_created", "pvt_modified")
    return _remove_fields("timestamp")(entry, media, random)[0], {
        key: value for key, value in media.items() if key not in times
    }


def _delete_media(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    return entry, {**media, "pvt_deleted": True}


def _remove_audio(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    return entry, {name: value for name, value in media.items() if name != "_attachments"}


def _change_media_type(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    return entry, {**media, "pvt_type": "media"}


def _change_media_id(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    """An id as older systems made them, other than 32 hex digits."""
    media_id = random.choice(("msg-{}", "vm/{}", "..{}", "Voice Mail {}", "M\u00fcller {}")).format(
        entry["media_id"][:12]
    )
    return {**entry, "media_id": media_id}, {**media, "_id": media_id}


def _number_as_integer(box: Document) -> Document:
    return {**box, "mailbox": int(box["mailbox"])}


def _use_old_address_field(box: Document) -> Document:
    return {**box, "notify_email_address": f"box{box['mailbox']}@example.com"}


def _use_both_address_fields(box: Document) -> Document:
    first, second = (f"{prefix}{box['mailbox']}@example.com" for prefix in ("box", "office"))
    return {**box, "notify_email_address": [first], "notify_email_addresses": [second, first]}


def _delete_box(box: Document) -> Document:
    return {**box, "pvt_deleted": True}


_BOX_SPOILERS = (_number_as_integer, _use_old_address_field, _use_both_address_fields, _delete_box)
_ENTRY_SPOILERS: tuple[Spoiler, ...] = (
    _remove_media_id,
    _empty_entry,
    _set_fields(media_id=None),
    _remove_fields("timestamp"),
    _set_fields(timestamp=None),
    _set_fields(timestamp="undefined"),
    _numbers_as_text,
    _remove_all_times,
    _remove_fields("folder"),
    _set_fields(folder="inbox"),
    _remove_fields("caller_id_name", "caller_id_number", "call_id"),
    _set_fields(migration_error="no_audio", migration_tries=2),
    _remove_media,
    _delete_media,
    _remove_audio,
    _change_media_type,
    _change_media_id,
)
