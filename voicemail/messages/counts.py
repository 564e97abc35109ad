"""How many messages there are: in each folder of mailboxes, in each month, on each day.

The counts come from the reduces of ``_design/mailbox_message_counts``, so they cost what the number of mailboxes and
folders costs, however many messages there are. Counts per folder leave out messages past their retention:

* A month that lies wholly within the retention takes one query of ``by_box_folder``, key ``[box id, folder, age]``.
* From the month in which the retention's limit lies, messages past the limit are subtracted. For few mailboxes they
  are counted by a query per folder; for many, whole days come from ``by_day``, key ``[day, box id, folder]``, and the
  limit's own day from ``by_age``, key ``[age, box id, folder]``.
* A message whose age lies outside its month has ``[folder, age]`` in place of the folder: it is counted by its age.

Months are queried in parallel. One without a database has no messages.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from threading import Lock
from typing import Any

from cachetools import TTLCache

from couch.database import Database, Row
from couch.errors import MissingDatabase
from couch.parallel import in_parallel
from storage import gregorian, modbs, view_names
from voicemail.legacy import remaining
from voicemail.messages import retention

_DAY = 86_400
# Up to so many mailboxes, a query for each folder is less work than all messages of some days.
_FEW_BOXES = 4

FolderKey = tuple[str, str]
"""A mailbox's id and a folder."""
FolderCounts = dict[FolderKey, int]

# The messages of whole days past the limit, by MODb, day and the month's counts. Such messages can only be removed,
# which changes the month's counts, unless others take their places there for as long as an entry lasts.
_past_days: TTLCache[tuple[str, int, int], FolderCounts] = TTLCache(
    maxsize=50_000, ttl=60, getsizeof=lambda counts: len(counts) + 1
)
_lock = Lock()


def per_folder(
    account_id: str, box_ids: Iterable[str], *, only: Collection[str] | None = None, now: int | None = None
) -> dict[str, dict[str, int]]:
    """The number of messages in each folder of mailboxes, ``{box id: {folder: number}}``, without empty folders.

    `only` names the folders to count, if not all.
    """
    boxes = frozenset(box_ids)
    totals: dict[str, dict[str, int]] = {box_id: {} for box_id in boxes}
    if not boxes:
        return totals
    moment = gregorian.now() if now is None else now
    limit = retention.limit(account_id, moment)
    months = modbs.list_months_to_read(account_id, limit, moment)
    queries: list[Callable[[], Any]] = [
        partial(_count_month, account_id, month, boxes, only, limit) for month in months
    ]
    queries.append(partial(_count_past_of_day, account_id, limit, boxes))
    *month_counts, past_of_day = in_parallel(lambda query: query(), queries)
    for month, (counts, misdated) in zip(months, month_counts, strict=True):
        if gregorian.month_bounds(month)[0] < limit:
            counts = _subtract_past(account_id, counts, past_of_day, limit)
        for (box_id, folder), number in [*counts.items(), *misdated.items()]:
            totals[box_id][folder] = totals[box_id].get(folder, 0) + number
    return totals


def total(
    account_id: str, box: Mapping[str, Any] | None, folder: str | None = None, now: int | None = None
) -> int | None:
    """The number of live messages within the retention: of a mailbox (its document), or of the whole account.

    Messages in 3.x's format count, too. The account's costs a request per month, however many messages there are.
    With a folder, only its messages count; None where CouchDB doesn't have their number: of an account's folder, and
    of one of a mailbox with messages in 3.x's format.
    """
    if box is not None:
        legacy_messages = box.get("messages")
        legacy_count = len(legacy_messages) if isinstance(legacy_messages, list) else 0
        folders = per_folder(account_id, [box["_id"]], now=now)[box["_id"]]
        if folder is None:
            return legacy_count + sum(folders.values())
        return None if legacy_count else folders.get(folder, 0)
    if folder is not None:
        return None
    moment = gregorian.now() if now is None else now
    limit = retention.limit(account_id, moment)
    months = modbs.list_months_to_read(account_id, limit, moment)
    numbers = in_parallel(lambda month: _count_since(account_id, month, limit), months)
    return remaining.count_entries(account_id).live + sum(numbers)


