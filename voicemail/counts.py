"""How many messages each box has in each folder, within the retention: numbers that CouchDB has already added up.

They come from the reduce of ``_design/mailbox_message_counts``, key ``[box id, folder, age]``, so a count
costs what the number of boxes and folders costs, however many messages there are. Months that lie wholly
within the retention take one grouped query each; in the month that the limit cuts, each folder that has
anything is counted from the limit on. Months are asked side by side, and only those that exist.
"""

from collections.abc import Collection, Iterable, Sequence

from accounts import gregorian, modbs
from accounts.couch import Database, Row, in_parallel
from voicemail import retention

DESIGN = "mailbox_message_counts"
VIEW = "by_box_folder"
# Few enough that several requests share the work of a long listing.
_RANGES_PER_REQUEST = 40

Counts = dict[str, dict[str, int]]
Pair = tuple[str, str]
"""A box's id and a folder."""


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
    months = modbs.existing(account_id, limit, moment)
    counted = in_parallel(lambda month: _whole(month[1], wanted, only), months)
    for (month, modb), whole in zip(months, counted, strict=True):
        is_cut = gregorian.month_bounds(month)[0] < limit
        for (box_id, folder), number in (_since(modb, whole, limit) if is_cut else whole).items():
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


def _whole(modb: Database, box_ids: frozenset[str], only: Collection[str] | None) -> dict[Pair, int]:
    """One month's counts of some boxes, however old its messages are."""
    counts: dict[Pair, int] = {}
    for row in _grouped(modb, box_ids):
        box_id, folder = row["key"]
        if not isinstance(box_id, str) or not isinstance(folder, str):
            continue
        if box_id in box_ids and (only is None or folder in only):
            counts[box_id, folder] = row["value"]
    return counts


def _grouped(modb: Database, box_ids: frozenset[str]) -> list[Row]:
    """The whole month's counts by box and folder; of one box alone, only that box's rows."""
    if len(box_ids) > 1:
        return modb.view(DESIGN, VIEW, group_level=2)
    (box_id,) = box_ids
    return modb.view(DESIGN, VIEW, group_level=2, startkey=[box_id], endkey=[box_id, {}])


def _since(modb: Database, whole: dict[Pair, int], limit: int) -> dict[Pair, int]:
    """The same counts less the messages past the limit. Those of unknown age sort before any number: they stay."""

    def past(pairs: Sequence[Pair]) -> list[int]:
        # What is past the limit lies between the least number and the limit; `true` sorts just below all numbers.
        ranges = [{"startkey": [*pair, True], "endkey": [*pair, limit], "inclusive_end": False} for pair in pairs]
        return [rows[0]["value"] if rows else 0 for rows in modb.queries(DESIGN, VIEW, ranges)]

    pairs = list(whole)
    chunks = [pairs[start : start + _RANGES_PER_REQUEST] for start in range(0, len(pairs), _RANGES_PER_REQUEST)]
    counted = [number for chunk in in_parallel(past, chunks) for number in chunk]
    left = {pair: whole[pair] - number for pair, number in zip(pairs, counted, strict=True)}
    return {pair: number for pair, number in left.items() if number > 0}
