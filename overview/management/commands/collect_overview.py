"""``manage.py collect_overview``: collects the figures of the desk's overview now, without a worker."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from couch.errors import CouchError
from overview import collecting
from overview.collecting import LeaseLost

_PAUSE = 0.5  # seconds


class Command(BaseCommand):
    """Collects until all accounts are done. Where a worker collects already, it takes turns with it."""

    help = (
        "Collects the figures of the desk's overview over all accounts. Workers do so by themselves every "
        "OVERVIEW_SECONDS; this is for installations without one, by a timer or cron."
    )
    requires_system_checks = []

    def handle(self, *args: Any, verbosity: int, **options: Any) -> None:
        """Print how many accounts were looked at; CommandError (exit status 1) if CouchDB doesn't answer."""
        collecting.begin()
        while (collection := collecting.current()) is not None and collection.started_at is not None:
            turn = collecting.claim_run()
            if turn is None:
                time.sleep(_PAUSE)  # another process reads a page, or was killed while it did
                continue
            try:
                collecting.collect_page(turn)
            except LeaseLost:
                continue
            except CouchError as error:
                collecting.give_up(turn, str(error))
                raise CommandError(f"CouchDB can't be read: {error}") from error
        if collection is not None and verbosity > 0:
            self.stdout.write(f"{collection.accounts_done} accounts in {collection.seconds:.1f} s")
