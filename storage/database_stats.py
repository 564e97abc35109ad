"""Sizes of an account's databases, and whether their views are complete."""

from dataclasses import dataclass

from couch.client import couch
from couch.database import Document
from couch.errors import MissingDatabase
from couch.parallel import in_parallel
from storage import database_names, maintenance


@dataclass(frozen=True)
class DatabaseStats:
    """Figures of one database."""

    name: str
    month: str | None
    """``YYYYMM`` of a MODb, None for the account's own database."""
    documents: int
    bytes_on_disk: int
    incomplete_designs: tuple[str, ...]
    """The design documents that lack views, or whose views are outdated."""


def list_account_stats(account_id: str) -> list[DatabaseStats]:
    """Return the figures of an account's databases: its own first, then its MODbs, the latest first."""
    infos = couch().infos(maintenance.list_account_databases(account_id))
    designs = in_parallel(_incomplete_designs, infos)
    stats = [_build_stats(name, infos[name], incomplete) for name, incomplete in zip(infos, designs, strict=True)]
    return sorted(stats, key=lambda database: (database.month is None, database.month or ""), reverse=True)


def _incomplete_designs(name: str) -> tuple[str, ...]:
    try:
        changes = maintenance.sync_views(couch().database(name), dry_run=True)
    except MissingDatabase:
        return ()
    return tuple(change.design for change in changes)


def _build_stats(name: str, info: Document, incomplete_designs: tuple[str, ...]) -> DatabaseStats:
    owner = database_names.parse(name)
    return DatabaseStats(
        name=name,
        month=None if owner is None else owner.month,
        documents=info.get("doc_count", 0),
        bytes_on_disk=(info.get("sizes") or {}).get("file", 0),
        incomplete_designs=incomplete_designs,
    )
