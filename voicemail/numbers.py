"""Mailbox numbers: each, and each alias, belongs to one box of its account.

The view alone can't see to that: two clients who create one number at once both find it free. So whoever
gives a box a number first *claims* it, by a short-lived document in the account's database whose id derives
from the number: CouchDB lets one of several writers create it, on whatever instance they run. The winner
looks into the view, writes the box and deletes the claim; the others wait a little and look again. A claim
whose holder was killed is taken over when it is CLAIM_SECONDS old.
"""

import hashlib
import logging
import random
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from accounts.couch import Database, Document
from crossbar.errors import DatastoreConflict, DatastoreUnreachable, ValidationFailed

logger = logging.getLogger(__name__)

DESIGN = "vmboxes_numbers"
VIEW = "by_number"
CLAIM_TYPE = "vmbox_number_claim"
CLAIM_SECONDS = 30
# A holder that took longer than this to get all its claims gives up: the first might soon be taken over.
_USABLE_SECONDS = 15
_WAIT_SECONDS = 8


def as_text(number: object) -> str | None:
    """A stored mailbox number or alias as text: old documents hold some as integers. None for what is none."""
    if isinstance(number, bool):
        return None
    if isinstance(number, float) and number.is_integer():
        return str(int(number))
    return str(number) if isinstance(number, str | int | float) and number != "" else None


def of(box: Mapping[str, Any]) -> set[str]:
    """The numbers a box answers to: its own and its aliases."""
    aliases = box.get("aliases")
    values = [box.get("mailbox"), *(aliases if isinstance(aliases, list) else [])]
    return {text for text in map(as_text, values) if text is not None}


def taken(database: Database, numbers: Iterable[str], box_id: str | None = None) -> str | None:
    """The first of some numbers that another box of the account has; None when all are free for this box."""
    wanted = sorted(set(numbers))
    rows = database.view(DESIGN, VIEW, keys=wanted) if wanted else []
    return next((row["key"] for row in rows if row["id"] != box_id), None)


def not_unique(number: str) -> ValidationFailed:
    """The error for a number that another box has."""
    message = "Invalid mailbox number, alias or already exists"
    return ValidationFailed.field("mailbox", "unique", message, value=number)


class Reservation:
    """The numbers that a box is about to get, held against all other writers until the ``with`` block ends."""

    def __init__(self, database: Database, box_id: str) -> None:
        self._database = database
        self._box_id = box_id
        self._held: dict[str, Document] = {}
        self._since: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, claim in self._held.items():
            try:
                self._database.delete(claim["_id"], claim["_rev"])
            except (DatastoreConflict, DatastoreUnreachable) as failure:
                # Taken over, or out of reach: either way it ends by itself when it is old enough.
                logger.warning("Claim of mailbox number %s not released: %s", number, type(failure).__name__)
        self._held.clear()

    def hold(self, numbers: Iterable[str]) -> None:
        """Make sure of numbers that the box hasn't yet; those that are held already cost nothing.

        Raises ValidationFailed (`mailbox` → `unique`) when another box has one of them, and
        DatastoreConflict when somebody holds a claim for longer than a request can wait.
        """
        # Always in the same order, so that two boxes with crossed aliases don't wait for each other.
        wanted = sorted(set(numbers) - self._held.keys())
        if not wanted:
            return
        self._require_free(wanted)
        if self._since is None:
            self._since = time.monotonic()
        for number in wanted:
            self._claim(number)
        self._require_free(wanted)
        if time.monotonic() - self._since > _USABLE_SECONDS:
            raise DatastoreConflict()

    def _require_free(self, numbers: Iterable[str]) -> None:
        number = taken(self._database, numbers, self._box_id)
        if number is not None:
            raise not_unique(number)

    def _claim(self, number: str) -> None:
        """Create the claim document of a number, waiting for whoever holds it and looking what came of it."""
        give_up = time.monotonic() + _WAIT_SECONDS
        pause = 0.01
        claim = _claim_document(number, self._box_id)
        while True:
            try:
                self._held[number] = self._database.put(claim)
            except DatastoreConflict:
                if time.monotonic() > give_up:
                    raise
                time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - no secret
                pause = min(pause * 2, 0.25)
                self._require_free([number])
                claim = _claim_document(number, self._box_id)
                abandoned = _abandoned(self._database.get(claim["_id"]))
                if abandoned is not None:
                    claim["_rev"] = abandoned
            else:
                return


def claim_id(number: str) -> str:
    """The id of the claim document of a number; a digest, since a number may hold any character."""
    return f"{CLAIM_TYPE}-{hashlib.sha256(number.encode()).hexdigest()}"


def _claim_document(number: str, box_id: str) -> Document:
    return {
        "_id": claim_id(number),
        "pvt_type": CLAIM_TYPE,
        "number": number,
        "box_id": box_id,
        "claimed_at": time.time(),  # seconds since 1970, in parts: a claim lives for milliseconds
    }


def _abandoned(claim: Document | None) -> str | None:
    """The revision of a claim whose holder must be dead, by its age; None when it may be at work, or is done."""
    if claim is None:
        return None
    since = claim.get("claimed_at")
    # One from the future was made by a clock that can't be trusted: it must not stay for ever.
    fresh = isinstance(since, int | float) and abs(time.time() - since) <= CLAIM_SECONDS
    return None if fresh else str(claim["_rev"])
