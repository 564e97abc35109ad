"""The rows of message listings: month after month, without gaps and repetitions.

They come from views of MODbs. Rows of messages in the format of Kazoo 3.x, and of messages whose age is within the
range though their listed time is not, are merged into them.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, NamedTuple

from couch.client import couch
from couch.database import Database, Row
from couch.errors import MissingDatabase
from couch.requests import VersionedRows
from crossbar.pages import InvalidStartKey, TimeRange
from storage import database_names, gregorian, modbs
from storage.view_names import View
from voicemail.legacy import listing as legacy_listing
from voicemail.legacy.listing import Span
from voicemail.messages import misdated
from voicemail.messages.misdated import MisdatedMessage

_CHUNK = 500
# More than a retention's five months at once would mostly bring rows that no page shows.
_MONTHS_AT_ONCE = 4
# Each mailbox costs a request at least, and the account's rows are read 500 at a time.
_MAX_MERGED = 50
_LAST_ID = "\ufff0"
_NO_ROWS = VersionedRows([], "")


class Start(NamedTuple):
    """The row that a page starts with."""

    month: str
    key: list[Any]
    doc_id: str


@dataclass(frozen=True)
class RowQuery:
    """What to list, over which time, from which row on, in which order."""

    account_id: str
    box: Mapping[str, Any] | None
    """The document of a mailbox; None for all mailboxes of the account."""
    view: View
    """Keyed ``[box id, time]`` with a mailbox, else ``[time, box id]``; the time is ``metadata.timestamp``."""
    includes: Callable[[MisdatedMessage], bool]
    """Whether the view has a misdated message."""
    has_legacy: bool
    """Whether messages in the format of 3.x are listed."""
    time: TimeRange
    size: int | None
    """How many rows a page takes; None for all."""
    descending: bool
    start: Start | None
    limit: int
    """The retention's."""

    @property
    def box_id(self) -> str | None:
        return None if self.box is None else self.box["_id"]

    def seconds(self, key: Sequence[Any]) -> int:
        """The time in a row's key."""
        return int(key[0 if self.box is None else 1])

    def key(self, box_id: object, seconds: int) -> list[Any]:
        """The key of a row."""
        return [seconds, box_id] if self.box is None else [box_id, seconds]

    def list_months(self) -> list[str]:
        """The months in the order of the listing, from the start's on."""
        months = modbs.list_months_to_read(
            self.account_id, self.time.first, self.time.last, newest_first=self.descending
        )
        if self.start is None:
            return months
        first = self.start.month
        return [month for month in months if (month <= first if self.descending else month >= first)]

    def view_options(self, month: str) -> dict[str, Any] | None:
        """The view's options for the rows of a month; None if no row of the month can be listed."""
        low, high = self.key(self.box_id, self.time.first), self.key(self.box_id, self.time.last)
        if self.box is None:
            low, high = [self.time.first], [self.time.last, {}]
        options: dict[str, Any] = {"startkey": low, "endkey": high}
        if self.descending:
            options = {"startkey": high, "endkey": low, "descending": True}
        if self.start is None or month != self.start.month:
            return options
        seconds = self.seconds(self.start.key)
        # The range moves with the clock, and a page may start at a row that was merged in from outside the range.
        if seconds < self.time.first if self.descending else seconds > self.time.last:
            return None
        if self.time.first <= seconds <= self.time.last:
            options |= {"startkey": self.start.key, "startkey_docid": self.start.doc_id}
        return options

    def is_from_start(self, month: str, row: Row) -> bool:
        """Whether a row is the one that the page starts with, or comes after it."""
        if self.start is None:
            return True
        start = legacy_listing.sort_key((self.start.month, {"key": self.start.key, "id": self.start.doc_id}))
        position = legacy_listing.sort_key((month, row))
        return position <= start if self.descending else position >= start


