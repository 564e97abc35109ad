"""Listings of messages, of a box or of a whole account: newest first, across months without a seam.

The MODbs' views give the rows; a page takes from one month after the other until it is full. Only what
follows decides where a page ends, so that no page is short while anything is left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from accounts import databases, modbs
from accounts.couch import Database, Row
from crossbar.errors import FaultyRequest
from crossbar.filters import Filter
from crossbar.pages import PageRequest, TimeRange, encode_start_key
from voicemail import retention

DESIGN = "mailbox_messages"
_CHUNK = 500


@dataclass(frozen=True)
class Entry:
    """One message in a listing: its box, and its summary as the API shows it."""

    box_id: str
    summary: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Some entries, and the key under which the next page begins; None on the last one."""

    entries: list[Entry]
    next_start_key: str | None


def page(
    account_id: str,
    box_id: str | None,
    wanted: PageRequest,
    time: TimeRange,
    passing: Filter,
    folder: str | None,
    shows: Callable[[str], bool] = lambda box_id: True,
) -> Page:
    """A page of a box's messages, or with no box of the account's.

    `folder` names one folder; `passing` looks at the summaries; `shows` tells of a box's id whether its messages
    belong into this listing at all. FaultyRequest for a start key of another listing.
    """
    limit = retention.limit(account_id)
    entries: list[Entry] = []
    for month, row in _rows(account_id, box_id, wanted, time):
        entry = _entry(box_id, row, limit)
        if not shows(entry.box_id):
            continue
        if not passing.matches(entry.summary) or (folder is not None and entry.summary["folder"] != folder):
            continue
        if wanted.size is not None and len(entries) == wanted.size:
            return Page(entries, encode_start_key([month, row["key"], row["id"]]))
        entries.append(entry)
    return Page(entries, None)


def _entry(box_id: str | None, row: Row, limit: int) -> Entry:
    summary = dict(row["value"])
    summary["folder"] = summary.get("folder") or "new"
    summary.setdefault("media_id", row["id"])
    summary["id"] = row["id"]
    timestamp = retention.as_number(summary.get("timestamp"))
    if timestamp is not None and timestamp < limit:
        summary = retention.enforce(summary)
    return Entry(box_id if box_id is not None else row["key"][1], summary)


@dataclass(frozen=True)
class _Start:
    """Where a page begins: a row of a view of a month's MODb."""

    month: str
    key: list[Any]
    doc_id: str


def _rows(account_id: str, box_id: str | None, wanted: PageRequest, time: TimeRange) -> Iterator[tuple[str, Row]]:
    """Every row from the start key on, each with its month, month after month."""
    start = None if wanted.start_key is None else _start(wanted.start_key, box_id)
    for month, modb in modbs.existing(account_id, time.first, time.last, newest_first=wanted.descending):
        if start is not None and _is_before(month, start.month, wanted.descending):
            continue
        from_here = start if start is not None and month == start.month else None
        for row in _month_rows(modb, box_id, wanted, time, from_here):
            yield month, row


def _is_before(month: str, start: str, descending: bool) -> bool:
    return month > start if descending else month < start


def _month_rows(
    modb: Database, box_id: str | None, wanted: PageRequest, time: TimeRange, start: _Start | None
) -> Iterator[Row]:
    view = "listing_by_timestamp" if box_id is None else "listing_by_mailbox"
    low, high = ([time.first], [time.last, {}]) if box_id is None else ([box_id, time.first], [box_id, time.last])
    options: dict[str, Any] = {"startkey": low, "endkey": high}
    if wanted.descending:
        options = {"startkey": high, "endkey": low, "descending": True}
    if start is not None:
        moment = start.key[0 if box_id is None else 1]
        # The range moves with the clock: a page that begins outside it has nothing, or all of it, before it.
        if moment < time.first if wanted.descending else moment > time.last:
            return
        if time.first <= moment <= time.last:
            options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    yield from _helpings(modb, view, options, wanted.size)


def _helpings(modb: Database, view: str, options: dict[str, Any], size: int | None) -> Iterator[Row]:
    """Rows as they are asked for: at first as many as the page takes, then, where filters want more, many."""
    helping = _CHUNK if size is None else min(size + 1, _CHUNK)
    while True:
        rows = modb.view(DESIGN, view, limit=helping + 1, **options)
        yield from rows[:helping]
        if len(rows) <= helping:
            return
        options = {**options, "startkey": rows[helping]["key"], "startkey_docid": rows[helping]["id"]}
        helping = _CHUNK


def _start(decoded: Any, box_id: str | None) -> _Start:
    """A start key of this listing; FaultyRequest for any other, so that none leads into another box."""
    match decoded:
        case [str(month), [str(box), int(_)] as key, str(doc_id)] if box == box_id:
            found = _Start(month, key, doc_id)
        case [str(month), [int(_), *_] as key, str(doc_id)] if box_id is None:
            found = _Start(month, key, doc_id)
        case _:
            raise FaultyRequest("invalid start key")
    if databases.month_of_message(f"{found.month}-x") is None:
        raise FaultyRequest("invalid start key")
    return found
