"""How far a consumer got, in local documents of CouchDB, which are replicated nowhere and change no sequence.

In each database that changed there is the consumer's checkpoint. In ``system_config`` there is, for each slot of
accounts, when following them began, and up to where ``_db_updates`` was worked off.

A database without a checkpoint is read from its first change on: it may have been created by that change. What was
last changed before following began is left out.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from couch.client import couch
from couch.database import Database
from couch.feeds import ChangesPage
from storage import database_names

_FIRST = "0"
_PREFIX = "vmboxes_events"
MAX_RECENT = 50
"""How many databases of a slot are noted as read last."""
_SLACK_SECONDS = 120
"""How long a write may take from its time stamp until it can be read."""


@dataclass(frozen=True)
class Position:
    """How far the changes of a database were read."""

    seq: str
    horizon: int
    """Whatever has an earlier time stamp was read already (Gregorian seconds)."""
    skip_before: int = 0
    """Documents that were last changed before are left out (Gregorian seconds); 0 once all old changes were read."""

    def after(self, page: ChangesPage, read_at: int) -> "Position":
        """The position after a page that was requested at a time in Gregorian seconds."""
        if page.has_more:
            return replace(self, seq=page.last_seq)
        return Position(page.last_seq, max(self.horizon, read_at - _SLACK_SECONDS))


@dataclass(frozen=True)
class SlotStart:
    """When following a slot of accounts began (Gregorian seconds), and the sequence to hear of databases from."""

    began_at: int
    seq: str
    recent: list[str] = field(default_factory=list)
    """Databases that were read last. A CouchDB that was killed may have lost the news that they changed again."""


def load(database: Database, consumer: str, began_at: int) -> Position:
    """Return a consumer's position in a database."""
    doc = database.get_local(f"{_PREFIX}-{consumer}")
    if doc is None:
        return Position(_FIRST, began_at, began_at)
    return Position(str(doc["seq"]), int(doc["horizon"]), int(doc.get("skip_before", 0)))


def store_position(database: Database, consumer: str, position: Position, epoch: int) -> None:
    """Store a consumer's position in a database. Raises MissingDatabase."""
    members: dict[str, Any] = {"seq": position.seq, "horizon": position.horizon, "epoch": epoch}
    if position.skip_before:
        members["skip_before"] = position.skip_before
    database.put_local(f"{_PREFIX}-{consumer}", members)


def load_slot(consumer: str, slot: int, first_start: SlotStart) -> SlotStart:
    """Return where to begin with a slot: at `first_start`, which is stored then, if nobody has ever followed it."""
    doc = _config().get_local(f"{_PREFIX}-{consumer}-{slot}")
    if doc is not None:
        return SlotStart(int(doc["began_at"]), str(doc["seq"]), list(doc.get("recent", [])))
    store_slot(consumer, slot, first_start)
    return first_start


def store_slot(consumer: str, slot: int, start: SlotStart) -> None:
    """Store where to begin with a slot of accounts."""
    members = {"began_at": start.began_at, "seq": start.seq, "recent": start.recent}
    _config().put_local(f"{_PREFIX}-{consumer}-{slot}", members)


def _config() -> Database:
    return couch().database(database_names.CONFIG)
