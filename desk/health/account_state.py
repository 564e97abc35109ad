"""The state of accounts: their databases, their storage, and how many messages they get."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts import accounts
from couch.database import Document
from couch.parallel import in_parallel
from desk.accounts.links import account_title
from desk.kit.charts import bar_chart
from storage import database_stats, modbs
from voicemail.messages import counts


@dataclass(frozen=True)
class AccountState:
    """An account's databases: bytes on disk, those that lack views, and MODbs that are missing."""

    account_id: str
    name: str
    on_disk: int
    lacking_views: tuple[str, ...]
    """The months of the MODbs that lack views; ``account`` stands for the account's own database."""
    missing_months: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing is missing."""
        return not self.lacking_views and not self.missing_months


def account_states(docs: list[Document]) -> list[AccountState]:
    """The states of accounts, those with something missing first."""
    return sorted(in_parallel(_account_state, docs), key=lambda state: (state.is_good, -state.on_disk))


def _account_state(doc: Document) -> AccountState:
    databases = database_stats.list_account_stats(doc["_id"])
    return AccountState(
        account_id=doc["_id"],
        name=account_title(doc),
        on_disk=sum(database.bytes_on_disk for database in databases),
        lacking_views=tuple(database.month or "account" for database in databases if database.incomplete_designs),
        missing_months=(
            modbs.missing_months(database.month for database in databases) if accounts.is_enabled(doc) else ()
        ),
    )


def message_chart(account_ids: list[str]) -> dict[str, Any]:
    """Messages per day of some accounts: a chart as `svg`, its `values` as ``[(day, number)]``, and their `total`."""
    values = [(f"{day:%Y-%m-%d}", number) for day, number in counts.per_day(account_ids)]
    total = sum(number for _day, number in values)
    return {"svg": bar_chart(values, _("Messages per day")), "values": values, "total": total}
