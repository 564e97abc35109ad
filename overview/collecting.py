"""A collection of figures over all accounts: one at a time, on whichever machines it is started.

It goes through the accounts by id, a page after the other. Whoever reads a page holds a lease on the collection, and
stores what was read together with how far it got. If that process is killed, the lease ends, and the next goes on.
"""

import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from accounts import account_index
from couch.client import couch
from couch.database import Document
from couch.errors import CouchError
from overview import examination
from overview.examination import AccountResult, Previous
from overview.models import AccountFigures, Collection, DayFigures, Finding
from storage import database_names, maintenance

HISTORY_DAYS = 90
PAGE_SIZE = 40
LEASE = timedelta(seconds=60)
_PAUSE = timedelta(seconds=30)
_FRESH = timedelta(hours=6)
_THE_ONE = 1
_BATCH = 500
_ERROR_LENGTH = 300
_FIGURES_FIELDS = (
    *("name", "bytes_on_disk", "messages", "lacking_views", "missing_months", "problem", "is_lacking"),
    *("databases", "views_version", "examined_at", "collected_at"),
)


class LeaseLost(Exception):
    """Another process goes on with the collection."""


@dataclass(frozen=True)
class Turn:
    """The right to read the next page."""

    holder: str
    cursor: str
    started_at: datetime


def begin() -> None:
    """Begin a collection, unless one is under way. One that was abandoned hours ago is begun anew."""
    Collection.objects.get_or_create(pk=_THE_ONE, defaults={"lease_until": Now()})
    is_abandoned = Q(started_at__lt=Now() - _FRESH, lease_until__lt=Now())
    Collection.objects.filter(Q(started_at=None) | is_abandoned, pk=_THE_ONE).update(
        started_at=Now(), cursor="", accounts_done=0
    )


def current() -> Collection | None:
    """Return the collection that is under way or was the last one; None if there never was one."""
    return Collection.objects.filter(pk=_THE_ONE).first()


def claim_run() -> Turn | None:
    """Return the right to read the next page; None if no collection is under way, or another process reads."""
    holder = uuid.uuid4().hex
    free = Collection.objects.filter(pk=_THE_ONE, started_at__isnull=False, lease_until__lte=Now())
    if not free.update(holder=holder, lease_until=Now() + LEASE):
        return None
    row = Collection.objects.get(pk=_THE_ONE)
    return Turn(holder, row.cursor, row.started_at) if row.holder == holder and row.started_at else None


def collect_page(turn: Turn, size: int = PAGE_SIZE) -> bool:
    """Collect the figures of the next page of accounts; whether there are more. Raises CouchError, LeaseLost.

    After the last page, sums are stored, and what is kept of accounts that are gone is deleted.
    """
    docs, cursor = account_index.read_live_page(turn.cursor, size)
    account_ids = [doc["_id"] for doc in docs]
    today = _today()
    results = examination.examine(docs, _load_previous(account_ids, today))
    system = _read_system() if cursor is None else None
    with transaction.atomic():
        _hold(turn, cursor=cursor or turn.cursor, accounts_done=F("accounts_done") + len(docs), error="")
        _store_results(results, today)
        if cursor is None:
            _finish_run(turn, system or {}, today)
        _hold(turn, lease_until=Now())
    return cursor is not None


def collect_account(account: Document) -> None:
    """Collect the figures of one account again, if there are any, after its databases were repaired.

    While CouchDB is away they stay as they are, until the next collection.
    """
    account_ids = [account["_id"]]
    if not AccountFigures.objects.filter(pk__in=account_ids).exists():
        return
    today = _today()
    with suppress(CouchError):
        results = examination.examine([account], _load_previous(account_ids, today))
        with transaction.atomic():
            _store_results(results, today)


def give_up(turn: Turn, reason: str) -> None:
    """Note why a page could not be read, and let whoever tries in a while go on there."""
    _lease(turn).update(error=reason[:_ERROR_LENGTH], lease_until=Now() + _PAUSE)


def _lease(turn: Turn) -> QuerySet[Collection]:
    return Collection.objects.filter(pk=_THE_ONE, holder=turn.holder)


def _hold(turn: Turn, **members: object) -> None:
    """Change the collection; raises LeaseLost if somebody else has it by now."""
    if not _lease(turn).update(**members):
        raise LeaseLost


def _load_previous(account_ids: Sequence[str], today: date) -> Previous:
    figures = AccountFigures.objects.in_bulk(account_ids)
    days: dict[str, dict[date, int]] = {account_id: {} for account_id in account_ids}
    rows = DayFigures.objects.filter(
        account_id__in=account_ids, day__gte=examination.first_day(today), messages__gt=0
    )
    for account_id, day, messages in rows.values_list("account_id", "day", "messages"):
        days[account_id][day] = messages
    with_findings: dict[str, set[str]] = {}
    for kind, account_id in Finding.objects.filter(account_id__in=account_ids).values_list("kind", "account_id"):
        with_findings.setdefault(kind, set()).add(account_id)
    return Previous(figures, days, with_findings)


