"""``manage.py ensure_modbs``: create every account's databases of this and the next month ahead of need."""

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import account_index, accounts
from couch.parallel import in_parallel
from crossbar.errors import BadIdentifier
from storage import modbs

_BATCH_SIZE = 64


class Command(BaseCommand):
    """May run daily, also several at once: databases that exist stay as they are."""

    help = "Creates this month's and next month's message databases of every account. Run it daily."
    requires_system_checks = []

    def handle(self, *args: Any, verbosity: int, **options: Any) -> None:
        """Print a line per failure and a summary; CommandError (exit status 1) if any account failed."""
        account_count, failed = 0, 0
        ids = account_index.iterate_live_ids()
        while batch := list(islice(ids, _BATCH_SIZE)):
            faults = [fault for fault in in_parallel(_ensure, batch) if fault is not None]
            for fault in faults:
                self.stderr.write(fault)
            account_count += len(batch)
            failed += len(faults)
        if verbosity > 0:
            self.stdout.write(f"{account_count} accounts checked, {failed} failed")
        if failed:
            raise CommandError(f"{failed} of {account_count} accounts failed")


def _ensure(account_id: str) -> str | None:
    """Create an account's databases; return what went wrong, None if nothing did."""
    try:
        accounts.get(account_id)
        modbs.ensure_ahead(account_id)
    except BadIdentifier:
        return f"{account_id}: its database does not exist, or lacks the account's document"
    except Exception as error:  # one broken account must not keep the others from their databases
        return f"{account_id}: {type(error).__name__}: {error}"
    return None
