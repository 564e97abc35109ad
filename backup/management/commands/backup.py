"""``manage.py backup``: back up all that is voicemail, while the service runs. Its guide is docs/backup.md."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backup.backup import BackupOptions, back_up
from backup.command_line import account_ids, parse_positive, running
from backup.layout import Selection
from backup.opening import open_place
from couch.client import couch
from storage import database_names


class Command(BaseCommand):
    """Backs up; shows its progress on stderr, and a summary on stdout."""

    help = (
        "Backs up all that is voicemail: the databases of all accounts with all recordings, settings, schemas, "
        "webhooks, the system's media, and Django's tables (operators, audit log, runs of migrations). The service "
        "may run meanwhile. Whatever stops it, even kill -9: the same command continues where it was. "
        "Exit status: 0 if all is well; 1 if something could not be read, or it can't start; 130 or 143 if it was "
        "stopped by Ctrl-C or SIGTERM."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("destination", metavar="DEST", help="a folder for this backup alone, which is created")
        parser.add_argument(
            "--account", metavar="ID", action="append", default=[], help="only this account; repeatable"
        )
        parser.add_argument(
            "--since", metavar="LAST", help="an earlier backup: store only what changed since, and refer to it"
        )
        parser.add_argument(
            "--with-keys",
            action="store_true",
            help="also what signs tokens: whoever has this backup can sign in as anybody",
        )
        parser.add_argument(
            "--workers", metavar="N", type=parse_positive, default=4, help="databases read at once; 4"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run. Exits with the status that the help lists; CommandError if it can't start."""
        place = open_place(options["destination"])
        since = options["since"]
        backup_options = BackupOptions(
            selection=Selection(account_ids(options["account"]), options["with_keys"]),
            since=None if since is None else open_place(since),
            workers=options["workers"],
        )
        with running(self, options) as progress:
            for account_id in backup_options.selection.accounts:
                if not couch().exists(database_names.account_db(account_id)):
                    raise CommandError(f"There is no account {account_id}.")
            back_up(couch(), place, backup_options, progress)
