"""The collected figures: of all accounts, or of those that somebody may see (`account_ids`, None for all)."""

from collections.abc import Collection as Ids
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TypeVar

from django.db.models import Count, Model, QuerySet, Sum
from django.utils import timezone

from overview.collecting import HISTORY_DAYS
from overview.examination import CHART_DAYS, FAILURE_SECONDS
from overview.models import AccountFigures, DayFigures, Finding

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Totals:
    """Sums over accounts. `messages` are those of the last 30 days."""

    accounts: int
    bytes_on_disk: int
    messages: int


def list_accounts(account_ids: Ids[str] | None) -> QuerySet[AccountFigures]:
    """Return the figures of accounts."""
    return _restrict(AccountFigures.objects.all(), account_ids)


def list_lacking(account_ids: Ids[str] | None) -> QuerySet[AccountFigures]:
    """Return the accounts whose databases lack views or months, or can't be read."""
    return list_accounts(account_ids).filter(is_lacking=True).order_by("name", "account_id")


def list_findings(kind: Finding.Kind, account_ids: Ids[str] | None) -> QuerySet[Finding]:
    """Return what there is to be looked at of a kind, what is most first."""
    findings = _restrict(Finding.objects.filter(kind=kind), account_ids)
    if kind == Finding.Kind.FAILED_WEBHOOK:
        findings = findings.filter(at__gte=timezone.now() - timedelta(seconds=FAILURE_SECONDS))
    if kind == Finding.Kind.ODD_DAY:
        return findings.order_by("-day", "-number", "id")
    return findings.order_by("-number", "id")


def totals(account_ids: Ids[str] | None) -> Totals:
    """Return the sums over accounts."""
    sums = list_accounts(account_ids).aggregate(
        accounts=Count("pk"), bytes_on_disk=Sum("bytes_on_disk"), messages=Sum("messages")
    )
    return Totals(**{name: int(number or 0) for name, number in sums.items()})


def messages_per_day(account_ids: Ids[str] | None) -> list[tuple[date, int]]:
    """Return the messages of each of the last 30 days, the earliest first."""
    today = timezone.now().astimezone(UTC).date()
    days = [today - timedelta(days=age) for age in reversed(range(CHART_DAYS))]
    rows = _days_of(account_ids).filter(day__gte=days[0]).values("day").annotate(number=Sum("messages"))
    numbers = {row["day"]: int(row["number"]) for row in rows}
    return [(day, numbers.get(day, 0)) for day in days]


def storage_per_day(account_ids: Ids[str] | None) -> list[tuple[date, int]]:
    """Return the bytes on disk on those of the last 90 days on which they were collected, the earliest first."""
    since = timezone.now().astimezone(UTC).date() - timedelta(days=HISTORY_DAYS - 1)
    measured = _days_of(account_ids).filter(day__gte=since, bytes_on_disk__isnull=False)
    rows = measured.values("day").annotate(number=Sum("bytes_on_disk")).order_by("day")
    return [(row["day"], int(row["number"])) for row in rows]


def names_of(account_ids: Ids[str]) -> dict[str, str]:
    """Return the names of accounts as they were when they were collected, by id."""
    return dict(AccountFigures.objects.filter(pk__in=account_ids).values_list("account_id", "name"))


def _days_of(account_ids: Ids[str] | None) -> QuerySet[DayFigures]:
    days = DayFigures.objects.order_by()
    return days.filter(account_id="") if account_ids is None else days.filter(account_id__in=account_ids)


def _restrict(rows: QuerySet[Row], account_ids: Ids[str] | None) -> QuerySet[Row]:
    return rows if account_ids is None else rows.filter(account_id__in=account_ids)
