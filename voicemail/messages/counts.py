"""How many messages each box has in each folder, within the retention: numbers that CouchDB has already added up.

They come from the reduces of ``_design/mailbox_message_counts``, so a count costs what the number of boxes and
folders costs, however many messages there are. Months that lie wholly within the retention take one query each of
``by_box_folder``, key ``[box id, folder, age]``. In the month that the limit cuts, what is past it is taken off
again: of few boxes, each folder's by a query of its own; of many, whole days from ``by_day``, key ``[day, box id,
folder]``, and the hours of the day that the limit cuts from ``by_age``, key ``[age, box id, folder]``. Months are
asked side by side; one without a database has no messages.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import partial
from threading import Lock

from cachetools import TTLCache

from couch.client import Database, Row
from couch.errors import MissingDatabase
from couch.parallel import in_parallel
from storage import gregorian, modbs
from voicemail.messages import retention

DESIGN = "mailbox_message_counts"
VIEW, BY_DAY, BY_AGE = "by_box_folder", "by_day", "by_age"
_DAY = 86_400
# Up to so many boxes, a query for each of their folders is less than all that was left on some days.
_FEW_BOXES = 4

Pair = tuple[str, str]
"""A box's id and a folder."""
Counts = dict[str, dict[str, int]]
Numbers = dict[Pair, int]

# What was left on whole days past the limit, by MODb, day and the month's counts. Such messages take no change but
# removal, and that shows in the month's counts; unless others took their places there, for as long as this holds.
_past: TTLCache[tuple[str, int, int], Numbers] = TTLCache(
    maxsize=50_000, ttl=60, getsizeof=lambda counts: len(counts) + 1
)
_lock = Lock()


def folders(
    account_id: str, box_ids: Iterable[str], *, only: Collection[str] | None = None, now: int | None = None
) -> Counts:
    """Each box's number of messages by folder, ``{box id: {folder: count}}``; folders without any are left out.

    `only` names the folders that matter, when not all do.
    """
    wanted = frozenset(box_ids)
    totals: Counts = {box_id: {} for box_id in wanted}
    if not wanted:
        return totals
    moment = gregorian.now() if now is None else now
    limit = retention.limit(account_id, moment)
    months = modbs.covering(account_id, limit, moment)
    asked: list[Callable[[], Numbers]] = [partial(_whole, account_id, month, wanted, only) for month in months]
    asked.append(partial(_past_of_the_day, account_id, limit, wanted))
    *counted, past = in_parallel(lambda ask: ask(), asked)
    for month, whole in zip(months, counted, strict=True):
        is_cut = gregorian.month_bounds(month)[0] < limit
        for (box_id, folder), number in (_since(account_id, whole, past, limit) if is_cut else whole).items():
            totals[box_id][folder] = totals[box_id].get(folder, 0) + number
    return totals


def by_month(account_id: str) -> list[tuple[str, dict[str, int]]]:
    """An account's number of messages by folder in each of its months, the latest first, whatever their age."""
    months = modbs.existing(account_id)
    counted = in_parallel(lambda month: month[1].view(DESIGN, VIEW, group_level=2), months)
    totals: list[tuple[str, dict[str, int]]] = []
    for (month, _), rows in zip(months, counted, strict=True):
        of_month: dict[str, int] = {}
        for row in rows:
            folder = str(row["key"][1])
            of_month[folder] = of_month.get(folder, 0) + row["value"]
        totals.append((month, of_month))
    return totals


def _whole(account_id: str, month: str, box_ids: frozenset[str], only: Collection[str] | None) -> Numbers:
    """One month's counts of some boxes, however old its messages are."""
    (modb,) = modbs.to_read(account_id, [month])
    counts: Numbers = {}
    for row in [] if modb is None else _grouped(modb, box_ids):
        box_id, folder = row["key"]
        if not isinstance(box_id, str) or not isinstance(folder, str):
            continue
        if box_id in box_ids and (only is None or folder in only):
            counts[box_id, folder] = row["value"]
    return counts


def _grouped(modb: Database, box_ids: frozenset[str]) -> list[Row]:
    """The whole month's counts by box and folder; of one box alone, only that box's rows."""
    options = {}
    if len(box_ids) == 1:
        (box_id,) = box_ids
        options = {"startkey": [box_id], "endkey": [box_id, {}]}
    with suppress(MissingDatabase):  # archived meanwhile
        return modb.view(DESIGN, VIEW, group_level=2, **options)
    return []


def _since(account_id: str, whole: Numbers, past_of_the_day: Numbers, limit: int) -> Numbers:
    """The same counts less the messages past the limit, that lies in their month."""
    modb = modbs.open_for(account_id, gregorian.month_of(limit)) if whole else None
    if modb is None:
        return whole
    if len({box_id for box_id, _ in whole}) <= _FEW_BOXES:
        past = _past_in_ranges(modb, whole, limit)
    else:
        past = _past_days(modb, whole, limit // _DAY)
        past = {pair: past.get(pair, 0) + past_of_the_day.get(pair, 0) for pair in whole}
    left = {pair: number - past.get(pair, 0) for pair, number in whole.items()}
    return {pair: number for pair, number in left.items() if number > 0}


def _past_in_ranges(modb: Database, whole: Numbers, limit: int) -> Numbers:
    """What of a month's counts is past the limit, asked for one by one. Messages of unknown age never are."""
    # They sort before any number, and `true` just below all numbers.
    ranges = [{"startkey": [*pair, True], "endkey": [*pair, limit], "inclusive_end": False} for pair in whole]
    found = modb.view_all(DESIGN, VIEW, ranges)
    return {pair: rows[0]["value"] for pair, rows in zip(whole, found, strict=True) if rows}


def _past_days(modb: Database, whole: Numbers, day: int) -> Numbers:
    """What of a month's counts was left before a day (since year 0, UTC)."""
    key = (modb.name, day, hash(frozenset(whole.items())))
    with _lock:
        known = _past.get(key)
    if known is not None:
        return known
    counts: Numbers = {}
    for row in modb.view(DESIGN, BY_DAY, group_level=3, startkey=[True], endkey=[day]):
        _, box_id, folder = row["key"]
        if isinstance(box_id, str) and isinstance(folder, str) and (box_id, folder) in whole:
            counts[box_id, folder] = counts.get((box_id, folder), 0) + row["value"]
    with _lock, suppress(ValueError):  # larger than all there is room for
        _past[key] = counts
    return counts


def _past_of_the_day(account_id: str, limit: int, box_ids: frozenset[str]) -> Numbers:
    """What was left on the limit's day before the limit; of few boxes nothing, as they are counted otherwise."""
    modb = modbs.open_for(account_id, gregorian.month_of(limit)) if len(box_ids) > _FEW_BOXES else None
    if modb is None:
        return {}
    span = {"startkey": [limit // _DAY * _DAY], "endkey": [limit], "inclusive_end": False}
    counts: Numbers = {}
    with suppress(MissingDatabase):
        for row in modb.view(DESIGN, BY_AGE, **span):
            _, box_id, folder = row["key"]
            if isinstance(box_id, str) and isinstance(folder, str):
                counts[box_id, folder] = counts.get((box_id, folder), 0) + 1
    return counts
