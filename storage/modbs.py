"""MODbs: an account's databases of one month each. Made when first needed, found by time range.

Which MODbs cover a time range, and in which order: `existing` answers that for counts, bulk work and migration, and
`covering` for listings, which mostly need only the first one. A missing MODb is an empty one, never an error.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from cachetools import LRUCache, TTLCache

from couch.client import Couch, Database, couch
from couch.parallel import in_parallel
from couch_views.sync import sync
from storage import database_names, gregorian

# Databases whose design documents this process has seen in place; what is forgotten is only looked at again.
_ready: LRUCache[str, bool] = LRUCache(maxsize=50_000)
# Databases known to exist a moment ago: a burst of messages asks once. An archived month is noticed soon.
_present: TTLCache[str, bool] = TTLCache(maxsize=10_000, ttl=10)
# Those of months past that were found missing: for them a message hardly ever comes late, and a look costs a request.
_absent: TTLCache[str, bool] = TTLCache(maxsize=50_000, ttl=4)
_lock = Lock()
_FEW_MONTHS = 8


def open_for(account_id: str, month: str) -> Database | None:
    """The account's MODb of a month ``YYYYMM``; None when it does not exist. Never creates one.

    That a past month has none may be known for some seconds.
    """
    database = couch().database(database_names.modb(account_id, month))
    if not _is_known(_present, database.name):
        if _is_known(_absent, database.name):
            return None
        if not database.exists():
            if month < gregorian.month_of(gregorian.now()):
                with _lock:
                    _absent[database.name] = True
            return None
    _make_ready(database)
    return database


def to_read(account_id: str, months: Sequence[str]) -> list[Database | None]:
    """As `open_for`, of several months; one that was there before is taken to be there still: who reads finds out."""
    found: list[Database | None] = []
    unknown: list[int] = []
    for number, month in enumerate(months):
        database = couch().database(database_names.modb(account_id, month))
        if not _is_known(_ready, database.name):
            unknown.append(number)
        found.append(database)
    for number, opened in zip(unknown, in_parallel(lambda n: open_for(account_id, months[n]), unknown), strict=True):
        found[number] = opened
    return found


def ensure(account_id: str, month: str) -> Database:
    """The account's MODb of a month, created with its design documents when it is missing.

    Safe for several processes at once. The account must exist: nothing here looks at it.
    """
    database = couch().database(database_names.modb(account_id, month))
    if not _is_known(_present, database.name):
        couch().create(database.name)
    _make_ready(database)
    return database


def ensure_ahead(account_id: str) -> list[Database]:
    """This month's and the next month's MODb: made before the first message at midnight needs them."""
    month = gregorian.month_of(gregorian.now())
    return [ensure(account_id, month), ensure(account_id, gregorian.next_month(month))]


def list_months(account_id: str, server: Couch | None = None) -> list[str]:
    """The months ``YYYYMM`` of which an account has a MODb in a CouchDB, the served one by default, oldest first.

    Unlike `existing` it adds no design documents to the MODbs.
    """
    databases = (server or couch()).names(database_names.account_db(account_id) + "-")
    names = map(database_names.split, databases)
    return sorted(name.month for name in names if name is not None and name.month is not None)


def existing(
    account_id: str, first: int | None = None, last: int | None = None, *, newest_first: bool = True
) -> list[tuple[str, Database]]:
    """The account's MODbs that cover a time range in Gregorian seconds, each with its month ``YYYYMM``.

    No `first` or `last`: no limit on that side.
    """
    low = "" if first is None else gregorian.nearest_month(first)
    high = "999999" if last is None else gregorian.nearest_month(last)
    months = [month for month in list_months(account_id) if low <= month <= high]
    if newest_first:
        months.reverse()
    pairs = [(month, couch().database(database_names.modb(account_id, month))) for month in months]
    in_parallel(_make_ready, [database for _, database in pairs])
    return pairs


def covering(account_id: str, first: int, last: int, *, newest_first: bool = True) -> list[str]:
    """The months ``YYYYMM`` of a time range in Gregorian seconds whose MODbs there may be: `open_for` tells.

    A few months are simply named; for more, CouchDB is asked which MODbs there are.
    """
    months = gregorian.months(first, last, _FEW_MONTHS)
    if len(months) > _FEW_MONTHS:
        return [month for month, _ in existing(account_id, first, last, newest_first=newest_first)]
    return months[::-1] if newest_first else months


def _make_ready(database: Database) -> None:
    """See to the design documents, ours beside Kazoo's: it may have made this MODb, or someone died making it."""
    if not _is_known(_ready, database.name):
        sync(database, "modb")
        with _lock:
            _ready[database.name] = True
    with _lock:
        _present[database.name] = True
        _absent.pop(database.name, None)


def _is_known(known: Any, name: str) -> bool:
    with _lock:
        return name in known
