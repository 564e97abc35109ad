"""What is wrong with real data of 3.x, kind by kind, so that made-up data can be wrong in the same ways."""

from collections.abc import Callable
from random import Random
from typing import Any

from couch.client import Document

Entry = dict[str, Any]


def spoil_entry(entry: Entry, media: Document, random: Random) -> tuple[Any, Document | None]:
    """One kind of dirt for an entry of a box's array: what is in the array then, and its media document if any."""
    return random.choice(_ENTRY_KINDS)(entry, media, random)


def spoil_box(box: Document, random: Random) -> Document:
    """One kind of dirt for a box."""
    return random.choice(_BOX_KINDS)(box)


def _without(*names: str) -> Callable[[Entry, Document, Random], tuple[Any, Document | None]]:
    def spoil(entry: Entry, media: Document, random: Random) -> tuple[Any, Document | None]:
        return {name: value for name, value in entry.items() if name not in names}, media

    return spoil


def _with(**fields: Any) -> Callable[[Entry, Document, Random], tuple[Any, Document | None]]:
    def spoil(entry: Entry, media: Document, random: Random) -> tuple[Any, Document | None]:
        return {**entry, **fields}, media

    return spoil


def _no_media_id(entry: Entry, media: Document, random: Random) -> tuple[Any, None]:
    return {name: value for name, value in entry.items() if name != "media_id"}, None


def _empty(entry: Entry, media: Document, random: Random) -> tuple[Any, None]:
    return {}, None


def _no_media(entry: Entry, media: Document, random: Random) -> tuple[Any, None]:
    return entry, None


def _spelled(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    """Numbers as text."""
    return {**entry, "timestamp": str(entry["timestamp"]), "length": str(entry["length"])}, media


def _untimed(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    """No time in the entry, nor in its media document: only the box has one."""
    times = ("pvt_created", "pvt_modified")
    return _without("timestamp")(entry, media, random)[0], {k: v for k, v in media.items() if k not in times}


def _deleted_media(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    return entry, {**media, "pvt_deleted": True}


def _silent_media(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    return entry, {name: value for name, value in media.items() if name != "_attachments"}


def _other_type(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    return entry, {**media, "pvt_type": "media"}


def _odd_id(entry: Entry, media: Document, random: Random) -> tuple[Any, Document]:
    """An id of an old system: no 32 hex digits."""
    odd = random.choice(("msg-{}", "vm/{}", "..{}", "Voice Mail {}", "M\u00fcller {}")).format(entry["media_id"][:12])
    return {**entry, "media_id": odd}, {**media, "_id": odd}


def _integer_number(box: Document) -> Document:
    return {**box, "mailbox": int(box["mailbox"])}


def _old_address(box: Document) -> Document:
    return {**box, "notify_email_address": f"box{box['mailbox']}@example.com"}


def _both_addresses(box: Document) -> Document:
    first, second = (f"{who}{box['mailbox']}@example.com" for who in ("box", "office"))
    return {**box, "notify_email_address": [first], "notify_email_addresses": [second, first]}


def _deleted_box(box: Document) -> Document:
    return {**box, "pvt_deleted": True}


_BOX_KINDS = (_integer_number, _old_address, _both_addresses, _deleted_box)
_ENTRY_KINDS: tuple[Callable[[Entry, Document, Random], tuple[Any, Document | None]], ...] = (
    _no_media_id,
    _empty,
    _with(media_id=None),
    _without("timestamp"),
    _with(timestamp=None),
    _with(timestamp="undefined"),
    _spelled,
    _untimed,
    _without("folder"),
    _with(folder="inbox"),
    _without("caller_id_name", "caller_id_number", "call_id"),
    _with(migration_error="no_audio", migration_tries=2),
    _no_media,
    _deleted_media,
    _silent_media,
    _other_type,
    _odd_id,
)
