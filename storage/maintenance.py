"""Maintenance of databases: those of the system exist, and each database has the design documents of its kind."""

from couch.client import couch
from couch.database import Database
from couch.parallel import in_parallel
from couch_views.loader import KAZOO_DOCUMENTS
from couch_views.sync import Change, sync
from storage import database_names


def list_account_databases(account_id: str) -> list[str]:
    """Return the names of an account's existing databases, its own and its MODbs; ValueError for a malformed id."""
    names = couch().names(database_names.account_db(account_id))
    return [name for name in names if database_names.parse(name)]


def list_databases_between(first_id: str, last_id: str) -> dict[str, list[str]]:
    """Return the names of the databases of the accounts from one id to another, by account. Costs one request."""
    first, last = database_names.account_db(first_id), database_names.account_db(last_id)
    names: dict[str, list[str]] = {}
    for name in couch().names("account/", first=first, last=last):
        if owner := database_names.parse(name):
            names.setdefault(owner.account_id, []).append(name)
    return names


def list_all_databases() -> list[str]:
    """Return the names of the system's databases, whether they exist or not, and of all accounts' databases."""
    return [*database_names.SYSTEM] + [name for name in couch().names("account/") if database_names.parse(name)]


def sync_views(database: Database, *, dry_run: bool = False) -> list[Change]:
    """Add and update the design documents that a database of its kind has; with `dry_run`, say what would change.

    A database of an unknown kind gets none.
    """
    kind = kind_of(database.name)
    return [] if kind is None else sync(database, kind, dry_run=dry_run)


def sync_database(name: str, *, dry_run: bool = False) -> list[str]:
    """Do `sync_views`, and create a missing database of the system; return a line for each change."""
    lines = []
    if name in database_names.SYSTEM and not couch().exists(name):
        lines.append("create database")
        if not dry_run:
            couch().create(name)
    return lines + [str(change) for change in sync_views(couch().database(name), dry_run=dry_run)]


def sync_account(account_id: str) -> dict[str, list[str]]:
    """Do `sync_database` for an account's databases; return the lines of those that changed, by name."""
    names = list_account_databases(account_id)
    changes = zip(names, in_parallel(sync_database, names), strict=True)
    return {name: lines for name, lines in changes if lines}


def add_views(database: Database, design: str) -> bool:
    """Add this project's views that a query found missing to an account's database, a MODb or `webhooks`.

    Returns whether it lacked any.
    Views of Kazoo's own design documents (`design`, without ``_design/``) are left to ``manage.py sync_views``.
    """
    if kind_of(database.name) in (None, "accounts") or f"_design/{design}" in KAZOO_DOCUMENTS:
        return False
    return database.exists() and bool(sync_views(database))


def kind_of(name: str) -> str | None:
    """Return which of the loader's kinds a database is of."""
    if name in (database_names.ACCOUNTS, database_names.WEBHOOKS):
        return name
    owner = database_names.parse(name)
    if owner is None:
        return None
    return "modb" if owner.month else "account"
