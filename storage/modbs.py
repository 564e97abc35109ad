"""MODbs: an account's databases of one month each, created when first needed.

Which MODbs cover a time range, in which order: `list_existing` answers that for counts, bulk changes and migration,
`list_months_to_read` for listings, which mostly need only the first. A missing MODb counts as empty, never as an
error.
"""

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any

from cachetools import LRUCache, TTLCache
from django.conf import settings

from couch.client import couch
from couch.database import Database
from couch.parallel import in_parallel
from crossbar.errors import ValidationFailed
from storage import database_names, gregorian, maintenance

# MODbs whose design documents this process has synced; one that drops out is synced again.
_synced: LRUCache[str, bool] = LRUCache(maxsize=50_000)
# MODbs that existed a moment ago: a burst of messages asks once. An archived month is noticed soon.
_present: TTLCache[str, bool] = TTLCache(maxsize=10_000, ttl=10)
# Missing MODbs of past months: hardly any message arrives that late, and asking again costs a request.
_absent: TTLCache[str, bool] = TTLCache(maxsize=50_000, ttl=4)
_lock = Lock()
# Up to so many months are read without asking which of them have a MODb.
_FEW_MONTHS = 8


def find(account_id: str, month: str) -> Database | None:
    """Return the account's MODb of a month ``YYYYMM``, None if there is none. Never creates one.

    That a past month has none is cached for some seconds.
    """
    database = couch().database(database_names.modb(account_id, month))
    if not _is_cached(_present, database.name):
        if _is_cached(_absent, database.name):
            return None
        if not database.exists():
            if month < gregorian.month_of(gregorian.now()):
                with _lock:
                    _absent[database.name] = True
            return None
    _make_ready(database)
    return database


def find_for_reading(account_id: str, months: Sequence[str]) -> list[Database | None]:
    """Do `find` for several months, but trust that a MODb that once existed still does.

    Whoever reads one that was archived since gets MissingDatabase.
    """
    databases: list[Database | None] = []
    unsynced: list[int] = []
    for index, month in enumerate(months):
        database = couch().database(database_names.modb(account_id, month))
        if not _is_cached(_synced, database.name):
            unsynced.append(index)
        databases.append(database)
    found = in_parallel(lambda index: find(account_id, months[index]), unsynced)
    for index, modb in zip(unsynced, found, strict=True):
        databases[index] = modb
    return databases


def ensure(account_id: str, month: str) -> Database:
    """Return the account's MODb of a month, created with its design documents if it was missing.

    Several processes may do so at once. The account must exist, which is not checked here.
    """
    database = couch().database(database_names.modb(account_id, month))
    if not _is_cached(_present, database.name):
        couch().create(database.name)
    _make_ready(database)
    return database


def ensure_within_limit(account_id: str, month: str) -> Database:
    """Do `ensure` for a client, who may create as many MODbs as DATABASES_PER_ACCOUNT allows; ValidationFailed.

    This month's and the next one's, which each account has, are always created.
    """
    limit = settings.DATABASES_PER_ACCOUNT
    is_limited = limit and month not in months_ahead()
    if is_limited and find(account_id, month) is None and len(list_months(account_id)) >= limit:
        message = f"The account has messages of {limit} months already"
        raise ValidationFailed.field("timestamp", "maxItems", message, target=limit, value=month)
    return ensure(account_id, month)


def ensure_ahead(account_id: str) -> list[Database]:
    """Create the account's MODbs of `months_ahead`, before the first message after midnight needs one."""
    return [ensure(account_id, month) for month in months_ahead()]


def months_ahead() -> tuple[str, str]:
    """Return this month and the next, ``YYYYMM``, whose MODbs every account should have."""
    month = gregorian.month_of(gregorian.now())
    return month, gregorian.next_month(month)


def missing_months(existing_months: Iterable[str | None]) -> tuple[str, ...]:
    """Return those of `months_ahead` that aren't among the months of which an account has a MODb."""
    return tuple(sorted(set(months_ahead()) - set(existing_months)))


def list_months(account_id: str) -> list[str]:
    """Return the months ``YYYYMM`` of which an account has a MODb, the earliest first.

    Unlike `list_existing` this adds no design documents.
    """
    databases = couch().names(database_names.account_db(account_id) + "-")
    names = map(database_names.parse, databases)
    return sorted(name.month for name in names if name is not None and name.month is not None)


def list_existing(
    account_id: str, first: int | None = None, last: int | None = None, *, newest_first: bool = True
) -> list[tuple[str, Database]]:
    """Return the account's MODbs of a time range in Gregorian seconds, each with its month ``YYYYMM``.

    Without `first` or `last` the range is open on that side.
    """
    earliest = "" if first is None else gregorian.nearest_month(first)
    latest = "999999" if last is None else gregorian.nearest_month(last)
    months = [month for month in list_months(account_id) if earliest <= month <= latest]
    if newest_first:
        months.reverse()
    modbs = [(month, couch().database(database_names.modb(account_id, month))) for month in months]
    in_parallel(_make_ready, [database for _, database in modbs])
    return modbs


def list_months_to_read(account_id: str, first: int, last: int, *, newest_first: bool = True) -> list[str]:
    """Return the months ``YYYYMM`` of a time range in Gregorian seconds, for `find` or `find_for_reading`.

    All months of a short range, with or without a MODb. Of a longer one those that CouchDB says have one.
    """
    months = gregorian.list_months(first, last, _FEW_MONTHS)
    if len(months) > _FEW_MONTHS:
        return [month for month, _ in list_existing(account_id, first, last, newest_first=newest_first)]
    return months[::-1] if newest_first else months


def _make_ready(database: Database) -> None:
    """Sync an existing MODb's design documents: Kazoo may have created it, or a process that was killed."""
    if not _is_cached(_synced, database.name):
        maintenance.sync_views(database)
        with _lock:
            _synced[database.name] = True
    with _lock:
        _present[database.name] = True
        _absent.pop(database.name, None)


def _is_cached(cache: Any, name: str) -> bool:
    with _lock:
        return name in cache
