"""Claims: short-lived documents that let one of several writers do what only one may.

A view alone can't keep a realm or a user name unique: two who create one at once both find it free. So whoever
wants it first puts a claim document, whose id derives from it: CouchDB lets one create it, on whatever instance
they run. The winner looks into the view, writes, and deletes the claim; the others wait.

A killed holder's claim stays. It is taken over when nobody has renewed it for STALE_SECONDS, seen by the waiter's
own clock, for the clocks of two machines differ.
"""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from couch.client import Database, Document
from couch.errors import Conflict, Unreachable

logger = logging.getLogger(__name__)

STALE_SECONDS = 10
WAIT_SECONDS = 14
# One that was written so long ago by any clock needs no watching.
_CERTAINLY_STALE_SECONDS = 300
_LONGEST_PAUSE = 0.25


class Claim:
    """A claim that is held, with what its holder noted in it."""

    def __init__(self, database: Database, doc: Document, abandoned: Document | None) -> None:
        self._database = database
        self._doc = doc
        self.abandoned = abandoned
        """The claim of a holder that died, if this one took its place."""

    def renew(self) -> None:
        """Say that the work goes on; Conflict when somebody else took over meanwhile."""
        self._doc = self._database.put({**self._doc, "claimed_at": time.time()})

    def release(self) -> None:
        """Let the others go on."""
        try:
            self._database.delete(self._doc["_id"], self._doc["_rev"])
        except (Conflict, Unreachable) as failure:
            # Taken over, or out of reach: either way it ends by itself when it is old enough.
            logger.warning("Claim %s not released: %s", self._doc["_id"], type(failure).__name__)


@contextmanager
def held(database: Database, kind: str, value: str, look: Callable[[], None], **notes: Any) -> Iterator[Claim]:
    """Hold the claim of a value against all other writers until the ``with`` block ends.

    `look` raises when the value turns out to be taken; it is called before, between waiting, and once the claim
    is held. `notes` are stored in the claim. Conflict when somebody holds it for longer than a request
    can wait.
    """
    look()
    claim = _acquire(database, {"pvt_type": kind, **notes, "_id": claim_id(kind, value)}, look)
    try:
        look()
        yield claim
    finally:
        claim.release()


def claim_id(kind: str, value: str) -> str:
    """The id of a claim document; a digest, since a value may hold any character."""
    return f"{kind}-{hashlib.sha256(value.encode()).hexdigest()}"


def _acquire(database: Database, wanted: Document, look: Callable[[], None]) -> Claim:
    started = time.monotonic()
    pause = 0.01
    watched: tuple[str, float] = ("", started)  # the holder's revision, and since when it is the same
    abandoned: Document | None = None
    while True:
        doc = {**wanted, "claimed_at": time.time()}
        if abandoned is not None:
            doc["_rev"] = abandoned["_rev"]
        try:
            return Claim(database, database.put(doc), abandoned)
        except Conflict:
            if time.monotonic() - started > WAIT_SECONDS:
                raise
        time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - no secret
        pause = min(pause * 2, _LONGEST_PAUSE)
        look()
        holder = database.get(wanted["_id"])
        if holder is not None and holder["_rev"] != watched[0]:
            watched = (holder["_rev"], time.monotonic())
        abandoned = holder if _is_stale(holder, watched[1]) else None


def _is_stale(holder: Document | None, since: float) -> bool:
    if holder is None:
        return False
    if time.monotonic() - since > STALE_SECONDS:
        return True
    written = holder.get("claimed_at")
    return not isinstance(written, int | float) or time.time() - written > _CERTAINLY_STALE_SECONDS
