"""How many messages were left on each of the last days: sums that CouchDB has already made."""

from collections.abc import Iterable
from datetime import date, timedelta

from couch.parallel import in_parallel
from storage import gregorian, modbs

DESIGN, VIEW = "mailbox_message_counts", "by_day"
_SECONDS = 86_400


def of_accounts(account_ids: Iterable[str], days: int = 30, now: int | None = None) -> list[tuple[date, int]]:
    """The number of messages left in some accounts on each of the last days, UTC, the earliest first.

    Costs a request or two per account, however many messages there are. Removed messages don't count.
    """
    moment = gregorian.now() if now is None else now
    last = moment // _SECONDS
    first = last - days + 1
    months = gregorian.months(first * _SECONDS, moment, days)
    asked = [(account_id, month) for account_id in account_ids for month in months]
    totals = dict.fromkeys(range(first, last + 1), 0)
    for counted in in_parallel(lambda one: _of_month(*one, first, last), asked):
        for day, number in counted.items():
            totals[day] += number
    today = gregorian.to_datetime(moment).date()
    return [(today - timedelta(days=last - day), number) for day, number in totals.items()]


def _of_month(account_id: str, month: str, first: int, last: int) -> dict[int, int]:
    modb = modbs.open_for(account_id, month)
    rows = [] if modb is None else modb.view(DESIGN, VIEW, group_level=1, startkey=[first], endkey=[last, {}])
    return {row["key"][0]: row["value"] for row in rows}
