"""Mailbox numbers: each number and each alias belongs to one mailbox of its account.

The view alone can't ensure that: two clients that create one number at the same time both find it free. So whoever
gives a mailbox a number first acquires the lock on it (`storage.locks`), then checks the view, writes the mailbox
and releases the lock. Of several writers, on whichever instances, the first gets the number. The others wait for the
lock and then see in the view whose the number is.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain, count
from types import TracebackType
from typing import Any, Self

from couch.database import Database
from crossbar.errors import ValidationFailed
from storage import locks, values, view_names

LOCK_KIND = "vmbox_number"
# A writer that waited longer than this for its last lock makes sure that the first ones are still its own.
_RENEW_SECONDS = locks.STALE_SECONDS / 4
_PROPOSABLE = re.compile(r"[0-9]{2,8}", re.ASCII)


def of(box: Mapping[str, Any]) -> set[str]:
    """The numbers of a mailbox: its own and its aliases."""
    return set(_list(box))


def _list(box: Mapping[str, Any]) -> list[str]:
    """The number of a mailbox and its aliases, in order, each as often as it is there."""
    aliases = box.get("aliases")
    stored = [box.get("mailbox"), *(aliases if isinstance(aliases, list) else [])]
    return [text for text in map(values.as_text, stored) if text is not None]


def find_repeated(box: Mapping[str, Any], stored: Mapping[str, Any]) -> str | None:
    """The first number that a mailbox has twice, and not as often already as it is stored; None if there is none."""
    counts, stored_counts = Counter(_list(box)), Counter(_list(stored))
    return next((number for number, count in counts.items() if count > max(1, stored_counts[number])), None)


def find_used(database: Database, numbers: Iterable[str], box_id: str | None = None) -> str | None:
    """The first of some numbers that another mailbox of the account has; None if all are free for this mailbox."""
    keys = sorted(set(numbers))
    rows = database.view(*view_names.MAILBOXES_BY_NUMBER, keys=keys) if keys else []
    return next((row["key"] for row in rows if row["id"] != box_id), None)


def propose(database: Database, preferred: Sequence[str]) -> str:
    """A free number for a new mailbox: the first of the `preferred` ones that consists of digits and is free.

    Otherwise the one after the highest of the account's numbers, among those of the commonest length, or the first
    free one of that length; in an account without numbers 1000.
    """
    used = {str(row["key"]) for row in database.view(*view_names.MAILBOXES_BY_NUMBER)}
    free_preferred = [number for number in preferred if _PROPOSABLE.fullmatch(number) and number not in used]
    if free_preferred:
        return free_preferred[0]
    lengths = Counter(len(number) for number in used if _PROPOSABLE.fullmatch(number))
    length = max(lengths, key=lambda digits: (lengths[digits], digits), default=4)
    first, end = 10 ** (length - 1), 10**length
    numbers = [int(number) for number in used if _PROPOSABLE.fullmatch(number) and len(number) == length]
    following = chain(range(max(numbers, default=first - 1) + 1, end), range(first, end), count(end))
    return next(text for text in map(str, following) if text not in used)


def not_unique_error(number: str) -> ValidationFailed:
    """The error for a number that another mailbox has, or the mailbox itself twice."""
    message = "Invalid mailbox number, alias or already exists"
    return ValidationFailed.field("mailbox", "unique", message, value=number)


class Reservation:
    """Locks on the numbers that a mailbox is about to get, held until the ``with`` block ends."""

    def __init__(self, database: Database, box_id: str) -> None:
        self._database = database
        self._box_id = box_id
        self._locks: dict[str, locks.Lock] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._locks.clear()
        self._stack.close()

    def reserve(self, numbers: Iterable[str]) -> None:
        """Lock numbers that the mailbox doesn't have yet. Those that are locked already cost nothing.

        Raises ValidationFailed (`mailbox` → `unique`) if another mailbox has one of them, and Conflict if somebody
        holds a lock for longer than a request can wait.
        """
        # Always in the same order, so that two mailboxes with crossed aliases don't wait for each other.
        new_numbers = sorted(set(numbers) - self._locks.keys())
        self._require_free(new_numbers)
        started_at = time.monotonic()
        for number in new_numbers:
            require_free = partial(self._require_free, [number])
            acquisition = locks.acquire(self._database, LOCK_KIND, number, require_free, box_id=self._box_id)
            self._locks[number] = self._stack.enter_context(acquisition)
        if time.monotonic() - started_at > _RENEW_SECONDS:
            for lock in self._locks.values():
                lock.renew()

    def _require_free(self, numbers: Iterable[str]) -> None:
        number = find_used(self._database, numbers, self._box_id)
        if number is not None:
            raise not_unique_error(number)
