"""What an examination is about: all accounts or one of them; and what its checks share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from accounts import account_index, accounts
from couch.client import couch
from storage import database_names
from storage.database_names import AccountDatabase


def _show_nothing(text: str) -> None:
    """Show no progress."""


@dataclass
class Scope:
    """All accounts, or the one with `account_id`."""

    account_id: str | None = None
    show_progress: Callable[[str], None] = _show_nothing
    """Tells somebody who waits what is being looked at."""
    summary: dict[str, str] = field(default_factory=dict)
    """What checks learned that is worth saying where nothing is wrong, by the name of the subject."""

    @cached_property
    def databases(self) -> dict[str, AccountDatabase]:
        """The accounts' existing databases, by name, each with its account and month."""
        prefix = "account/" if self.account_id is None else database_names.account_db(self.account_id)
        parsed = ((name, database_names.parse(name)) for name in couch().names(prefix))
        return {name: owner for name, owner in parsed if owner is not None}

    @cached_property
    def months(self) -> dict[str, list[str]]:
        """The months ``YYYYMM`` that each account has a MODb of; an account without an own database isn't in it."""
        own_databases = (owner for owner in self.databases.values() if owner.month is None)
        months: dict[str, list[str]] = {owner.account_id: [] for owner in own_databases}
        for owner in self.databases.values():
            if owner.month is not None and owner.account_id in months:
                months[owner.account_id].append(owner.month)
        return months

    @cached_property
    def live_accounts(self) -> list[str]:
        """The ids of the accounts that are not removed."""
        if self.account_id is None:
            return list(account_index.iterate_live_ids())
        return [self.account_id] if accounts.is_live(account_index.database().get(self.account_id)) else []

    @property
    def accounts_with_database(self) -> list[str]:
        """The ids of those of them that have a database of their own."""
        return [account_id for account_id in self.live_accounts if account_id in self.months]
