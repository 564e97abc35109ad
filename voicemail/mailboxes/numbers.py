"""Mailbox numbers: each, and each alias, belongs to one box of its account.

The view alone can't see to that: two clients who create one number at once both find it free. So whoever
gives a box a number first claims it (accounts.claims), then looks into the view, writes the box and gives
the claim back. Of several writers, on whatever instance, the first gets the number; the others wait for the
claim and then see in the view whose the number is.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from couch.client import Database
from crossbar.errors import ValidationFailed
from storage import locks

DESIGN = "vmboxes_numbers"
VIEW = "by_number"
CLAIM_KIND = "vmbox_number"
# Who waited longer than this for its last claim makes sure that the first ones are still its own.
_RENEW_SECONDS = locks.STALE_SECONDS / 4


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
        self._held: dict[str, locks.Claim] = {}
        self._claims = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.clear()
        self._claims.close()

    def hold(self, numbers: Iterable[str]) -> None:
        """Make sure of numbers that the box hasn't yet; those that are held already cost nothing.

        Raises ValidationFailed (`mailbox` → `unique`) when another box has one of them, and
        Conflict when somebody holds a claim for longer than a request can wait.
        """
        # Always in the same order, so that two boxes with crossed aliases don't wait for each other.
        wanted = sorted(set(numbers) - self._held.keys())
        self._require_free(wanted)
        waited_since = time.monotonic()
        for number in wanted:
            look = partial(self._require_free, [number])
            claimed = locks.held(self._database, CLAIM_KIND, number, look, box_id=self._box_id)
            self._held[number] = self._claims.enter_context(claimed)
        if time.monotonic() - waited_since > _RENEW_SECONDS:
            for claim in self._held.values():
                claim.renew()

    def _require_free(self, numbers: Iterable[str]) -> None:
        number = taken(self._database, numbers, self._box_id)
        if number is not None:
            raise not_unique(number)
