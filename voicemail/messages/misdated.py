"""Messages whose age is not the time that Kazoo's listings show.

Of a message's times, Kazoo's listings know only ``metadata.timestamp``. Retention goes by its age (`retention.age`),
which is another time in some documents that neither Kazoo nor this project wrote. A view of this project holds those
few, so that listings show them in the same folder as everything else does.
"""

import time
from threading import Lock
from typing import Any, NamedTuple

from cachetools import LRUCache

from couch.database import Database, Row
from couch.errors import MissingDatabase
from storage import view_names

CACHE_SECONDS = 4
"""How long a message may be in its former folder after another process changed its age and nothing that is listed.

CouchDB's sequence of a view tells only of changes to the rows of that very view.
"""
_CACHED_MODBS = 5_000
# On a cluster a state of a MODb may have several sequences: each replica of a shard has its own, and any may answer.
_MAX_SEQUENCES = 64
# Seconds after the limit that are read as well: the limit moves on with the clock.
_MARGIN = 86_400
# If there are more in a MODb, then those that were left right before the limit count.
_MAX_MESSAGES = 10_000


class MisdatedMessage(NamedTuple):
    """A message, removed or not, with its age in Gregorian seconds and its summary as listings have it."""

    message_id: str
    box_id: Any
    age: int
    is_removed: bool
    is_silent: bool
    """Whether it has no audio."""
    summary: dict[str, Any]

    @property
    def listed_time(self) -> int:
        """The time that listings show and sort by, in Gregorian seconds."""
        return int(self.summary["timestamp"])


Messages = dict[str, MisdatedMessage]


class _CacheEntry(NamedTuple):
    """The messages of a MODb up to a limit, and the sequences of its states that have just these."""

    limit: int
    messages: Messages
    sequences: frozenset[str]
    expires_at: float
    """In monotonic seconds."""

    def answers(self, limit: int, update_seq: str) -> bool:
        return self.limit > limit and update_seq in self.sequences and time.monotonic() < self.expires_at


_cache: LRUCache[str, _CacheEntry] = LRUCache(_CACHED_MODBS)
_lock = Lock()


def read(modb: Database, limit: int, update_seq: str | None = None) -> Messages:
    """The messages of a MODb whose age or listed time lies before a limit, and the other may not; by their ids.

    `update_seq` is that of rows of the MODb (`Database.versioned_view`). With it, the messages are cached for
    CACHE_SECONDS, or until those rows change.
    """
    if update_seq is None:
        return _query(modb, limit + _MARGIN)
    with _lock:
        entry = _cache.get(modb.name)
    if entry is not None and entry.answers(limit, update_seq):
        return entry.messages
    if entry is None or entry.limit <= limit:
        entry = _CacheEntry(limit + _MARGIN, {}, frozenset(), 0.0)
    expires_at = time.monotonic() + CACHE_SECONDS
    messages = _query(modb, entry.limit)
    is_same = messages == entry.messages and len(entry.sequences) < _MAX_SEQUENCES
    sequences = entry.sequences | {update_seq} if is_same else frozenset({update_seq})
    with _lock:
        _cache[modb.name] = _CacheEntry(entry.limit, messages, sequences, expires_at)
    return messages


def _query(modb: Database, limit: int) -> Messages:
    try:
        rows = modb.view(*view_names.MISDATED_MESSAGES, startkey=limit, descending=True, limit=_MAX_MESSAGES)
    except MissingDatabase:  # archived meanwhile
        return {}
    return {row["id"]: _parse_row(row) for row in rows}


def _parse_row(row: Row) -> MisdatedMessage:
    value = row["value"]
    return MisdatedMessage(
        row["id"], value["box_id"], value["age"], value["removed"], value["silent"], value["summary"]
    )
