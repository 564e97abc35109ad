"""How many messages each box has in each folder, within the retention: numbers that CouchDB has already added up.

They come from the reduce of ``_design/mailbox_message_counts``, key ``[box id, folder, age]``, so a count
costs what the number of boxes and folders costs, however many messages there are. Months that lie wholly
within the retention take one grouped query each; in the month that the limit cuts, each folder that has
anything is counted from the limit on. Months are asked side by side, and only those that exist.
"""

from collections.abc import Iterable

from accounts import gregorian, modbs
from accounts.couch import Database, Row, in_parallel
from voicemail import retention

DESIGN = "mailbox_message_counts"
VIEW = "by_box_folder"
_RANGES_PER_REQUEST = 500

Counts = dict[str, dict[str, int]]


def folders(account_id: str, box_ids: Iterable[str], *, now: int | None = None) -> Counts:
    """Each box's number of messages by folder, ``{box id: {folder: count}}``; folders without any are left out."""
    wanted = frozenset(box_ids)
    totals: Counts = {box_id: {} for box_id in wanted}
    if not wanted:
        return totals
    moment = gregorian.now() if now is None else now
    limit = retention.limit(account_id, moment)

    def count(month: tuple[str, Database]) -> Counts:
        return _month_counts(month[1], wanted, None if gregorian.month_bounds(month[0])[0] >= limit else limit)

    for counted in in_parallel(count, modbs.existing(account_id, limit, moment)):
        for box_id, found in counted.items():
            for folder, number in found.items():
                totals[box_id][folder] = totals[box_id].get(folder, 0) + number
    return totals


def _month_counts(modb: Database, box_ids: frozenset[str], limit: int | None) -> Counts:
    """One month's counts of some boxes, of messages not older than the limit, if there is one."""
    counts: Counts = {}
    for row in _grouped(modb, box_ids):
        box_id, folder = row["key"]
        if isinstance(box_id, str) and isinstance(folder, str) and box_id in box_ids:
            counts.setdefault(box_id, {})[folder] = row["value"]
    return counts if limit is None else _since(modb, counts, limit)


def _grouped(modb: Database, box_ids: frozenset[str]) -> list[Row]:
    """The whole month's counts by box and folder; of one box alone, only that box's rows."""
    if len(box_ids) > 1:
        return modb.view(DESIGN, VIEW, group_level=2)
    (box_id,) = box_ids
    return modb.view(DESIGN, VIEW, group_level=2, startkey=[box_id], endkey=[box_id, {}])


def _since(modb: Database, counts: Counts, limit: int) -> Counts:
    """The same counts less the messages past the limit. Those of unknown age sort before any number: they stay."""
    pairs = [(box_id, folder) for box_id, found in counts.items() for folder in found]
    # What is past the limit lies between the least number and the limit; `true` sorts just below all numbers.
    ranges = [{"startkey": [*pair, True], "endkey": [*pair, limit], "inclusive_end": False} for pair in pairs]
    for start in range(0, len(pairs), _RANGES_PER_REQUEST):
        some = slice(start, start + _RANGES_PER_REQUEST)
        for (box_id, folder), rows in zip(pairs[some], modb.queries(DESIGN, VIEW, ranges[some]), strict=True):
            counts[box_id][folder] -= rows[0]["value"] if rows else 0
    return {box_id: {folder: n for folder, n in found.items() if n > 0} for box_id, found in counts.items()}
