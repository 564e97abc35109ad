"""Messages whose age is not the time that Kazoo's listings show.

Of a message's times, Kazoo's listings know only ``metadata.timestamp``. Retention goes by its age (`retention.age`),
which is another time in some documents that neither Kazoo nor this project wrote. A view of this project holds those
few, so that listings show them in the same folder as everything else does.
"""

from threading import Lock
from typing import Any, NamedTuple

from cachetools import LRUCache

from couch.client import Database, Row
from couch.errors import MissingDatabase
from storage import view_names

# A state of a MODb needs one request. While nobody changes it, listings need none.
_CACHED_STATES = 5_000
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

_cache: LRUCache[tuple[str, str], tuple[int, Messages]] = LRUCache(_CACHED_STATES)
_lock = Lock()


def read(modb: Database, limit: int, update_seq: str | None = None) -> Messages:
    """The messages of a MODb whose age or listed time lies before a limit, and the other may not; by their ids.

    `update_seq` is that of rows of the MODb (`Database.versioned_view`). With it, the messages are cached.
    """
    cache_key = (modb.name, update_seq or "")
    with _lock:
        cached_limit, messages = _cache.get(cache_key, (limit, {}))
    if cached_limit > limit:
        return messages
    messages = _query(modb, limit + _MARGIN)
    if update_seq is not None:
        with _lock:
            _cache[cache_key] = limit + _MARGIN, messages
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
