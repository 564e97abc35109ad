"""``manage.py index_search``: indexes all accounts for the desk's search."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from couch.errors import CouchError
from search import filling


class Command(BaseCommand):
    """Fills the index once; an interrupted run goes on where it stopped."""

    help = (
        "Indexes accounts, users, mailboxes and messages for the desk's search. Needed once; after that, "
        "manage.py follow_changes keeps the index up to date. Run it again after it was interrupted: it goes on."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """``--again``."""
        parser.add_argument("--again", action="store_true", help="index everything anew, though that was done")

    def handle(self, *, again: bool, verbosity: int, **options: Any) -> None:
        """Fill the index, or say that it is filled."""
        if not settings.SEARCH_INDEX:
            self._say("The index is switched off (SEARCH_INDEX).", verbosity)
            return
        latest = filling.latest()
        if latest is not None and latest.ended_at is not None and not again:
            self._say("The index is filled already. --again indexes everything anew.", verbosity)
            return

        def show_progress(done: int, total: int) -> None:
            if done == total or done % 100 == 0:
                self._say(f"{done:,} of {total:,} accounts", verbosity)

        try:
            filling.fill_index(show_progress)
        except CouchError as error:
            raise CommandError(f"Interrupted: {error}. Run it again, and it goes on.") from error

    def _say(self, text: str, verbosity: int) -> None:
        if verbosity:
            self.stdout.write(text)
