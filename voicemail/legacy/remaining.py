"""Count the entries that are still in mailboxes' arrays: CouchDB adds them up (``_design/vmboxes_legacy/by_box``)."""

from dataclasses import dataclass

from accounts import accounts
from couch.database import Document, Row
from storage import view_names

_LIVE = "live"
_MAX_BOXES = 5_000


@dataclass(frozen=True)
class RemainingEntries:
    """How many entries an account's arrays hold, including those that can't be migrated."""

    live: int = 0
    removed: int = 0
    """In removed mailboxes."""

    @property
    def total(self) -> int:
        """In all mailboxes."""
        return self.live + self.removed


@dataclass(frozen=True)
class BoxRemainder:
    """How many entries one mailbox's array holds."""

    box_id: str
    count: int
    is_removed: bool
    mailbox: str = ""
    """The mailbox's number; empty, as its name, for a removed one."""
    name: str = ""


def count_entries(account_id: str) -> RemainingEntries:
    """An account's entries, in one request. Raises MissingView if the view isn't synced yet."""
    counts = {row["key"][0]: int(row["value"]) for row in _query(account_id, group_level=1)}
    return RemainingEntries(counts.pop(_LIVE, 0), sum(counts.values()))


def count_by_box(account_id: str, limit: int = _MAX_BOXES) -> list[BoxRemainder]:
    """An account's mailboxes that have entries, those with most entries first, in two requests.

    Reads at most `limit` mailboxes: of a larger account some are missing, or have no name.
    """
    rows = _query(account_id, group=True, limit=limit)
    summaries = accounts.database_of(account_id).view(*view_names.MAILBOXES_BY_NAME, limit=limit) if rows else []
    summary_by_id = {row["id"]: row["value"] for row in summaries}
    boxes = [_box_remainder(row, summary_by_id.get(row["key"][1], {})) for row in rows]
    return sorted(boxes, key=lambda box: (-box.count, box.box_id))


def _box_remainder(row: Row, summary: Document) -> BoxRemainder:
    state, box_id = row["key"]
    number, name = (str(summary.get(key) or "") for key in ("mailbox", "name"))
    return BoxRemainder(box_id, int(row["value"]), state != _LIVE, number, name)


def _query(account_id: str, **options: object) -> list[Row]:
    return accounts.database_of(account_id).view(*view_names.LEGACY_MESSAGES_BY_MAILBOX, **options)