def parse_start(decoded: Any, box_id: str | None) -> Start:
    """The start of a page by its decoded start key; raises InvalidStartKey, also for one of another mailbox."""
    match decoded:
        case [str(month), [str(key_box_id), int(_) | float(_)] as key, str(doc_id)] if key_box_id == box_id:
            start = Start(month, key, doc_id)
        case [str(month), [int(_) | float(_), *_] as key, str(doc_id)] if box_id is None:
            start = Start(month, key, doc_id)
        case _:
            raise InvalidStartKey()
    if database_names.month_of_message(f"{start.month}-x") is None:
        raise InvalidStartKey()
    return start


def read_rows(query: RowQuery) -> Iterator[tuple[str, Row]]:
    """All rows from the start on, each with its month. Rows of misdated messages have an ``age``."""
    modb_rows = _read_modbs(query)
    if not query.has_legacy:
        return modb_rows
    legacy_rows = _read_legacy(query)
    first = next(legacy_rows, None)
    if first is None:
        return modb_rows
    return heapq.merge(modb_rows, chain([first], legacy_rows), key=legacy_listing.sort_key, reverse=query.descending)


def read_rows_of(query: RowQuery, boxes: Sequence[Mapping[str, Any]], by_mailbox: View) -> Iterator[tuple[str, Row]]:
    """The rows of some mailboxes (their documents) in the order of the account's, for which the query is.

    `by_mailbox` is the view with the keys of one mailbox. Each mailbox is read for itself, since an account may have
    many more messages than they have. For very many mailboxes, the account's rows are read.
    """
    if len(boxes) > _MAX_MERGED:
        box_ids = {box["_id"] for box in boxes}
        return ((month, row) for month, row in read_rows(query) if str(row["key"][1]) in box_ids)
    rows = [_read_rows_of_box(query, box, by_mailbox) for box in boxes]
    return heapq.merge(*rows, key=legacy_listing.sort_key, reverse=query.descending)


def _read_rows_of_box(query: RowQuery, box: Mapping[str, Any], by_mailbox: View) -> Iterator[tuple[str, Row]]:
    """The rows of a mailbox, with keys of the account's and from its start on."""
    start = query.start
    if start is not None:
        # At the time of the start, any message of this mailbox may come before or after it.
        start = Start(start.month, [box["_id"], start.key[0]], _LAST_ID if query.descending else "")
    for month, row in read_rows(replace(query, box=box, view=by_mailbox, start=start)):
        account_row = {**row, "key": row["key"][::-1]}
        if query.is_from_start(month, account_row):
            yield month, account_row


def _read_legacy(query: RowQuery) -> Iterator[tuple[str, Row]]:
    """The rows of messages in the format of 3.x, from the start on.

    Most are older than any retention, which nothing has enforced on them yet: unless a client says where its range
    starts, all are listed.
    """
    first, last = gregorian.FIRST if query.time.is_open else query.time.first, query.time.last
    if query.start is not None:
        seconds = query.seconds(query.start.key)
        first, last = (first, min(last, seconds)) if query.descending else (max(first, seconds), last)
    if first > last:  # CouchDB would reject the range
        return
    span = Span(first, last, query.descending)
    if query.box is None:
        rows = legacy_listing.list_account(query.account_id, span)
    else:
        rows = iter(legacy_listing.list_box(query.account_id, query.box, span))
    for month, row in rows:
        if query.is_from_start(month, row):
            yield month, row


def _read_modbs(query: RowQuery) -> Iterator[tuple[str, Row]]:
    """The rows of MODbs.

    Most pages are full with their first month, which is read alone. If one isn't, or if all rows are listed, several
    months are read at a time.
    """
    months = iter(query.list_months())
    at_once, count = (_MONTHS_AT_ONCE if query.size is None else 1), 0
    while batch := list(islice(months, at_once)):
        chunk = _chunk_size(query.size, count)
        for month, (modb, first_rows) in zip(batch, _read_first_rows(query, batch, chunk), strict=True):
            for row in _read_month(query, month, modb, first_rows, chunk):
                count += 1
                yield month, row
        at_once = _MONTHS_AT_ONCE


