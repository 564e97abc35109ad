"""What CouchDB says of itself, at the cost of three small requests."""

from typing import Any

from couch.client import Document, couch
from couch.errors import CouchError
from storage import database_names

_TASKS = {"indexer": "building views", "database_compaction": "compacting", "view_compaction": "compacting views"}


def of_couchdb() -> dict[str, Any]:
    """What CouchDB says of itself: `up`, `version`, and `tasks` under way, None where it doesn't say."""
    if not couch().is_up():
        return {"up": False, "version": None, "tasks": None}
    return {"up": True, "version": couch().info().get("version"), "tasks": _tasks()}


def _tasks() -> list[str] | None:
    """What CouchDB is doing beside answering; None where it doesn't tell."""
    try:
        tasks = couch().tasks()
    except CouchError:
        return None
    return [_spelled(task) for task in tasks if isinstance(task, dict)]


def _spelled(task: Document) -> str:
    # A shard's name is shards/00000000-7fffffff/account/aa/bb/rest.1700000000.
    name = str(task.get("database", "")).split("/", 2)[-1].rsplit(".", 1)[0]
    split = database_names.split(name)
    where = f"{split.account_id} {split.month or ''}".strip() if split else name
    kind = _TASKS.get(str(task.get("type")), str(task.get("type")))
    return f"{kind}: {where}, {task.get('progress', '?')} %"
