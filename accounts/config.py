"""Kazoo's own settings: documents in `system_config`, and an account's `configs_*` documents over them.

Read here as Kazoo wrote them, never written. A change is seen within CACHE_SECONDS.
"""

from threading import Lock
from typing import Any

from cachetools import TTLCache, cached

from accounts import databases
from accounts.couch import couch

CACHE_SECONDS = 8


@cached(TTLCache(maxsize=1_000, ttl=CACHE_SECONDS), lock=Lock())
def category(name: str) -> dict[str, Any]:
    """The `default` section of a document in `system_config`; empty when there is none."""
    doc = couch().database(databases.CONFIG).get(name) or {}
    section = doc.get("default")
    return section if isinstance(section, dict) else {}


@cached(TTLCache(maxsize=10_000, ttl=CACHE_SECONDS), lock=Lock())
def for_account(account_id: str, name: str) -> dict[str, Any]:
    """An account's own `configs_<name>` document; empty when there is none. What it lacks, `category` tells."""
    doc = couch().database(databases.account_db(account_id)).get(f"configs_{name}") or {}
    return {} if doc.get("pvt_deleted") is True else doc


def is_on(account_id: str, name: str, setting: str) -> bool:
    """Whether a switch is on in an account: by its own settings, or else by `system_config`; off if neither says."""
    return for_account(account_id, name).get(setting, category(name).get(setting)) in (True, "true")
