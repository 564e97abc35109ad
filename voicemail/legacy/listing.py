"""List messages of Kazoo 3.x as rows in the order of a listing, to be merged with the rows of MODbs.

A row's ``id`` is the one that the message is going to have, so that a page begins at the same place before and
after the message is migrated. The id that a row shows is the old one, which clients can use as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from couch.client import couch
from couch.database import Database, Document, Row
from storage import database_names, gregorian, view_names
from voicemail.legacy import entries
from voicemail.legacy.entries import Entry
from voicemail.legacy.media import account_library

_CHUNK = 500
_SHOWN_FIELDS = ("from", "to", "caller_id_number", "caller_id_name", "call_id", "folder", "length")


@dataclass(frozen=True)
class Span:
    """A range of times in Gregorian seconds, both ends included, and the order of its rows."""

    first: int
    last: int
    descending: bool

    def contains(self, seconds: int) -> bool:
        """Whether a time lies in the range."""
        return self.first <= seconds <= self.last


def list_box(account_id: str, box: Mapping[str, Any], span: Span) -> list[tuple[str, Row]]:
    """The rows of a mailbox's array, each with its month, in the order of their key ``[box id, time]``."""
    array = [entry for entry in entries.parse_array(box) if entry.media_id is not None]
    timed = _add_times(account_id, [(entry, entries.box_time(box)) for entry in array])
    rows = [_build_row(entry, seconds, [box["_id"], seconds]) for entry, seconds in timed if span.contains(seconds)]
    return sorted(rows, key=sort_key, reverse=span.descending)


def list_account(account_id: str, span: Span) -> Iterator[tuple[str, Row]]:
    """The rows of all mailboxes of an account, each with its month, in the order of their key ``[time, box id]``."""
    database = couch().database(database_names.account_db(account_id))
    low, high = [span.first], [span.last, {}]
    options: dict[str, Any] = {"startkey": low, "endkey": high, "descending": False, "limit": _CHUNK + 1}
    if span.descending:
        options |= {"startkey": high, "endkey": low, "descending": True}
    dated, undated = database.view_all(
        *view_names.LEGACY_MESSAGES_BY_TIME, [options, {"startkey": [None], "endkey": [None, {}]}]
    )
    timed = _add_times(account_id, [(_parse_row(row), row["value"].get("created")) for row in undated])
    rows = [_build_row(entry, time, [time, entry.box_id]) for entry, time in timed if span.contains(time)]
    if not rows:
        return _read_all(database, options, dated)
    return iter(sorted([*_read_all(database, options, dated), *rows], key=sort_key, reverse=span.descending))


def sort_key(month_and_row: tuple[str, Row]) -> tuple[str, list[Any], str]:
    """The order of a listing's rows: by month, key and id."""
    month, row = month_and_row
    # A source_id that isn't text must not break the listing.
    return month, [part if isinstance(part, int | float) else str(part) for part in row["key"]], row["id"]


def _read_all(database: Database, options: Mapping[str, Any], rows: list[Row]) -> Iterator[tuple[str, Row]]:
    """The first rows of the view, which were read already, and all that follow them."""
    while True:
        for row in rows[:_CHUNK]:
            seconds = entries.parse_time(row["key"][0])
            if seconds is not None:
                yield _build_row(_parse_row(row), seconds, [seconds, row["key"][1]])
        if len(rows) <= _CHUNK:
            return
        following = {"startkey": rows[_CHUNK]["key"], "startkey_docid": rows[_CHUNK]["id"]}
        rows = database.view(*view_names.LEGACY_MESSAGES_BY_TIME, **{**options, **following})


def _parse_row(row: Row) -> Entry:
    return entries.parse_entry({"_id": row["id"], "mailbox": row["value"].get("mailbox")}, row["value"].get("entry"))


def _add_times(account_id: str, array: list[tuple[Entry, object]]) -> list[tuple[Entry, int]]:
    """Entries, each with its message's time; reads the media documents of those that state none.

    `array`: entries, each with the time of its mailbox.
    """
    undated = [entry.media_id for entry, _ in array if entry.timestamp is None and entry.media_id]
    media: Mapping[str, Document] = account_library(account_id).fetch(undated) if undated else {}
    now = gregorian.now()
    return [
        (entry, entries.message_time(entry, media.get(entry.media_id or ""), box_time, now))
        for entry, box_time in array
    ]


def _build_row(entry: Entry, seconds: int, key: list[Any]) -> tuple[str, Row]:
    month = gregorian.month_of(seconds)
    media_id = entry.media_id or ""
    fields: dict[str, Any] = {name: entry.metadata[name] for name in _SHOWN_FIELDS}
    value = {"timestamp": seconds, **fields, "media_id": media_id, "transcribed": False}
    return month, {"id": entries.message_id(month, media_id), "key": key, "value": value}
