"""Listings of messages, of a box or of a whole account: newest first, across months without a seam.

The MODbs' views give the rows; a page takes from one month after the other until it is full. Only the entry
that follows ends a page, so that none is short while anything is left. Messages that are still in the format of
Kazoo 3.x come in their places.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, NamedTuple

from couch.client import Row, couch
from couch.errors import MissingDatabase
from crossbar import pages
from crossbar.filters import Filter
from crossbar.pages import InvalidStartKey, PageRequest, TimeRange, encode_start_key
from storage import database_names, gregorian, modbs, values, view_names
from storage.view_names import View
from voicemail.legacy import listing as legacy_listing
from voicemail.legacy.listing import Span
from voicemail.messages import retention
from voicemail.messages.folders import show_folder

_CHUNK = 500
# How many months are asked at once: more than a retention's five would mostly bring what is not shown.
_SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Source:
    """What is listed: two views, keyed ``[box id, time]`` and ``[time, box id]``."""

    by_mailbox: View
    by_time: View
    has_legacy: bool = False
    """Whether messages in the format of 3.x belong into it."""


LIVE = Source(view_names.MESSAGES_BY_MAILBOX, view_names.MESSAGES_BY_TIME, has_legacy=True)
SILENT = Source(view_names.SILENT_MESSAGES_BY_MAILBOX, view_names.SILENT_MESSAGES_BY_TIME)
"""Those without audio, the removed ones aside."""
REMOVED = Source(view_names.DELETED_MESSAGES_BY_MAILBOX, view_names.DELETED_MESSAGES_BY_TIME)
"""Removed messages, unless they were moved. Summaries also tell ``removed`` (when, in Gregorian seconds),
``removed_from`` (the folder, where that is known) and ``silent`` (whether there is no audio)."""


class Entry(NamedTuple):
    """One message in a listing: its box, and its summary as the API shows it."""

    box_id: str
    summary: dict[str, Any]


@dataclass(frozen=True)
class Page(pages.Page[Entry]):
    """Some entries, and the key under which the next page begins; None on the last one."""

    is_cut: bool = False
    """Whether it ends, full or not, because enough was read for now."""


def list_messages(
    account_id: str,
    box: Mapping[str, Any] | None,
    wanted: PageRequest,
    time: TimeRange,
    passing: Filter,
    folder: str | None,
    shows: Callable[[str], bool] = lambda box_id: True,
    *,
    source: Source = LIVE,
    most_rows: int | None = None,
) -> Page:
    """A page of the messages of a box (its document), or with none of the account's. Entries are plain: who answers
    wraps them.

    `folder` names one folder; `passing` looks at the summaries; `shows` tells of a box's id whether its messages
    belong into this listing at all. After `most_rows` messages a page ends, however few of them passed.
    Raises InvalidStartKey for one of another listing.
    """
    limit = retention.limit(account_id)
    entries: list[Entry] = []
    box_id = None if box is None else box["_id"]
    for number, (month, row) in enumerate(_rows(account_id, box, wanted, time, source)):
        if number == most_rows:
            return Page(entries, encode_start_key([month, row["key"], row["id"]]), is_cut=True)
        entry = _entry(box_id, row, limit)
        if not shows(entry.box_id):
            continue
        if not passing.matches(entry.summary) or (folder and entry.summary["folder"] != folder):
            continue
        if wanted.size is not None and len(entries) == wanted.size:
            return Page(entries, encode_start_key([month, row["key"], row["id"]]))
        entries.append(entry)
    return Page(entries, None)


def _entry(box_id: str | None, row: Row, limit: int) -> Entry:
    summary = show_folder(row["value"], values.as_integer(row["value"].get("timestamp")), limit)
    summary.setdefault("media_id", row["id"])
    return Entry(box_id if box_id is not None else row["key"][1], summary)


@dataclass(frozen=True)
class _Start:
    """Where a page begins: a row of a view of a month's MODb."""

    month: str
    key: list[Any]
    doc_id: str


@dataclass(frozen=True)
class _Reading:
    """The rows of one month that a listing may show: which view of which MODb, from where to where."""

    account_id: str
    month: str
    view: View
    options: dict[str, Any]

    def rows(self, helping: int) -> list[Row]:
        """The first rows; one more than a helping when there are more. None where there is no MODb."""
        (modb,) = modbs.find_for_reading(self.account_id, [self.month])
        try:
            return [] if modb is None else modb.view(*self.view, limit=helping + 1, **self.options)
        except MissingDatabase:  # archived meanwhile
            return []

    def rest(self, rows: list[Row], helping: int) -> Iterator[Row]:
        """A helping that was read, and whatever comes after it, in large helpings."""
        yield from rows[:helping]
        while len(rows) > helping:
            following = {"startkey": rows[helping]["key"], "startkey_docid": rows[helping]["id"]}
            helping = _CHUNK
            rows = replace(self, options={**self.options, **following}).rows(helping)
            yield from rows[:helping]


