"""Messages of Kazoo 3.x as rows of a listing, in its order, to be merged with those of MODbs.

A row's ``id`` is the one that the message is going to have, so that a page begins at the same place before and
after the message has moved; what it shows as its id is the old one, which is good for reaching it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from couch.client import Database, Document, Row, couch
from storage import database_names, gregorian
from voicemail.legacy import entries
from voicemail.legacy.documents import AccountLibrary
from voicemail.legacy.entries import Entry

DESIGN = "vmboxes_legacy"
BY_TIMESTAMP = "by_timestamp"
_CHUNK = 500
_FIELDS = ("from", "to", "caller_id_number", "caller_id_name", "call_id", "folder", "length")


@dataclass(frozen=True)
class Span:
    """Which rows: from and to in Gregorian seconds, both included, the latest first or the earliest."""

    first: int
    last: int
    descending: bool


def of_box(account_id: str, box: Mapping[str, Any], span: Span) -> list[tuple[str, Row]]:
    """The rows of a box's array, each with its month, in the order of the box's listing: key ``[box id, time]``."""
    found = [entry for entry in entries.of(box) if entry.media_id is not None]
    timed = _timed(account_id, [(entry, entries.created(box)) for entry in found])
    rows = [_row(entry, seconds, [box["_id"], seconds]) for entry, seconds in timed if _within(span, seconds)]
    return sorted(rows, key=position, reverse=span.descending)


def of_account(account_id: str, span: Span) -> Iterator[tuple[str, Row]]:
    """The rows of all boxes of an account, in the order of the account's listing: key ``[time, box id]``."""
    database = couch().database(database_names.account_db(account_id))
    low, high = [span.first], [span.last, {}]
    options: dict[str, Any] = {"startkey": low, "endkey": high, "descending": False, "limit": _CHUNK + 1}
    if span.descending:
        options |= {"startkey": high, "endkey": low, "descending": True}
    timed, untimed = database.queries(DESIGN, BY_TIMESTAMP, [options, {"startkey": [None], "endkey": [None, {}]}])
    dated = _timed(account_id, [(_entry(row), row["value"].get("created")) for row in untimed])
    extra = [_row(entry, seconds, [seconds, entry.box_id]) for entry, seconds in dated if _within(span, seconds)]
    return _merged(_streamed(database, options, timed), extra, span)


def position(found: tuple[str, Row]) -> tuple[str, list[Any], str]:
    """What rows of a listing are sorted by: month, key, id."""
    month, row = found
    # A source_id that is no text must not break the listing of all others.
    return month, [one if isinstance(one, int | float) else str(one) for one in row["key"]], row["id"]


def _merged(rows: Iterator[tuple[str, Row]], extra: list[tuple[str, Row]], span: Span) -> Iterator[tuple[str, Row]]:
    if not extra:
        return rows
    return iter(sorted([*rows, *extra], key=position, reverse=span.descending))


def _streamed(database: Database, options: Mapping[str, Any], rows: list[Row]) -> Iterator[tuple[str, Row]]:
    """The view's rows, those that were read and whatever comes after them."""
    while True:
        for row in rows[:_CHUNK]:
            seconds = entries.plausible(row["key"][0])
            if seconds is not None:
                yield _row(_entry(row), seconds, [seconds, row["key"][1]])
        if len(rows) <= _CHUNK:
            return
        following = {"startkey": rows[_CHUNK]["key"], "startkey_docid": rows[_CHUNK]["id"]}
        rows = database.view(DESIGN, BY_TIMESTAMP, **{**options, **following})


def _entry(row: Row) -> Entry:
    return entries.parse({"_id": row["id"], "mailbox": row["value"].get("mailbox")}, row["value"].get("entry"))


def _timed(account_id: str, found: list[tuple[Entry, object]]) -> list[tuple[Entry, int]]:
    """Entries, each with when it was left; of those that don't say, the media documents are asked."""
    unsaid = [entry.media_id for entry, _ in found if entry.timestamp is None and entry.media_id]
    media: Mapping[str, Document] = AccountLibrary(account_id).fetch(unsaid) if unsaid else {}
    now = gregorian.now()
    return [(entry, entries.when(entry, media.get(entry.media_id or ""), box, now)) for entry, box in found]


def _within(span: Span, seconds: int) -> bool:
    return span.first <= seconds <= span.last


def _row(entry: Entry, seconds: int, key: list[Any]) -> tuple[str, Row]:
    month = gregorian.month_of(seconds)
    media_id = entry.media_id or ""
    said: dict[str, Any] = {name: entry.described[name] for name in _FIELDS}
    value = {"timestamp": seconds, **said, "media_id": media_id, "transcribed": False}
    return month, {"id": entries.message_id(month, media_id), "key": key, "value": value}
