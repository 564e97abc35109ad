"""Lists of messages, of a mailbox or of a whole account: the newest first, in pages, across months.

A page ends only before a row that it would show as well, or after as many rows as its reader allows (`max_rows`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from couch.database import Row
from crossbar.filters import Filter
from crossbar.pages import Page, PageRequest, TimeRange, encode_start_key
from storage import view_names
from storage.view_names import View
from voicemail.messages import retention
from voicemail.messages.folders import show_folder
from voicemail.messages.listing_rows import RowQuery, parse_start, read_rows, read_rows_of
from voicemail.messages.misdated import MisdatedMessage


@dataclass(frozen=True)
class Source:
    """What is listed: two views, keyed ``[box id, time]`` and ``[time, box id]``, and which messages they have."""

    by_mailbox: View
    by_time: View
    includes: Callable[[MisdatedMessage], bool]
    has_legacy: bool = False
    """Whether messages in the format of 3.x are listed, too."""


LIVE = Source(
    view_names.MESSAGES_BY_MAILBOX,
    view_names.MESSAGES_BY_TIME,
    lambda message: not message.is_removed,
    has_legacy=True,
)
SILENT = Source(
    view_names.SILENT_MESSAGES_BY_MAILBOX,
    view_names.SILENT_MESSAGES_BY_TIME,
    lambda message: message.is_silent and not message.is_removed,
)
"""Live messages without audio."""
REMOVED = Source(
    view_names.DELETED_MESSAGES_BY_MAILBOX,
    view_names.DELETED_MESSAGES_BY_TIME,
    lambda message: message.is_removed,
)
"""Removed messages, unless they were moved. Their summaries have the members ``removed`` (when, in Gregorian
seconds), ``removed_from`` (the folder, if it is known) and ``silent`` (whether there is no audio)."""


class Entry(NamedTuple):
    """A message in a listing: its mailbox's id, and its summary as the API shows it."""

    box_id: str
    summary: dict[str, Any]


def list_messages(
    account_id: str,
    box: Mapping[str, Any] | None,
    request: PageRequest,
    time: TimeRange,
    filters: Filter,
    folder: str | None,
    is_listed: Callable[[str], bool] = lambda box_id: True,
    *,
    boxes: Sequence[Mapping[str, Any]] | None = None,
    source: Source = LIVE,
    max_rows: int | None = None,
) -> Page[Entry]:
    """A page of the messages of a mailbox (its document), or of all messages of the account.

    The entries are those in a folder, if one is given, that pass the filters, and whose mailbox, by its id,
    `is_listed`. With `boxes`, the account's are only those of these mailboxes (their documents). A page ends after
    `max_rows` rows at the latest. Raises InvalidStartKey.
    """
    box_id = None if box is None else box["_id"]
    query = RowQuery(
        account_id=account_id,
        box=box,
        view=source.by_time if box is None else source.by_mailbox,
        includes=source.includes,
        has_legacy=source.has_legacy,
        time=time,
        size=request.size,
        descending=request.descending,
        start=None if request.start_key is None else parse_start(request.start_key, box_id),
        limit=retention.limit(account_id),
    )
    rows = read_rows(query) if boxes is None else read_rows_of(query, boxes, source.by_mailbox)
    entries: list[Entry] = []
    for number, (month, row) in enumerate(rows):
        if number == max_rows:
            return Page(entries, _start_key(month, row), is_cut=True)
        entry = _entry(query, row)
        # An odd document may name something else than a mailbox's id: then it is in no mailbox.
        if not isinstance(entry.box_id, str) or not is_listed(entry.box_id):
            continue
        if not filters.matches(entry.summary) or (folder and entry.summary["folder"] != folder):
            continue
        if request.size is not None and len(entries) == request.size:
            return Page(entries, _start_key(month, row))
        entries.append(entry)
    return Page(entries, None)


def _entry(query: RowQuery, row: Row) -> Entry:
    age = row["age"] if "age" in row else query.seconds(row["key"])
    summary = show_folder(row["value"], age, query.limit)
    media_id = summary.get("media_id")
    # An entry of 3.x has the end of the id that its message gets. Whatever else an odd document says, it is known by
    # its own id.
    if not media_id or not isinstance(media_id, str) or not row["id"].endswith(media_id):
        summary["media_id"] = row["id"]
    return Entry(query.box_id or row["key"][1], summary)


def _start_key(month: str, row: Row) -> str:
    return encode_start_key([month, row["key"], row["id"]])