def _read_first_rows(
    query: RowQuery, months: Sequence[str], chunk: int
) -> list[tuple[Database | None, VersionedRows]]:
    """The MODbs of months, None where there is none, with their first rows: one more than a chunk if there are more.

    All months are requested before a response is read.
    """
    opened = modbs.find_for_reading(query.account_id, months)
    options = [query.view_options(month) for month in months]
    readable = [(modb, o) for modb, o in zip(opened, options, strict=True) if modb is not None and o is not None]
    try:
        if len(readable) == 1:
            ((modb, only_options),) = readable
            results = [modb.versioned_view(*query.view, limit=chunk + 1, **only_options)]
        else:
            results = couch().fetch_all(
                [modb.versioned_view_request(*query.view, limit=chunk + 1, **o) for modb, o in readable]
            )
    except MissingDatabase:  # one was archived meanwhile
        if len(months) == 1:
            return [(None, _NO_ROWS)]
        return [_read_first_rows(query, [month], chunk)[0] for month in months]
    rows = {modb.name: result for (modb, _), result in zip(readable, results, strict=True)}
    return [(modb, _NO_ROWS if modb is None else rows.get(modb.name, _NO_ROWS)) for modb in opened]


def _read_month(
    query: RowQuery, month: str, modb: Database | None, first: VersionedRows, chunk: int
) -> Iterator[Row]:
    """The rows of a month, of which the first ones are read."""
    if modb is None:
        return iter(())
    rows = _read_following(query, month, modb, first.rows, chunk)
    messages = misdated.read(modb, query.limit, first.update_seq or None)
    return _merge_misdated(query, month, rows, messages) if messages else rows


def _read_following(query: RowQuery, month: str, modb: Database, rows: list[Row], chunk: int) -> Iterator[Row]:
    """The rows that are read, and the rows after them in larger chunks."""
    yield from rows[:chunk]
    options = query.view_options(month) or {}
    while len(rows) > chunk:
        options |= {"startkey": rows[chunk]["key"], "startkey_docid": rows[chunk]["id"]}
        chunk = _CHUNK
        try:
            rows = modb.view(*query.view, limit=chunk + 1, **options)
        except MissingDatabase:  # archived meanwhile
            return
        yield from rows[:chunk]


def _merge_misdated(query: RowQuery, month: str, rows: Iterator[Row], messages: misdated.Messages) -> Iterator[Row]:
    """The rows with the ages of misdated messages, and with the current messages that the range leaves out."""

    def sort_key(row: Row) -> Any:
        return legacy_listing.sort_key((month, row))

    aged_rows = ({**row, "age": messages[row["id"]].age} if row["id"] in messages else row for row in rows)
    added_rows = [_misdated_row(query, message) for message in messages.values() if _is_left_out(query, message)]
    added_rows = [row for row in added_rows if query.is_from_start(month, row)]
    added_rows.sort(key=sort_key, reverse=query.descending)
    return heapq.merge(aged_rows, added_rows, key=sort_key, reverse=query.descending)


def _is_left_out(query: RowQuery, message: MisdatedMessage) -> bool:
    """Whether a misdated message is current but outside the range, which starts at the retention's limit."""
    time = query.time
    if not time.is_open or not time.first <= message.age <= time.last:
        return False
    is_in_range = time.first <= message.listed_time <= time.last
    return not is_in_range and query.box_id in (None, message.box_id) and query.includes(message)


def _misdated_row(query: RowQuery, message: MisdatedMessage) -> Row:
    key = query.key(message.box_id, message.listed_time)
    return {"id": message.message_id, "key": key, "value": message.summary, "age": message.age}


def _chunk_size(size: int | None, count: int) -> int:
    """How many rows to request after `count` rows: those that the page still takes, and one more.

    Many, if filters rejected so many rows that the size of the page says nothing.
    """
    missing = _CHUNK if size is None else size + 1 - count
    return min(missing, _CHUNK) if missing > 0 else _CHUNK
