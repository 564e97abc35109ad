"""Bringing databases to what they should be: those of the system, accounts and MODbs, and the views in them."""

from couch.client import couch
from couch.parallel import in_parallel
from couch_views.sync import sync
from storage import database_names


def of_account(account_id: str) -> list[str]:
    """The names of an account's database and its MODbs, those that exist; ValueError for what is no account id."""
    name = database_names.account_db(account_id)
    return [each for each in couch().names(name) if database_names.split(each)]


def all_databases() -> list[str]:
    """The system's databases, there or not, and every account database and MODb."""
    return [*database_names.SYSTEM] + [name for name in couch().names("account/") if database_names.split(name)]


def sync_database(name: str, *, dry_run: bool = False) -> list[str]:
    """Add and update a database's design documents, as `couch_views.sync` does; a line for each that was changed.

    One of the system's that is missing is created. With dry_run: what would be changed.
    """
    lines = []
    if name in database_names.SYSTEM and not couch().exists(name):
        lines.append("create database")
        if not dry_run:
            couch().create(name)
    kind = _kind(name)
    if kind is not None:
        lines += [str(change) for change in sync(couch().database(name), kind, dry_run=dry_run)]
    return lines


def sync_account(account_id: str) -> dict[str, list[str]]:
    """Add and update the design documents of an account's databases: what was changed in which, by its name."""
    names = of_account(account_id)
    found = zip(names, in_parallel(sync_database, names), strict=True)
    return {name: lines for name, lines in found if lines}


def _kind(name: str) -> str | None:
    """Which design documents a database gets; None for none."""
    if name == database_names.ACCOUNTS:
        return "accounts"
    owner = database_names.split(name)
    if owner is None:
        return None
    return "modb" if owner.month else "account"
