"""Counts of sign-ins, and the addresses that somebody signed in from: what `login_throttle` decides by.

They are kept in Django's database, so that all workers, and all instances that share it, count together. While that
database doesn't answer, or is locked, each worker counts in memory.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from cachetools import TLRUCache
from django.conf import settings
from django.db import Error, close_old_connections, transaction
from django.db.models import F

from accounts.models import KnownAddress, SignInCount

logger = logging.getLogger(__name__)

_KNOWN_SECONDS = 30 * 86_400
_RETRY_SECONDS = 5  # during which a database that failed isn't asked again
_MAX_IN_MEMORY = 100_000


@dataclass(frozen=True)
class Count:
    """How many sign-ins a span has, and when it ends, in seconds since 1970."""

    number: int
    ends_at: int


class DatabaseCounts:
    """Counts in Django's database."""

    counting_processes = 1
    """How many processes count for themselves, each of which allows its share of a limit."""

    def add(self, spans: Mapping[str, int]) -> dict[str, Count]:
        """Count a sign-in for each key, in spans of so many seconds from the first one, and return the counts.

        That is one transaction, which doesn't lose what other workers count. Raises Django's `Error`.
        """
        now = int(time.time())
        close_old_connections()  # as Django does at the start of a request, which most of the API doesn't need
        with transaction.atomic():
            for key, seconds in sorted(spans.items()):  # in one order, so that transactions don't wait in a circle
                self._add(key, now, now + seconds)
            rows = SignInCount.objects.filter(key__in=list(spans))
            return {row.key: Count(row.count, row.ends_at) for row in rows}

    def _add(self, key: str, now: int, ends_at: int) -> None:
        rows = SignInCount.objects.filter(key=key)
        if rows.filter(ends_at__gt=now).update(count=F("count") + 1):
            return
        SignInCount.objects.filter(ends_at__lte=now).delete()
        SignInCount.objects.bulk_create([SignInCount(key=key, count=0, ends_at=ends_at)], ignore_conflicts=True)
        rows.update(count=F("count") + 1)

    def subtract(self, keys: Iterable[str]) -> None:
        """Take sign-ins that didn't fail off the counts."""
        with _logged_errors(), transaction.atomic():
            for key in sorted(keys):
                rows = SignInCount.objects.filter(key=key)
                rows.filter(count__gt=0).update(count=F("count") - 1)
                rows.filter(count=0).delete()

    def list_known(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys that `remember` was called with in the last 30 days."""
        with _logged_errors():
            rows = KnownAddress.objects.filter(key__in=list(keys), ends_at__gt=int(time.time()))
            return set(rows.values_list("key", flat=True))
        return set()

    def remember(self, key: str) -> None:
        """Keep a key for 30 days, which is written once a day at most."""
        now = int(time.time())
        with _logged_errors():
            if KnownAddress.objects.filter(key=key, ends_at__gt=now + _KNOWN_SECONDS - 86_400).exists():
                return
            KnownAddress.objects.filter(ends_at__lte=now).delete()
            KnownAddress.objects.update_or_create(key=key, defaults={"ends_at": now + _KNOWN_SECONDS})


class MemoryCounts:
    """Counts in this process, without known addresses."""

    def __init__(self) -> None:
        self.counting_processes: int = settings.WEB_CONCURRENCY
        self._counts: TLRUCache[str, Count] = TLRUCache(
            _MAX_IN_MEMORY, ttu=lambda key, count, now: count.ends_at, timer=time.time
        )
        self._lock = Lock()

    def add(self, spans: Mapping[str, int]) -> dict[str, Count]:
        """Count a sign-in as `DatabaseCounts` does."""
        now = int(time.time())
        counts = {}
        with self._lock:
            for key, seconds in spans.items():
                count = self._counts.get(key) or Count(0, now + seconds)
                counts[key] = self._counts[key] = Count(count.number + 1, count.ends_at)
        return counts

    def subtract(self, keys: Iterable[str]) -> None:
        """Take sign-ins that didn't fail off the counts."""
        with self._lock:
            for key in keys:
                count = self._counts.get(key)
                if count is not None and count.number:
                    self._counts[key] = Count(count.number - 1, count.ends_at)

    def list_known(self, keys: Iterable[str]) -> set[str]:
        """Return nothing."""
        return set()

    def remember(self, key: str) -> None:
        """Do nothing."""


class SignInCounts:
    """Counts in Django's database, and in memory for some seconds after it failed."""

    def __init__(self) -> None:
        self._database, self._memory = DatabaseCounts(), MemoryCounts()
        self._is_away = False
        self._retry_at = 0.0

    def add(self, spans: Mapping[str, int]) -> tuple[DatabaseCounts | MemoryCounts, dict[str, Count]]:
        """Count a sign-in for each key; return where that was, and the counts there."""
        now = time.monotonic()
        if now >= self._retry_at:
            if self._is_away:
                self._retry_at = now + _RETRY_SECONDS  # a locked database keeps one thread waiting, not all of them
            try:
                counts = self._database.add(spans)
            except Error as error:
                self._failed(error)
            else:
                self._answered()
                return self._database, counts
        return self._memory, self._memory.add(spans)

    def _failed(self, error: Error) -> None:
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        if not self._is_away:
            self._is_away = True
            logger.warning("Django's database fails (%s): sign-ins are counted in each worker", error)

    def _answered(self) -> None:
        self._retry_at = 0.0
        if self._is_away:
            self._is_away = False
            logger.warning("Django's database answers again: sign-ins are counted there")


@contextmanager
def _logged_errors() -> Iterator[None]:
    """Log an error of Django's database and go on: whoever knows the password signs in all the same."""
    try:
        yield
    except Error as error:
        logger.warning("Django's database fails (%s) while a sign-in is counted", error)
