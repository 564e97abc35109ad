"""What an account's databases take, and the state they are in."""

from dataclasses import dataclass

from couch.client import Document, couch
from couch.errors import MissingDatabase
from couch.parallel import in_parallel
from couch_views.sync import Change, sync
from storage import database_names


@dataclass(frozen=True)
class DatabaseFigures:
    """One database: its month (None for the account's own), documents, and bytes on disk and of live data."""

    name: str
    month: str | None
    documents: int
    on_disk: int
    live: int
    lacking: tuple[str, ...]
    """The design documents that lack views."""


def of_account(account_id: str) -> list[DatabaseFigures]:
    """An account's databases: its own first, then its MODbs, the latest first."""
    own = database_names.account_db(account_id)
    infos = couch().infos(couch().names(own))
    found = [name for name in infos if database_names.split(name) is not None]
    lacking = in_parallel(_lacking, found)
    figures = [_figures(name, infos[name], changes) for name, changes in zip(found, lacking, strict=True)]
    return sorted(figures, key=lambda one: (one.month is None, one.month or ""), reverse=True)


def _lacking(name: str) -> list[Change]:
    split = database_names.split(name)
    kind = "account" if split and split.month is None else "modb"
    try:
        return sync(couch().database(name), kind, dry_run=True)
    except MissingDatabase:
        return []


def _figures(name: str, info: Document, changes: list[Change]) -> DatabaseFigures:
    split = database_names.split(name)
    sizes = info.get("sizes") or {}
    return DatabaseFigures(
        name=name,
        month=None if split is None else split.month,
        documents=info.get("doc_count", 0),
        on_disk=sizes.get("file", 0),
        live=sizes.get("active", 0),
        lacking=tuple(change.design for change in changes),
    )
