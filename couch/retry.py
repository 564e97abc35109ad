"""Repeats of what lost a race against another writer."""

import random
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeVar

from couch.errors import Conflict

Result = TypeVar("Result")

ATTEMPTS = 12
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.32


def retry_on_conflict(attempt: Callable[[], Result], attempts: int = ATTEMPTS) -> Result:
    """The result of a function, which is called again when it raises Conflict. Raises the last Conflict."""
    for number in paced_attempts(None):
        try:
            return attempt()
        except Conflict:
            if number >= attempts:
                raise
    raise AssertionError("the attempts have no end")


def paced_attempts(attempts: int | None = ATTEMPTS) -> Iterator[int]:
    """The numbers of attempts, from 1 on and without end for None, with a random and growing pause between them.

    Writers that lost together must not meet again.
    """
    pause = _FIRST_PAUSE
    for number in count(1):
        if attempts is not None and number > attempts:
            return
        if number > 1:
            time.sleep(random.uniform(0, pause))  # noqa: S311 - no secret
            pause = min(pause * 2, _LONGEST_PAUSE)
        yield number
