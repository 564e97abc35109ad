"""Kazoo's own settings: documents in `system_config`, and an account's `configs_*` documents over them.

Read here as Kazoo wrote them; an account's own are written as Kazoo reads them. A change is seen within
CACHE_SECONDS.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

from cachetools import TTLCache, cached, keys

from couch.client import Document, couch
from couch.errors import Conflict
from storage import database_names, private_fields
from storage.private_fields import Actor

CACHE_SECONDS = 8


@cached(TTLCache(maxsize=1_000, ttl=CACHE_SECONDS), lock=Lock())
def category(name: str) -> dict[str, Any]:
    """The `default` section of a document in `system_config`; empty when there is none."""
    doc = couch().database(database_names.CONFIG).get(name) or {}
    section = doc.get("default")
    return section if isinstance(section, dict) else {}


_of_accounts: TTLCache[Any, Document] = TTLCache(maxsize=10_000, ttl=CACHE_SECONDS)
_lock = Lock()


@cached(_of_accounts, lock=_lock)
def for_account(account_id: str, name: str) -> dict[str, Any]:
    """An account's own `configs_<name>` document; empty when there is none. What it lacks, `category` tells."""
    return _live(couch().database(database_names.account_db(account_id)).get(document_id(name)))


def is_remembered(account_id: str, name: str) -> bool:
    """Whether `for_account` needs no request for now."""
    with _lock:
        return keys.hashkey(account_id, name) in _of_accounts


def remember(account_id: str, name: str, doc: Document | None) -> None:
    """Let `for_account` know an account's document, or that there is none, as it was found just now."""
    with _lock:
        _of_accounts[keys.hashkey(account_id, name)] = _live(doc)


def document_id(name: str) -> str:
    """The id of the document that holds an account's own settings of a name."""
    return f"configs_{name}"


def is_on(account_id: str, name: str, setting: str) -> bool:
    """Whether a switch is on in an account: by its own settings, or else by `system_config`; off if neither says."""
    return for_account(account_id, name).get(setting, category(name).get(setting)) in (True, "true")


def change_account(
    account_id: str, name: str, change: Callable[[Document], Document], actor: Actor | None = None
) -> Document:
    """Change an account's own `configs_<name>` document, an empty one where there is none; as it is stored then.

    This process sees the change at once, others within CACHE_SECONDS. Conflict after many lost races.
    """
    database = couch().database(database_names.account_db(account_id))
    doc_id = document_id(name)

    def renewed(doc: Document) -> Document:
        live = {key: value for key, value in doc.items() if key != "pvt_deleted"}
        return private_fields.stamp_update(change(live), actor=actor)

    stored = database.update(doc_id, renewed)
    if stored is None:
        empty = private_fields.stamp_new(
            {"_id": doc_id}, pvt_type="config", account_id=account_id, db_name=database.name
        )
        try:
            stored = database.put(renewed(empty))
        except Conflict:  # somebody else made it just now
            stored = database.update(doc_id, renewed) or empty
    with _lock:
        _of_accounts.clear()
    return stored


def _live(doc: Document | None) -> Document:
    return {} if doc is None or doc.get("pvt_deleted") is True else doc
