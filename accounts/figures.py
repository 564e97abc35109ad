"""What an account's databases take, and the state they are in."""

from dataclasses import dataclass
from typing import Any

from accounts import databases
from accounts.couch import Document, MissingDatabase, Row, couch, in_parallel
from couch_views.loader import design_documents
from couch_views.sync import Change, sync


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
    own = databases.account_db(account_id)
    infos = couch().infos(couch().names(own))
    found = [name for name in infos if databases.split(name) is not None]
    lacking = in_parallel(_lacking, found)
    figures = [_figures(name, infos[name], changes) for name, changes in zip(found, lacking, strict=True)]
    return sorted(figures, key=lambda one: (one.month is None, one.month or ""), reverse=True)


class _Fetched:
    """A database whose design documents were fetched, all in one request: to look at, not to change."""

    def __init__(self, found: dict[str, Document]) -> None:
        self._found = found

    def get(self, doc_id: str, /) -> Document | None:
        return self._found.get(doc_id)

    def put(self, doc: Document, /) -> Document:
        raise NotImplementedError

    def view(self, ddoc: str, view: str, /, **options: Any) -> list[Row]:
        raise NotImplementedError


def _lacking(name: str) -> list[Change]:
    split = databases.split(name)
    kind = "account" if split and split.month is None else "modb"
    try:
        found = couch().database(name).fetch(design_documents(kind))
    except MissingDatabase:
        return []
    return sync(_Fetched(found), kind, dry_run=True)


def _figures(name: str, info: Document, changes: list[Change]) -> DatabaseFigures:
    split = databases.split(name)
    sizes = info.get("sizes") or {}
    return DatabaseFigures(
        name=name,
        month=None if split is None else split.month,
        documents=info.get("doc_count", 0),
        on_disk=sizes.get("file", 0),
        live=sizes.get("active", 0),
        lacking=tuple(change.design for change in changes),
    )
