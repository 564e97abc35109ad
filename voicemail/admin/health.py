"""The state of the system at the desk: CouchDB, and for a page of accounts at a time databases, storage, messages."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from accounts import databases, directory, figures, gregorian
from accounts.admin.charts import bars
from accounts.couch import Document, couch, in_parallel
from crossbar.errors import ApiError
from voicemail import days

_TASKS = {"indexer": "building views", "database_compaction": "compacting", "view_compaction": "compacting views"}


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


def of_couchdb() -> dict[str, Any]:
    """What CouchDB says of itself: `up`, `version`, and `tasks` under way, None where it doesn't say."""
    if not couch().up():
        return {"up": False, "version": None, "tasks": None}
    return {"up": True, "version": couch().info().get("version"), "tasks": _tasks()}


def of_accounts(docs: list[Document]) -> list[AccountState]:
    """The states of some accounts, those first that need somebody."""
    month = gregorian.month_of(gregorian.now())
    months = (month, gregorian.next_month(month))
    states = in_parallel(partial(_state, months=months), docs)
    return sorted(states, key=lambda state: (state.is_good, -state.on_disk))


def chart(account_ids: list[str]) -> dict[str, Any]:
    """Messages per day of some accounts: the chart, and its values as ``[(day, number)]``."""
    counted = [(f"{day:%Y-%m-%d}", number) for day, number in days.of_accounts(account_ids)]
    return {"svg": bars(counted, "Messages per day"), "values": counted}


def _state(doc: Document, months: tuple[str, ...]) -> AccountState:
    account_id = doc["_id"]
    found = figures.of_account(account_id)
    there = {one.month for one in found}
    return AccountState(
        account_id=account_id,
        name=str(doc.get("name") or account_id),
        on_disk=sum(one.on_disk for one in found),
        lacking=tuple(one.month or "account" for one in found if one.lacking),
        missing_months=tuple(month for month in months if month not in there) if directory.is_enabled(doc) else (),
    )


def _tasks() -> list[str] | None:
    """What CouchDB is doing beside answering; None where it doesn't tell."""
    try:
        found = couch().json(couch().call("GET", "_active_tasks"))
    except ApiError:
        return None
    return [_spelled(task) for task in found if isinstance(task, dict)]


def _spelled(task: Document) -> str:
    # A shard's name is shards/00000000-7fffffff/account/aa/bb/rest.1700000000.
    name = str(task.get("database", "")).split("/", 2)[-1].rsplit(".", 1)[0]
    split = databases.split(name)
    where = f"{split.account_id} {split.month or ''}".strip() if split else name
    kind = _TASKS.get(str(task.get("type")), str(task.get("type")))
    return f"{kind}: {where}, {task.get('progress', '?')} %"
