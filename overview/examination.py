"""What is read of a page of accounts.

CouchDB says of each database in few requests whether it has changed: of one that is as it was at the last collection
nothing more is read. So an idle account costs its share of these requests, an active one five or six more.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from django.utils import timezone

from accounts import accounts
from couch.client import couch
from couch.database import Document
from couch.errors import CircuitOpen, CouchError, MissingDatabase, MissingView
from couch.parallel import in_parallel
from couch_views.loader import design_documents
from overview import odd_days
from overview.models import AccountFigures, Finding
from storage import database_names, gregorian, maintenance, modbs, values
from voicemail.messages import counts, full_mailboxes
from webhooks import attempts, store

logger = logging.getLogger(__name__)

CHART_DAYS = 30
FAILURE_SECONDS = 86_400
_READ_DAYS = max(CHART_DAYS, odd_days.READ_DAYS)
_READ_ALL_AFTER = timedelta(hours=6)
"""Settings may change how many messages a mailbox takes, and time which of them count."""
_MAX_ATTEMPTS = 1_000
_NAME_LENGTH, _PROBLEM_LENGTH = 250, 300
OWN = "account"
"""What stands for an account's own database among months."""

Days = dict[date, int]


@dataclass
class AccountResult:
    """What was read of an account, to be stored."""

    figures: AccountFigures
    days: Days
    """Messages on each of the last days that had any."""
    has_new_days: bool
    findings: list[Finding]
    replaced_kinds: Collection[Finding.Kind]
    """The kinds of findings that `findings` has all of."""


@dataclass
class Previous:
    """What is known of the accounts of a page from the last collection."""

    figures: Mapping[str, AccountFigures]
    days: Mapping[str, Days]
    accounts_with_findings: Mapping[str, Collection[str]]
    """By kind, the ids of the accounts that have findings."""


@dataclass
class _Reading:
    """An account while it is read."""

    account: Document
    infos: Mapping[str, Document]
    hooks: Sequence[Document]
    old: AccountFigures | None
    old_days: Days
    had: Collection[str]
    """The kinds of findings that the account had."""
    databases: dict[str, list[Any]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    """The months, ``""`` for the account's own database, in which something has changed."""

    @property
    def id(self) -> str:
        return str(self.account["_id"])


def first_day(today: date) -> date:
    """Return the first of the days whose messages are read."""
    return today - timedelta(days=_READ_DAYS - 1)


def examine(docs: Sequence[Document], previous: Previous) -> list[AccountResult]:
    """Read what is to be known of accounts, which are in the order of their ids. Raises CouchError."""
    if not docs:
        return []
    account_ids = [doc["_id"] for doc in docs]
    databases = maintenance.list_databases_between(account_ids[0], account_ids[-1])
    infos = couch().infos([name for account_id in account_ids for name in databases.get(account_id, ())])
    hooks = store.summaries_by_account(account_ids)
    readings = [
        _Reading(
            doc,
            {name: infos[name] for name in databases.get(account_id, ()) if name in infos},
            hooks.get(account_id, ()),
            previous.figures.get(account_id),
            previous.days.get(account_id, {}),
            [kind for kind, ids in previous.accounts_with_findings.items() if account_id in ids],
        )
        for account_id, doc in zip(account_ids, docs, strict=True)
    ]
    return in_parallel(_read_account, readings)


def _read_account(reading: _Reading) -> AccountResult:
    """Read an account. One that can't be read is noted, and keeps no other from being read."""
    try:
        return _read_readable(reading)
    except Exception as error:
        if isinstance(error, CouchError) and (isinstance(error, CircuitOpen) or not couch().is_up()):
            raise
        logger.exception("The figures of account %s can't be collected", reading.id)
        problem = f"{type(error).__name__}: {error}"[:_PROBLEM_LENGTH]
    old = reading.old
    figures = AccountFigures(
        account_id=reading.id,
        name=str(reading.account.get("name") or reading.id)[:_NAME_LENGTH],
        bytes_on_disk=sum(_bytes_on_disk(info) for info in reading.infos.values()),
        messages=old.messages if old else 0,
        problem=problem,
        is_lacking=True,
        examined_at=timezone.now(),
    )
    return AccountResult(figures, reading.old_days, has_new_days=False, findings=[], replaced_kinds=())


def _read_readable(reading: _Reading) -> AccountResult:
    today, now = timezone.now().astimezone(UTC).date(), timezone.now()
    old = reading.old
    reads_all = old is None or old.views_version != views_version() or now - old.examined_at > _READ_ALL_AFTER
    _examine_databases(reading, reads_all=reads_all)
    has_new_days = _has_changed_month(reading, first_day(today), today)
    days = _count_days(reading, today) if has_new_days else reading.old_days
    findings, replaced_kinds = _find(reading, reads_all=reads_all)
    created = _creation_date(reading.account, today)
    findings += [
        _finding(reading, Finding.Kind.ODD_DAY, day.messages, reference=day.usual, day=day.day)
        for day in odd_days.find_odd_days(days, today, created)
    ]
    months = [month or None for month in reading.databases]
    lacking = sorted(month or OWN for month, (_, lacks) in reading.databases.items() if lacks)
    missing = modbs.missing_months(months) if accounts.is_enabled(reading.account) else ()
    problem = "" if "" in reading.databases else "Its own database is missing."
    chart_start = today - timedelta(days=CHART_DAYS - 1)
    figures = AccountFigures(
        account_id=reading.id,
        name=str(reading.account.get("name") or reading.id)[:_NAME_LENGTH],
        bytes_on_disk=sum(_bytes_on_disk(info) for info in reading.infos.values()),
        messages=sum(number for day, number in days.items() if day >= chart_start),
        lacking_views=lacking,
        missing_months=list(missing),
        problem=problem,
        is_lacking=bool(lacking or missing or problem),
        databases=reading.databases,
        views_version=views_version(),
        examined_at=now if reads_all or old is None else old.examined_at,
    )
    return AccountResult(figures, days, has_new_days, findings, {Finding.Kind.ODD_DAY, *replaced_kinds})


def _examine_databases(reading: _Reading, *, reads_all: bool) -> None:
    """Note which databases have changed, and whether these lack views."""
    known = {} if reads_all or reading.old is None else reading.old.databases
    for name, info in reading.infos.items():
        owner = database_names.parse(name)
        month, state = (owner.month if owner else None) or "", _state_of(info)
        if known.get(month, [None])[0] == state:
            reading.databases[month] = known[month]
            continue
        reading.changed.add(month)
        try:
            lacks = bool(maintenance.sync_views(couch().database(name), dry_run=True))
        except MissingDatabase:  # archived meanwhile
            continue
        reading.databases[month] = [state, lacks]


def _state_of(info: Document) -> str:
    """Return a short text that differs once a database has changed. Where nothing has, it may differ as well."""
    parts = [info.get("update_seq"), info.get("doc_count"), info.get("doc_del_count")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _has_changed_month(reading: _Reading, first: date, last: date) -> bool:
    return any(f"{first:%Y%m}" <= month <= f"{last:%Y%m}" for month in reading.changed)


def _count_days(reading: _Reading, today: date) -> Days:
    """Return the messages on each of the last days, of the MODbs that have the view: looking adds none."""
    first = first_day(today)
    days: Days = {}
    for month, (_, lacks_views) in reading.databases.items():
        if lacks_views or not f"{first:%Y%m}" <= month <= f"{today:%Y%m}":
            continue
        database = couch().database(database_names.modb(reading.id, month))
        try:
            numbers = counts.count_days(database, _number_of(first), _number_of(today))
        except (MissingDatabase, MissingView):
            continue
        for number, messages in numbers.items():
            day = first + timedelta(days=number - _number_of(first))
            days[day] = days.get(day, 0) + messages
    return days


def _number_of(day: date) -> int:
    """Return a day's number since year 0, as views have it."""
    return gregorian.from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC)) // 86_400


