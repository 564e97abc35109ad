"""``manage.py restore``: restore a backup, or single accounts of it. Its guide is docs/backup.md."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from backup.chain import open_chain
from backup.command_line import account_ids, parse_positive, running
from backup.opening import open_place
from backup.restore import RestoreOptions, restore_backup
from couch.client import Couch, couch


class Command(BaseCommand):
    """Restores; shows its progress on stderr, and a summary on stdout."""

    help = (
        "Restores a backup into a CouchDB that has none of it, and Django's tables where there are no operators yet. "
        "Nothing is overwritten or deleted, and what is in the way is reported before anything is written. Every "
        "file is checked before it is used. Whatever stops it, even kill -9: the same command continues. "
        "Exit status: 0 if all is well; 1 if something is damaged or in the way; 130 or 143 if it was stopped."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("source", metavar="SRC", help="the place of a finished backup")
        parser.add_argument(
            "--account",
            metavar="ID",
            action="append",
            default=[],
            help="only this account, which keeps its id: also into a service with other accounts; repeatable",
        )
        parser.add_argument(
            "--into", metavar="URL", help="a CouchDB other than COUCHDB_URL, for a drill; Django's tables stay out"
        )
        parser.add_argument(
            "--add-missing",
            action="store_true",
            help="also into databases that have documents: adds those that are missing, and leaves the others",
        )
        parser.add_argument(
            "--without-tables", action="store_true", help="leave out operators, audit log and runs of migrations"
        )
        parser.add_argument("--dry-run", action="store_true", help="check what is there and what would be restored")
        parser.add_argument(
            "--workers", metavar="N", type=parse_positive, default=4, help="databases restored at once; 4"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run. Exits with the status that the help lists; CommandError if it can't start."""
        restore_options = RestoreOptions(
            accounts=account_ids(options["account"]),
            add_missing=options["add_missing"],
            with_tables=not options["without_tables"] and options["into"] is None,
            dry_run=options["dry_run"],
            workers=options["workers"],
        )
        with running(self, options) as progress:
            chain = open_chain(open_place(options["source"]))
            restore_backup(_open_target(options["into"]), chain, restore_options, progress)


def _open_target(url: str | None) -> Couch:
    if url is None:
        return couch()
    return Couch(url, connect_timeout=settings.COUCHDB_CONNECT_TIMEOUT, read_timeout=settings.COUCHDB_READ_TIMEOUT)
