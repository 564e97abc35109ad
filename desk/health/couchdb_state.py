"""What CouchDB reports about itself. Costs three small requests."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from couch.client import couch
from couch.database import Document
from couch.errors import CouchError
from couch.time_limits import silence_limited_to
from storage import database_names

_SECONDS = 1.0
_TASK_NAMES = {
    "indexer": gettext_lazy("building views"),
    "database_compaction": "compacting",
    "view_compaction": gettext_lazy("compacting views"),
}


@dataclass(frozen=True)
class CouchDBState:
    """Whether CouchDB answers, its version, and descriptions of its background tasks."""

    is_up: bool
    version: str | None = None
    is_embedded: bool = False
    """Whether it is the embedded server of this project, which is not for production."""
    tasks: list[str] | None = None
    """None if CouchDB does not report them."""


def couchdb_state() -> CouchDBState:
    """Ask CouchDB for its state. One that is silent, or answers with errors, counts as down within two seconds."""
    with silence_limited_to(_SECONDS):
        try:
            return _ask() if couch().is_up() else CouchDBState(is_up=False)
        except CouchError:
            return CouchDBState(is_up=False)


def _ask() -> CouchDBState:
    info = couch().info()
    is_embedded = "embedded" in (info.get("features") or ())
    return CouchDBState(is_up=True, version=info.get("version"), is_embedded=is_embedded, tasks=_describe_tasks())


def _describe_tasks() -> list[str] | None:
    try:
        tasks = couch().tasks()
    except CouchError:
        return None
    return [_describe_task(task) for task in tasks if isinstance(task, dict)]


def _describe_task(task: Document) -> str:
    # A shard is called shards/00000000-7fffffff/account/aa/bb/cc.1700000000.
    name = str(task.get("database", "")).split("/", 2)[-1].rsplit(".", 1)[0]
    account_database = database_names.parse(name)
    if account_database:
        name = f"{account_database.account_id} {account_database.month or ''}".strip()
    kind = str(task.get("type"))
    return f"{_TASK_NAMES.get(kind, kind)}: {name}, {task.get('progress', '?')} %"
