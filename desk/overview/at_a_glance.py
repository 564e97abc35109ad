"""What the desk's first page shows of all accounts, or of those that an operator may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from couch.errors import CouchError
from desk.kit.charts import bar_chart
from desk.overview import cards
from desk.overview.cards import Card
from desk.scope import scope_of
from events import jobs
from overview import collecting, figures
from overview.figures import Totals
from overview.models import AccountFigures, Collection

_LARGEST = 5
_TREND_DAYS = 30
_NEW = timedelta(minutes=1)
Chart = dict[str, Any]


@dataclass(frozen=True)
class Storage:
    """How much is stored, and how that changes."""

    chart: Chart
    trend: str
    has_trend: bool
    """Whether there are two days to compare."""
    largest: Sequence[AccountFigures]


@dataclass(frozen=True)
class AtAGlance:
    """What ``desk/overview/at_a_glance.html`` shows."""

    cards: Sequence[Card]
    collection: Collection | None
    """None before the first collection has begun."""
    workers: int
    is_new: bool = False
    """Whether the figures are of the last minute."""
    is_old: bool = False
    """Whether the figures should have been collected again by now."""
    totals: Totals | None = None
    messages: Chart | None = None
    storage: Storage | None = None
    has_accounts_away: bool = False
    """Whether the operator's accounts can't be looked up, since CouchDB doesn't answer."""
    is_limited: bool = False


def at_a_glance(request: HttpRequest) -> AtAGlance | None:
    """What the first page shows an operator; None for one who may see neither accounts nor the system's health.

    Costs CouchDB a request: whether it is up. An operator with a limit may cost those that find out whose accounts
    are below it.
    """

    def may(permission: str) -> bool:
        return bool(request.user.has_perm(f"desk.{permission}"))

    if not (may("view_account") or may("view_health")):
        return None
    scope, collection, workers = scope_of(request.user), collecting.current(), jobs.count_workers()
    collected_at = collection.collected_at if collection else None
    shown: list[Card] = []
    if scope.is_everything and may("view_health"):
        shown += cards.system_cards(collection.system if collection else {}, may)
    if not may("view_account"):
        return AtAGlance(_sorted(shown), collection, workers)
    try:
        account_ids = scope.account_ids()
    except CouchError:
        return AtAGlance(shown, collection, workers, has_accounts_away=True, is_limited=True)
    shown.append(cards.migrations_card(account_ids))
    if collection is None or collected_at is None:
        return AtAGlance(_sorted(shown), collection, workers, is_limited=not scope.is_everything)
    shown += cards.collected_cards(account_ids, may)
    interval = timedelta(seconds=settings.OVERVIEW_SECONDS)
    return AtAGlance(
        _sorted(shown),
        collection,
        workers,
        is_new=timezone.now() - collected_at < _NEW,
        is_old=bool(interval) and timezone.now() - collected_at > 3 * interval,
        totals=figures.totals(account_ids),
        messages=_messages_chart(figures.messages_per_day(account_ids)),
        storage=_storage(account_ids) if may("view_health") else None,
        is_limited=not scope.is_everything,
    )


def _sorted(shown: Sequence[Card]) -> list[Card]:
    return sorted(shown, key=lambda card: card.level)


def _messages_chart(days: Sequence[tuple[date, int]]) -> Chart:
    values = [(f"{day:%Y-%m-%d}", number) for day, number in days]
    total = sum(number for _day, number in values)
    return {
        "svg": bar_chart(values, _("Messages per day")),
        "values": values,
        "total": total,
        "today_text": f"{values[-1][1]:,}",
        "total_text": f"{total:,}",
    }


def _storage(account_ids: cards.Ids) -> Storage:
    days = figures.storage_per_day(account_ids)
    values = [(f"{day:%Y-%m-%d}", number) for day, number in days]
    chart = {"svg": bar_chart(values, _("Storage per day"), filesizeformat), "values": values}
    largest = figures.list_accounts(account_ids).order_by("-bytes_on_disk", "pk")[:_LARGEST]
    return Storage(chart, _describe_trend(days), len(days) > 1, list(largest))


def _describe_trend(days: Sequence[tuple[date, int]]) -> str:
    """How the storage changed in the last 30 days, or since the first day that is known."""
    if len(days) < 2:
        return _("The trend shows from the second day on.")
    last_day, last = days[-1]
    start = last_day - timedelta(days=_TREND_DAYS)
    first_day, first = next((day, number) for day, number in days if day >= start)
    change = last - first
    size = f"{'+' if change >= 0 else '-'}{filesizeformat(abs(change))}"
    return _("%(change)s since %(day)s") % {"change": size, "day": f"{first_day:%Y-%m-%d}"}
