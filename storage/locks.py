"""Locks: short-lived documents that let only one of several writers go on.

A view alone can't keep a realm or a user name unique: two writers that create one at the same time both find it
free. So a writer first stores a lock document, whose id is derived from the value. CouchDB lets only one writer
create it, whichever instance it runs on. That one checks the view, writes, and deletes the lock; the others wait.

The lock of a killed holder stays. Another writer takes it over once it has not been renewed for STALE_SECONDS. The
waiting writer measures them with its own clock, since the clocks of two machines differ.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from couch.database import Database, Document
from couch.errors import Conflict, Unreachable
from couch.retry import paced_attempts

logger = logging.getLogger(__name__)

STALE_SECONDS = 10
WAIT_SECONDS = 14
# A lock written so long ago, by whichever clock, is stale without watching it.
_SURELY_STALE_SECONDS = 300


class Lock:
    """A lock that this process holds, with its holder's notes."""

    def __init__(self, database: Database, doc: Document, abandoned: Document | None) -> None:
        self._database = database
        self._doc = doc
        self.abandoned = abandoned
        """The lock document of a dead holder, if this lock replaced one."""

    def renew(self) -> None:
        """Tell the waiting writers that the work goes on; Conflict if one of them has taken the lock over."""
        self._doc = self._database.put({**self._doc, "claimed_at": time.time()})

    def release(self) -> None:
        """Let the next writer go on."""
        try:
            self._database.delete(self._doc["_id"], self._doc["_rev"])
        except (Conflict, Unreachable) as failure:
            # Whether it was taken over or can't be reached now, it ends by itself when it is stale.
            logger.warning("Lock %s not released: %s", self._doc["_id"], type(failure).__name__)


@contextmanager
def acquire(
    database: Database, kind: str, value: str, require_free: Callable[[], None], **notes: Any
) -> Iterator[Lock]:
    """Hold the lock on a value until the ``with`` block ends.

    `require_free` raises if the value is in use. It is called before, during and after the wait for the lock.
    `notes` are stored in the lock document. Conflict if others hold the lock for longer than a request can wait.
    """
    require_free()
    lock = _wait_for_lock(database, {"pvt_type": kind, **notes, "_id": lock_id(kind, value)}, require_free)
    try:
        require_free()
        yield lock
    finally:
        lock.release()


def lock_id(kind: str, value: str) -> str:
    """Return the id of a lock document, with a digest of the value, which may hold any character."""
    return f"{kind}-{hashlib.sha256(value.encode()).hexdigest()}"


def _wait_for_lock(database: Database, content: Document, require_free: Callable[[], None]) -> Lock:
    started_at = time.monotonic()
    holder_rev, unchanged_since = "", started_at
    abandoned: Document | None = None
    for number in paced_attempts(None):
        if number > 1:
            require_free()
            holder = database.get(content["_id"])
            if holder is not None and holder["_rev"] != holder_rev:
                holder_rev, unchanged_since = holder["_rev"], time.monotonic()
            abandoned = holder if _is_stale(holder, unchanged_since) else None
        doc = {**content, "claimed_at": time.time()}
        if abandoned is not None:
            doc["_rev"] = abandoned["_rev"]
        try:
            return Lock(database, database.put(doc), abandoned)
        except Conflict:
            if time.monotonic() - started_at > WAIT_SECONDS:
                raise
    raise AssertionError("the attempts have no end")


def _is_stale(holder: Document | None, unchanged_since: float) -> bool:
    if holder is None:
        return False
    if time.monotonic() - unchanged_since > STALE_SECONDS:
        return True
    written_at = holder.get("claimed_at")
    return not isinstance(written_at, int | float) or time.time() - written_at > _SURELY_STALE_SECONDS