def _find(reading: _Reading, *, reads_all: bool) -> tuple[list[Finding], set[Finding.Kind]]:
    """Return full mailboxes and failed webhooks, and which of these kinds were read."""
    kinds, findings = Finding.Kind, []
    replaced: set[Finding.Kind] = set()
    lacks_views = any(lacks for _, lacks in reading.databases.values())
    if not lacks_views and (reads_all or reading.changed or kinds.FULL_MAILBOX in reading.had):
        replaced.add(kinds.FULL_MAILBOX)
        findings += _full_mailboxes(reading)
    if reads_all or (reading.changed and reading.hooks) or kinds.FAILED_WEBHOOK in reading.had:
        replaced.add(kinds.FAILED_WEBHOOK)
        findings += _failed_webhooks(reading) if reading.hooks else []
    return findings, replaced


def _full_mailboxes(reading: _Reading) -> list[Finding]:
    try:
        mailboxes = full_mailboxes.list_full(reading.id)
    except (MissingDatabase, MissingView):
        return []
    return [
        _finding(
            reading,
            Finding.Kind.FULL_MAILBOX,
            mailbox.count,
            reference=mailbox.maximum,
            document_id=mailbox.box_id,
            name=f"{mailbox.number} {mailbox.name}".strip() or mailbox.box_id,
        )
        for mailbox in mailboxes
    ]


def _failed_webhooks(reading: _Reading) -> list[Finding]:
    names = {hook["id"]: str(hook.get("name") or hook["id"]) for hook in reading.hooks}
    return [
        _finding(
            reading,
            Finding.Kind.FAILED_WEBHOOK,
            len(failures.event_ids),
            document_id=hook_id,
            name=names[hook_id],
            at=gregorian.to_datetime(failures.latest),
        )
        for hook_id, failures in attempts.given_up(reading.id, FAILURE_SECONDS, _MAX_ATTEMPTS).items()
        if hook_id in names
    ]


def _finding(
    reading: _Reading, kind: Finding.Kind, number: int, *, document_id: str = "", name: str = "", **members: Any
) -> Finding:
    return Finding(
        kind=kind,
        account_id=reading.id,
        document_id=document_id[:_NAME_LENGTH],
        name=name[:_NAME_LENGTH],
        number=number,
        **members,
    )


def _creation_date(account: Document, today: date) -> date:
    created = values.as_integer(account.get("pvt_created"))
    try:
        return date(1, 1, 1) if created is None else gregorian.to_datetime(created).date()
    except ValueError:
        return today


def _bytes_on_disk(info: Document) -> int:
    size = (info.get("sizes") or {}).get("file")
    return size if isinstance(size, int) else 0


@cache
def views_version() -> str:
    """Return a short text that differs when the design documents of this version do."""
    documents = [design_documents(kind) for kind in ("account", "modb")]
    return hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()[:16]
