"""The state of a page of accounts at the desk: their databases, storage and messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts import accounts
from couch.client import Document
from couch.parallel import in_parallel
from desk.kit.charts import bars
from storage import database_stats, gregorian
from voicemail.messages import counts


@dataclass(frozen=True)
class AccountState:
    """An account's databases in short: bytes on disk, what lacks views, whether its MODbs are there."""

    account_id: str
    name: str
    on_disk: int
    lacking: tuple[str, ...]
    missing_months: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to do about it."""
        return not self.lacking and not self.missing_months


def of_accounts(docs: list[Document]) -> list[AccountState]:
    """The states of some accounts, those first that need somebody."""
    states = in_parallel(_state, docs)
    return sorted(states, key=lambda state: (state.is_good, -state.on_disk))


def chart(account_ids: list[str]) -> dict[str, Any]:
    """Messages per day of some accounts: the chart, and its values as ``[(day, number)]``."""
    counted = [(f"{day:%Y-%m-%d}", number) for day, number in counts.per_day(account_ids)]
    return {"svg": bars(counted, "Messages per day"), "values": counted}


def missing_months(there: Iterable[str | None]) -> tuple[str, ...]:
    """Of this and the next month, ``YYYYMM``, those that are not among an account's months."""
    month = gregorian.month_of(gregorian.now())
    found = set(there)
    return tuple(one for one in (month, gregorian.next_month(month)) if one not in found)


def _state(doc: Document) -> AccountState:
    account_id = doc["_id"]
    found = database_stats.of_account(account_id)
    return AccountState(
        account_id=account_id,
        name=str(doc.get("name") or account_id),
        on_disk=sum(one.on_disk for one in found),
        lacking=tuple(one.month or "account" for one in found if one.lacking),
        missing_months=missing_months(one.month for one in found) if accounts.is_enabled(doc) else (),
    )
