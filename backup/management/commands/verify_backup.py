"""``manage.py verify_backup``: check that a backup is whole. Its guide is docs/backup.md."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from backup.chain import open_chain
from backup.command_line import parse_positive, running
from backup.opening import open_place
from backup.verify import verify_backup


class Command(BaseCommand):
    """Checks; shows its progress on stderr, and a summary on stdout."""

    help = (
        "Reads a backup, and those that it builds on, and checks that every file is what it was when it was written "
        "and that the recordings of all documents are there. Asks no CouchDB. "
        "Exit status: 0 if all is well; 1 if anything is missing or damaged; 130 or 143 if it was stopped."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("source", metavar="SRC", help="the place of a finished backup")
        parser.add_argument("--workers", metavar="N", type=parse_positive, default=4, help="segments read at once; 4")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run. Exits with the status that the help lists."""
        with running(self, options) as progress:
            verify_backup(open_chain(open_place(options["source"])), progress, options["workers"])
