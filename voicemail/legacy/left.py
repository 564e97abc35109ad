"""What is still in the format of 3.x: numbers that CouchDB has added up (``_design/vmboxes_legacy/by_box``)."""

from dataclasses import dataclass

from couch.client import Document, Row
from voicemail.legacy.rows import DESIGN
from voicemail.mailboxes import store as mailbox_store

VIEW = "by_box"
_LIVE = "live"
_MOST = 5_000


@dataclass(frozen=True)
class Left:
    """How many entries boxes' arrays have, those of removed boxes apart. Those that can't be migrated count, too."""

    live: int = 0
    removed: int = 0

    @property
    def all(self) -> int:
        """All of them."""
        return self.live + self.removed


@dataclass(frozen=True)
class LeftInBox:
    """How many entries one box's array has."""

    box_id: str
    count: int
    is_removed: bool
    mailbox: str = ""
    """The box's number and name; empty for a removed one."""
    name: str = ""


def of_account(account_id: str) -> Left:
    """An account's entries, in one request. Raises DatastoreMissingView where the view isn't synced yet."""
    found = {row["key"][0]: int(row["value"]) for row in _rows(account_id, group_level=1)}
    return Left(found.pop(_LIVE, 0), sum(found.values()))


def by_box(account_id: str, most: int = _MOST) -> list[LeftInBox]:
    """An account's boxes that have any, those with most entries first, in two requests.

    Of more boxes than `most` only so many are looked at; the others have no name, or are missing.
    """
    rows = _rows(account_id, group=True, limit=most)
    summaries = mailbox_store.database_of(account_id).view("vmboxes", "crossbar_listing", limit=most) if rows else []
    named = {row["id"]: row["value"] for row in summaries}
    found = [_of_box(row, named.get(row["key"][1], {})) for row in rows]
    return sorted(found, key=lambda box: (-box.count, box.box_id))


def _of_box(row: Row, summary: Document) -> LeftInBox:
    state, box_id = row["key"]
    number, name = (str(summary.get(key) or "") for key in ("mailbox", "name"))
    return LeftInBox(box_id, int(row["value"]), state != _LIVE, number, name)


def _rows(account_id: str, **options: object) -> list[Row]:
    return mailbox_store.database_of(account_id).view(DESIGN, VIEW, **options)
