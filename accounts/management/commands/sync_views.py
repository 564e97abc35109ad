"""``manage.py sync_views``: bring the design documents of all databases up to date."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from storage import database_names, maintenance


class Command(BaseCommand):
    """Adds missing views and updates our own design documents; views of Kazoo's that exist stay as they are."""

    help = "Adds what is missing to the design documents of every database and updates our own; changes nothing else."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("--account", metavar="ID", help="only this account's database and its MODbs")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")

    def handle(self, *args: Any, account: str | None, dry_run: bool, **options: Any) -> None:
        """Print a line per change and a summary; CommandError (exit status 1) names databases that failed."""
        names = maintenance.list_all_databases() if account is None else _list_databases(account)
        changed, failed = 0, []
        for name in names:
            try:
                lines = maintenance.sync_database(name, dry_run=dry_run)
            except Exception as error:  # one broken database must not keep the others from their views
                failed.append(name)
                self.stderr.write(f"{name}: {type(error).__name__}: {error}")
                continue
            changed += bool(lines)
            for line in lines:
                self.stdout.write(f"{name}: {line}")
        verb = "to change" if dry_run else "changed"
        self.stdout.write(f"{len(names)} databases checked, {changed} {verb}, {len(failed)} failed")
        if failed:
            raise CommandError(f"Failed: {', '.join(failed)}")


def _list_databases(account_id: str) -> list[str]:
    """Return the names of an account's database and its MODbs."""
    if not database_names.is_account_id(account_id):
        raise CommandError(f"{account_id} is not an account id: 32 lower-case hex digits")
    names, own_name = maintenance.list_account_databases(account_id), database_names.account_db(account_id)
    if own_name not in names:
        raise CommandError(f"There is no database {own_name}")
    return names