def _store_results(results: Sequence[AccountResult], today: date) -> None:
    _store_figures(results)
    _store_days(results, today)
    _replace_findings(results)


def _store_figures(results: Iterable[AccountResult]) -> None:
    figures = [result.figures for result in results]
    for row in figures:
        row.collected_at = Now()  # by the database's clock
    AccountFigures.objects.bulk_create(
        figures, update_conflicts=True, unique_fields=["account_id"], update_fields=_FIGURES_FIELDS
    )


def _store_days(results: Sequence[AccountResult], today: date) -> None:
    counted = [result for result in results if result.has_new_days]
    first = examination.first_day(today)
    counted_ids = [result.figures.account_id for result in counted]
    DayFigures.objects.filter(account_id__in=counted_ids, day__gte=first, messages__gt=0).update(messages=0)
    _upsert_days(
        (
            DayFigures(account_id=result.figures.account_id, day=day, messages=messages)
            for result in counted
            for day, messages in result.days.items()
        ),
        "messages",
    )
    _upsert_days(
        (
            DayFigures(
                account_id=result.figures.account_id,
                day=today,
                messages=result.days.get(today, 0),
                bytes_on_disk=result.figures.bytes_on_disk,
            )
            for result in results
        ),
        "bytes_on_disk",
    )


def _upsert_days(rows: Iterable[DayFigures], field: str) -> None:
    DayFigures.objects.bulk_create(
        list(rows),
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["account_id", "day"],
        update_fields=[field],
    )


def _replace_findings(results: Iterable[AccountResult]) -> None:
    ids_by_kind: dict[Finding.Kind, list[str]] = {}
    for result in results:
        for kind in result.replaced_kinds:
            ids_by_kind.setdefault(kind, []).append(result.figures.account_id)
    for kind, account_ids in ids_by_kind.items():
        Finding.objects.filter(kind=kind, account_id__in=account_ids).delete()
    Finding.objects.bulk_create([finding for result in results for finding in result.findings], batch_size=_BATCH)


def _finish_run(turn: Turn, system: dict[str, object], today: date) -> None:
    gone = list(AccountFigures.objects.filter(collected_at__lt=turn.started_at).values_list("account_id", flat=True))
    for start in range(0, len(gone), _BATCH):
        ids = gone[start : start + _BATCH]
        for model in (Finding, DayFigures, AccountFigures):
            model.objects.filter(account_id__in=ids).delete()
    DayFigures.objects.filter(day__lte=today - timedelta(days=HISTORY_DAYS)).delete()
    _store_sums(today)
    _hold(
        turn,
        started_at=None,
        collected_at=Now(),
        seconds=max((timezone.now() - turn.started_at).total_seconds(), 0.0),
        system=system,
    )


def _store_sums(today: date) -> None:
    """Add up the accounts: the messages of all days that are read, the bytes of today."""
    first = examination.first_day(today)
    sums = (
        DayFigures.objects.filter(day__gte=first)
        .exclude(account_id="")
        .order_by()
        .values("day")
        .annotate(sum_of_messages=Sum("messages"), sum_of_bytes=Sum("bytes_on_disk"))
    )
    rows = [
        DayFigures(
            account_id="",
            day=row["day"],
            messages=int(row["sum_of_messages"]),  # PostgreSQL's sums of large integers are decimals
            bytes_on_disk=int(row["sum_of_bytes"] or 0) if row["day"] == today else None,
        )
        for row in sums
    ]
    DayFigures.objects.filter(account_id="", day__gte=first, messages__gt=0).update(messages=0)
    _upsert_days(rows, "messages")
    _upsert_days((row for row in rows if row.day == today), "bytes_on_disk")


def _read_system() -> dict[str, object]:
    """Return what concerns no account: CouchDB's version and nodes, and the databases of all accounts."""
    info = couch().info()
    try:
        nodes, expected_nodes = couch().nodes()
    except (CouchError, KeyError):
        nodes, expected_nodes = [], []
    return {
        "version": str(info.get("version") or ""),
        "is_embedded": "embedded" in (info.get("features") or ()),
        "nodes": nodes,
        "missing_nodes": sorted(set(expected_nodes) - set(nodes)),
        "lacking_databases": [name for name in database_names.SYSTEM if _is_lacking(name)],
    }


def _is_lacking(name: str) -> bool:
    """Whether a database of the system is missing, or lacks views."""
    return not couch().exists(name) or bool(maintenance.sync_views(couch().database(name), dry_run=True))


def _today() -> date:
    return timezone.now().astimezone(UTC).date()