def _count_since(account_id: str, month: str, limit: int) -> int:
    """The number of messages in a month's MODb from a time on, and of those without a time."""
    (modb,) = modbs.find_for_reading(account_id, [month])
    if modb is None:
        return 0
    day = limit // _DAY
    ranges: list[dict[str, Any]] = [{"startkey": [None], "endkey": [None, {}]}, {"startkey": [day]}]
    counted = sum(row["value"] for rows in modb.view_all(*view_names.MESSAGE_COUNTS_BY_DAY, ranges) for row in rows)
    span = {"startkey": [day * _DAY], "endkey": [limit], "inclusive_end": False}
    return int(counted) - len(modb.view(*view_names.MESSAGES_BY_AGE, **span))


def per_month(account_id: str) -> list[tuple[str, dict[str, int]]]:
    """The number of messages in each folder of an account's months, the latest first, whatever their age."""
    months = modbs.list_existing(account_id)
    month_rows = in_parallel(lambda month: month[1].view(*view_names.MESSAGE_COUNTS_BY_FOLDER, group_level=2), months)
    totals: list[tuple[str, dict[str, int]]] = []
    for (month, _), rows in zip(months, month_rows, strict=True):
        counts: dict[str, int] = {}
        for row in rows:
            folder, _ = _folder_and_age(row["key"][1])
            if folder is not None:
                counts[folder] = counts.get(folder, 0) + row["value"]
        totals.append((month, counts))
    return totals


def per_day(account_ids: Iterable[str], days: int = 30, now: int | None = None) -> list[tuple[date, int]]:
    """The number of messages that accounts got on each of the last days, UTC, the earliest first.

    Costs a request or two per account, however many messages there are. Removed messages don't count.
    """
    moment = gregorian.now() if now is None else now
    last = moment // _DAY
    first = last - days + 1
    months = gregorian.list_months(first * _DAY, moment, days)
    account_months = [(account_id, month) for account_id in account_ids for month in months]
    totals = dict.fromkeys(range(first, last + 1), 0)
    for counts in in_parallel(lambda pair: _count_days(*pair, first, last), account_months):
        for day, number in counts.items():
            totals[day] += number
    today = gregorian.to_datetime(moment).date()
    return [(today - timedelta(days=last - day), number) for day, number in totals.items()]


def _count_days(account_id: str, month: str, first: int, last: int) -> dict[int, int]:
    """The number of messages of a month on each day, days since year 0."""
    modb = modbs.find(account_id, month)
    return {} if modb is None else count_days(modb, first, last)


def count_days(modb: Database, first: int, last: int) -> dict[int, int]:
    """The number of messages of a MODb on each day from one to another that has any, days since year 0, UTC."""
    rows = modb.view(*view_names.MESSAGE_COUNTS_BY_DAY, group_level=1, startkey=[first], endkey=[last, {}])
    return {row["key"][0]: row["value"] for row in rows}


def _count_month(
    account_id: str, month: str, box_ids: frozenset[str], only: Collection[str] | None, limit: int
) -> tuple[FolderCounts, FolderCounts]:
    """The counts of a MODb: of its month's messages, however old, and of other months' messages within the limit."""
    (modb,) = modbs.find_for_reading(account_id, [month])
    counts: FolderCounts = {}
    misdated: FolderCounts = {}
    for row in [] if modb is None else _group_by_folder(modb, box_ids):
        box_id, (folder, age) = row["key"][0], _folder_and_age(row["key"][1])
        if not isinstance(box_id, str) or box_id not in box_ids or folder is None:
            continue
        if only is not None and folder not in only:
            continue
        if age is None:
            counts[box_id, folder] = row["value"]
        elif not retention.is_past(age, limit):
            misdated[box_id, folder] = misdated.get((box_id, folder), 0) + row["value"]
    return counts, misdated


