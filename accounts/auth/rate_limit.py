"""How many requests an account may make: REQUEST_LIMIT within REQUEST_LIMIT_SECONDS of the first one.

Requests count for the account that they act on, whoever makes them: that account's databases do the work, and a
reseller with thousands of accounts isn't stopped for a few requests to each. Requests without an account in their
path count for the caller's own. Only callers who may act on an account use its requests up, so that nobody can do it
to others.

Counts are kept by `limits`: in Redis or Valkey where RATE_LIMIT_STORAGE names one, for all instances together, else
in each worker, of which each allows its share of the limit.
"""

import logging
import math
import time
from functools import cache
from threading import Lock
from typing import Any

from cachetools import TLRUCache
from django.conf import settings
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.auth.authentication import caller
from crossbar.errors import TooManyRequests

logger = logging.getLogger(__name__)

_REDIS_TIMEOUT = 0.5  # seconds
_REDIS_RETRY = 5  # seconds during which a Redis that didn't answer isn't asked again


class AccountRateThrottle(BaseThrottle):
    """Refuses requests over an account's limit."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count a request, and return whether it may go on."""
        if settings.REQUEST_LIMIT:
            self._wait = _rate_limit().hit(view.kwargs.get("account_id") or caller(request).account_id)
        return not self._wait

    def wait(self) -> float:
        """Return the seconds after which the next request may be made."""
        return self._wait


def count_request(account_id: str) -> None:
    """Count a request to an account; raises TooManyRequests if it is over the limit."""
    if settings.REQUEST_LIMIT and (wait := _rate_limit().hit(account_id)):
        raise TooManyRequests(math.ceil(wait))


class WorkerStorage(Storage):
    """Counts requests in this process, in windows that are forgotten when they end.

    The memory storage of `limits` starts a thread every 10 ms to forget its windows, which took more CPU (65 µs for a
    request every 2 ms) than the rest of the limit.
    """

    STORAGE_SCHEME = ["worker"]
    _MAX_WINDOWS = 100_000

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions, **options)
        self._windows: TLRUCache[str, _Window] = TLRUCache(self._MAX_WINDOWS, ttu=_window_end, timer=time.time)
        self._lock = Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        """The exceptions of the store below, of which there is none."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count requests, in a window that ends `expiry` seconds after its first one, and return their number."""
        with self._lock:
            window = self._windows.get(key)
            if window is None:
                window = self._windows[key] = _Window(time.time() + expiry)
            window.count += amount
            return window.count

    def get(self, key: str) -> int:
        """Return the number of requests in a window."""
        with self._lock:
            window = self._windows.get(key)
            return 0 if window is None else window.count

    def get_expiry(self, key: str) -> float:
        """Return when a window ends, in seconds since 1970."""
        with self._lock:
            window = self._windows.get(key)
            return time.time() if window is None else window.ends_at

    def check(self) -> bool:
        """Whether the storage works."""
        return True

    def reset(self) -> int | None:
        """Forget all windows, and return how many there were."""
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
            return count

    def clear(self, key: str) -> None:
        """Forget a window."""
        with self._lock:
            self._windows.pop(key, None)


class _Window:
    __slots__ = ("count", "ends_at")

    def __init__(self, ends_at: float) -> None:
        self.count, self.ends_at = 0, ends_at


def _window_end(key: str, window: _Window, now: float) -> float:
    return window.ends_at


class RateLimit:
    """The limit of every account: `limit` requests within `seconds`, counted in a Redis (its URL) or in memory.

    In memory each of the `workers` allows its share. While Redis doesn't answer, requests are counted in memory.
    """

    def __init__(self, limit: int, seconds: float, redis_url: str = "", workers: int = 1) -> None:
        self._limit, self._share = limit, max(1, math.ceil(limit / workers))
        self._seconds = max(1, math.ceil(seconds))  # Redis has no windows of a fraction
        self._memory = WorkerStorage()
        self._redis = _redis_storage(redis_url) if redis_url else None
        self._redis_is_away = False
        self._retry_redis_at = 0.0

    def hit(self, account_id: str) -> float:
        """Count a request to an account, and return the seconds to wait if it is over the limit, else 0."""
        if self._redis is not None and time.monotonic() >= self._retry_redis_at:
            try:
                wait = self._count(self._redis, account_id, self._limit)
            except StorageError as error:
                self._redis_failed(error)
            else:
                self._redis_answered()
                return wait
        return self._count(self._memory, account_id, self._share)

    def _count(self, storage: Storage, account_id: str, limit: int) -> float:
        if storage.incr(account_id, self._seconds) <= limit:
            return 0.0
        return max(storage.get_expiry(account_id) - time.time(), 1.0)

    def _redis_failed(self, error: StorageError) -> None:
        self._retry_redis_at = time.monotonic() + _REDIS_RETRY
        if not self._redis_is_away:
            self._redis_is_away = True
            logger.warning("RATE_LIMIT_STORAGE doesn't answer (%s): counting in each worker", error.storage_error)

    def _redis_answered(self) -> None:
        if self._redis_is_away:
            self._redis_is_away = False
            logger.warning("RATE_LIMIT_STORAGE answers again: counting there")


@cache
def _rate_limit() -> RateLimit:
    """The limit that the settings state."""
    return RateLimit(
        settings.REQUEST_LIMIT,
        settings.REQUEST_LIMIT_SECONDS,
        settings.RATE_LIMIT_STORAGE,
        settings.WEB_CONCURRENCY,
    )


def _redis_storage(url: str) -> Storage:
    options: dict[str, Any] = {
        "socket_connect_timeout": _REDIS_TIMEOUT,
        "socket_timeout": _REDIS_TIMEOUT,
        "retry": Retry(NoBackoff(), 1),  # by default it sleeps between retries, which a request can't wait for
        "key_prefix": "vmboxes:requests",
    }
    storage: Storage = storage_from_string(url, wrap_exceptions=True, **options)  # type: ignore[assignment]
    return storage