def _rows(
    account_id: str, box: Mapping[str, Any] | None, wanted: PageRequest, time: TimeRange, source: Source
) -> Iterator[tuple[str, Row]]:
    """Every row from the start key on, each with its month, month after month."""
    box_id = None if box is None else box["_id"]
    start = None if wanted.start_key is None else _start(wanted.start_key, box_id)
    of_modbs = _rows_of_modbs(account_id, box_id, wanted, time, start, source)
    if not source.has_legacy:
        return of_modbs
    of_legacy = _legacy_rows(account_id, box, wanted, time, start)
    first = next(of_legacy, None)
    if first is None:
        return of_modbs
    return heapq.merge(of_modbs, chain([first], of_legacy), key=legacy_listing.sort_key, reverse=wanted.descending)


def _legacy_rows(
    account_id: str, box: Mapping[str, Any] | None, wanted: PageRequest, time: TimeRange, start: "_Start | None"
) -> Iterator[tuple[str, Row]]:
    """The rows of messages in the format of 3.x, from the start key on.

    They are mostly older than any retention, which nothing has enforced on them yet: unless a client says where
    its time begins, all are there.
    """
    first, last = gregorian.FIRST if time.is_open else time.first, time.last
    if start is not None:
        moment = int(start.key[0 if box is None else 1])
        first, last = (first, min(last, moment)) if wanted.descending else (max(first, moment), last)
    if first > last:  # which CouchDB would refuse as a range
        return
    span = Span(first, last, wanted.descending)
    if box is None:
        found = legacy_listing.list_account(account_id, span)
    else:
        found = iter(legacy_listing.list_box(account_id, box, span))
    begin = None if start is None else legacy_listing.sort_key((start.month, {"key": start.key, "id": start.doc_id}))
    for one in found:
        here = legacy_listing.sort_key(one)
        if begin is None or (here <= begin if wanted.descending else here >= begin):
            yield one


def _rows_of_modbs(
    account_id: str,
    box_id: str | None,
    wanted: PageRequest,
    time: TimeRange,
    start: "_Start | None",
    source: Source,
) -> Iterator[tuple[str, Row]]:
    """The rows of MODbs.

    A page is mostly full with its first month, which is read alone; when it isn't, what may be missing is
    read of several months side by side. For all that there is, several are read at once from the beginning.
    """
    months = modbs.list_months_to_read(account_id, time.first, time.last, newest_first=wanted.descending)
    readings = (
        found
        for month in months
        if (found := _reading(account_id, month, box_id, wanted.descending, time, start, source))
    )
    side_by_side, read = (_SIDE_BY_SIDE if wanted.size is None else 1), 0
    while some := list(islice(readings, side_by_side)):
        helping = _helping(wanted.size, read)
        firsts = _first_rows(account_id, some, helping)
        for reading, first in zip(some, firsts, strict=True):
            for row in reading.rest(first, helping):
                read += 1
                yield reading.month, row
        side_by_side = _SIDE_BY_SIDE


def _first_rows(account_id: str, readings: list[_Reading], helping: int) -> list[list[Row]]:
    """`_Reading.rows` of each of some months, asked for together."""
    if len(readings) == 1:
        return [readings[0].rows(helping)]
    opened = modbs.find_for_reading(account_id, [reading.month for reading in readings])
    wishes = [
        modb.view_request(*reading.view, limit=helping + 1, **reading.options)
        for modb, reading in zip(opened, readings, strict=True)
        if modb is not None
    ]
    try:
        found = iter(couch().fetch_all(wishes))
    except MissingDatabase:  # one was archived meanwhile
        return [reading.rows(helping) for reading in readings]
    return [[] if modb is None else next(found) for modb in opened]


def _helping(size: int | None, read: int) -> int:
    """How many rows to ask for after some were read: what the page still takes and one more, or where filters
    turned so many away that this tells nothing, many."""
    missing = _CHUNK if size is None else size + 1 - read
    return min(missing, _CHUNK) if missing > 0 else _CHUNK


def _reading(
    account_id: str,
    month: str,
    box_id: str | None,
    descending: bool,
    time: TimeRange,
    start: _Start | None,
    source: Source,
) -> _Reading | None:
    """What of a month a page from the start on may show; None when that is nothing."""
    view = source.by_time if box_id is None else source.by_mailbox
    low, high = ([time.first], [time.last, {}]) if box_id is None else ([box_id, time.first], [box_id, time.last])
    options: dict[str, Any] = {"startkey": low, "endkey": high}
    if descending:
        options = {"startkey": high, "endkey": low, "descending": True}
    if start is None or (month < start.month if descending else month > start.month):
        return _Reading(account_id, month, view, options)
    if month != start.month:
        return None
    moment = start.key[0 if box_id is None else 1]
    # The range moves with the clock: a page that begins outside it has nothing, or all of it, before it.
    if moment < time.first if descending else moment > time.last:
        return None
    if time.first <= moment <= time.last:
        options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    return _Reading(account_id, month, view, options)


def _start(decoded: Any, box_id: str | None) -> _Start:
    """A start key of this listing; InvalidStartKey for any other, so that none leads into another box."""
    match decoded:
        case [str(month), [str(box), int(_) | float(_)] as key, str(doc_id)] if box == box_id:
            found = _Start(month, key, doc_id)
        case [str(month), [int(_) | float(_), *_] as key, str(doc_id)] if box_id is None:
            found = _Start(month, key, doc_id)
        case _:
            raise InvalidStartKey()
    if database_names.month_of_message(f"{found.month}-x") is None:
        raise InvalidStartKey()
    return found
