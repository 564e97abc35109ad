"""When and from where keys were last used: in Django's database, so that using a key writes nothing to CouchDB."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from cachetools import TTLCache
from django.db import DatabaseError, connections

from accounts.models import ApiKeyUse
from storage import gregorian

logger = logging.getLogger(__name__)

EXACT_TO_SECONDS = 60
_MAX_ADDRESS = 100
_noted: TTLCache[str, bool] = TTLCache(10_000, EXACT_TO_SECONDS)
_lock = Lock()
_writer = ThreadPoolExecutor(1, thread_name_prefix="api key use")


@dataclass(frozen=True)
class Use:
    """The last use of a key: when, in Gregorian seconds, and the client's address."""

    time: int
    address: str


def note(account_id: str, key_id: str, address: str) -> None:
    """Store that a key is used now, at most once in EXACT_TO_SECONDS. The caller doesn't wait; nothing is raised."""
    with _lock:
        if key_id in _noted:
            return
        _noted[key_id] = True
    _writer.submit(_store_use, account_id, key_id, Use(gregorian.now(), address[:_MAX_ADDRESS]))


def find_uses(key_ids: Sequence[str]) -> dict[str, Use]:
    """Return the last uses of those keys that were ever used, by their ids; none while Django's database is away."""
    try:
        rows = list(ApiKeyUse.objects.filter(key_id__in=key_ids))
    except DatabaseError as error:
        logger.warning("The uses of API keys can't be read: %s", error)
        return {}
    return {row.key_id: Use(row.used_at, row.address) for row in rows}


def forget_uses(key_ids: Sequence[str]) -> None:
    """Forget when keys were used that have ended. A failure is logged: nobody is shown their uses any more."""
    try:
        ApiKeyUse.objects.filter(key_id__in=key_ids).delete()
    except DatabaseError as error:
        logger.warning("The uses of API keys could not be forgotten: %s", error)


def forget_account(account_id: str) -> None:
    """Forget when the keys of an account were used. Raises DatabaseError."""
    ApiKeyUse.objects.filter(account_id=account_id).delete()


def _store_use(account_id: str, key_id: str, use: Use) -> None:
    try:
        ApiKeyUse.objects.update_or_create(
            key_id=key_id, defaults={"account_id": account_id, "used_at": use.time, "address": use.address}
        )
    except DatabaseError as error:
        logger.warning("The use of an API key could not be noted: %s", error)
        with _lock:
            _noted.pop(key_id, None)
    finally:
        connections.close_all()
