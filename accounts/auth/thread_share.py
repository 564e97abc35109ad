"""How many threads of a worker one caller's account may occupy with requests that take long: half of them.

Uploads, downloads and the bodies of all other requests take as long as the client's connection makes them, listings
as long as there is to read. So one account with slow connections, or many of them, leaves threads for all others.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock

from django.conf import settings

from crossbar.connection import Connection
from crossbar.errors import TooManyRequests

_RETRY_SECONDS = 1
_lock = Lock()
_occupied: Counter[str] = Counter()


def occupy(account_id: str, connection: Connection) -> None:
    """Count a request until its thread is free again; raises TooManyRequests if the account has its share already."""
    _take(account_id, connection)
    connection.call_at_end(partial(_free, account_id))


@contextmanager
def occupied(account_id: str, connection: Connection) -> Iterator[None]:
    """Within, count a request; raises TooManyRequests like `occupy`."""
    _take(account_id, connection)
    try:
        yield
    finally:
        _free(account_id)


def _take(account_id: str, connection: Connection) -> None:
    with _lock:
        if _occupied[account_id] >= max(1, settings.THREADS // 2):
            connection.drain_seconds = 0.0  # that would occupy another thread
            raise TooManyRequests(_RETRY_SECONDS)
        _occupied[account_id] += 1


def _free(account_id: str) -> None:
    with _lock:
        _occupied[account_id] -= 1
        if not _occupied[account_id]:
            del _occupied[account_id]
