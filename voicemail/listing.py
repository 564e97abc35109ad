"""Listings of messages, of a box or of a whole account: newest first, across months without a seam.

The MODbs' views give the rows; a page takes from one month after the other until it is full. Only what
follows decides where a page ends, so that no page is short while anything is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts import databases, gregorian, modbs
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
    account_id: str, box_id: str | None, wanted: PageRequest, time: TimeRange, passing: Filter, folder: str | None
) -> Page:
    """A page of a box's messages, or with no box of the account's.

    `folder` names one folder; `passing` looks at the summaries. FaultyRequest for a start key of another listing.
    """
    limit = retention.limit(account_id)
    entries: list[Entry] = []
    for month, row in _rows(account_id, box_id, wanted, time):
        entry = _entry(box_id, row, limit)
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


def _rows(account_id: str, box_id: str | None, wanted: PageRequest, time: TimeRange) -> Iterator[tuple[str, Row]]:
    """Every row from the start key on, each with its month, month after month."""
    start = _start(wanted.start_key)
    for month, modb in modbs.existing(account_id, time.first, time.last, newest_first=wanted.descending):
        from_here = None
        if start is not None:
            if (month < start[0]) if not wanted.descending else (month > start[0]):
                continue
            from_here = start if month == start[0] else None
        for row in _month_rows(modb, box_id, wanted, time, from_here):
            yield month, row


def _month_rows(
    modb: Database, box_id: str | None, wanted: PageRequest, time: TimeRange, start: tuple[str, Any, str] | None
) -> Iterator[Row]:
    view = "listing_by_timestamp" if box_id is None else "listing_by_mailbox"
    low, high = ([time.first], [time.last, {}]) if box_id is None else ([box_id, time.first], [box_id, time.last])
    options: dict[str, Any] = {"startkey": low, "endkey": high}
    if wanted.descending:
        options = {"startkey": high, "endkey": low, "descending": True}
    if start is not None:
        options |= {"startkey": start[1], "startkey_docid": start[2]}
    # One row more than the page tells where the next begins; filters may need more, which come in larger helpings.
    helping = _CHUNK if wanted.size is None else min(wanted.size + 1, _CHUNK)
    while True:
        rows = modb.view(DESIGN, view, limit=helping + 1, **options)
        yield from rows[:helping]
        if len(rows) <= helping:
            return
        options |= {"startkey": rows[helping]["key"], "startkey_docid": rows[helping]["id"]}
        helping = _CHUNK


def _start(key: Any) -> tuple[str, Any, str] | None:
    if key is None:
        return None
    if not isinstance(key, list) or len(key) != 3 or not isinstance(key[1], list):
        raise FaultyRequest("invalid start key")
    month, row_key, doc_id = key
    if not isinstance(month, str) or not isinstance(doc_id, str) or databases.month_of_message(f"{month}-x") is None:
        raise FaultyRequest("invalid start key")
    return month, row_key, doc_id


def default_from(account_id: str) -> int:
    """Where a listing begins that names no time: the retention's limit."""
    return retention.limit(account_id, gregorian.now())