def _folder_and_age(key: object) -> tuple[str | None, int | None]:
    """The folder of a row, and the age that is given for a message of another month; no folder if it is not text."""
    match key:
        case str(folder):
            return folder, None
        case [str(folder), int(age)]:
            return folder, age
    return None, None


def _group_by_folder(modb: Database, box_ids: frozenset[str]) -> list[Row]:
    """The month's rows by mailbox and folder; of a single mailbox, only that mailbox's."""
    options = {}
    if len(box_ids) == 1:
        (box_id,) = box_ids
        options = {"startkey": [box_id], "endkey": [box_id, {}]}
    with suppress(MissingDatabase):  # archived meanwhile
        return modb.view(*view_names.MESSAGE_COUNTS_BY_FOLDER, group_level=2, **options)
    return []


def _subtract_past(account_id: str, counts: FolderCounts, past_of_day: FolderCounts, limit: int) -> FolderCounts:
    """The counts of the limit's month without the messages past the limit."""
    modb = modbs.find(account_id, gregorian.month_of(limit)) if counts else None
    if modb is None:
        return counts
    if len({box_id for box_id, _ in counts}) <= _FEW_BOXES:
        past = _count_past_in_folders(modb, counts, limit)
    else:
        past = _count_past_days(modb, counts, limit // _DAY)
        past = {key: past.get(key, 0) + past_of_day.get(key, 0) for key in counts}
    remaining = {key: number - past.get(key, 0) for key, number in counts.items()}
    return {key: number for key, number in remaining.items() if number > 0}


def _count_past_in_folders(modb: Database, counts: FolderCounts, limit: int) -> FolderCounts:
    """The number of messages past the limit in each folder, by a query for each. Those of unknown age never are."""
    # An unknown age is null, which sorts before any number, as `true` does.
    ranges = [{"startkey": [*key, True], "endkey": [*key, limit], "inclusive_end": False} for key in counts]
    results = modb.view_all(*view_names.MESSAGE_COUNTS_BY_FOLDER, ranges)
    return {key: rows[0]["value"] for key, rows in zip(counts, results, strict=True) if rows}


def _count_past_days(modb: Database, month_counts: FolderCounts, day: int) -> FolderCounts:
    """The number of a month's messages from before a day (since year 0, UTC) in each folder."""
    cache_key = (modb.name, day, hash(frozenset(month_counts.items())))
    with _lock:
        cached = _past_days.get(cache_key)
    if cached is not None:
        return cached
    counts: FolderCounts = {}
    for row in modb.view(*view_names.MESSAGE_COUNTS_BY_DAY, group_level=3, startkey=[True], endkey=[day]):
        _, box_id, folder = row["key"]
        if isinstance(box_id, str) and isinstance(folder, str) and (box_id, folder) in month_counts:
            counts[box_id, folder] = counts.get((box_id, folder), 0) + row["value"]
    with _lock, suppress(ValueError):  # larger than the whole cache
        _past_days[cache_key] = counts
    return counts


def _count_past_of_day(account_id: str, limit: int, box_ids: frozenset[str]) -> FolderCounts:
    """The number of messages from the limit's day that are past it. Empty for few mailboxes, which don't need it."""
    modb = modbs.find(account_id, gregorian.month_of(limit)) if len(box_ids) > _FEW_BOXES else None
    if modb is None:
        return {}
    span = {"startkey": [limit // _DAY * _DAY], "endkey": [limit], "inclusive_end": False}
    counts: FolderCounts = {}
    with suppress(MissingDatabase):
        for row in modb.view(*view_names.MESSAGES_BY_AGE, **span):
            _, box_id, folder = row["key"]
            if isinstance(box_id, str) and isinstance(folder, str):
                counts[box_id, folder] = counts.get((box_id, folder), 0) + 1
    return counts
