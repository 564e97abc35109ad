"""Repeating what lost a race against another writer."""

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from couch.errors import Conflict

Result = TypeVar("Result")

ATTEMPTS = 12
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.32


def retry_on_conflict(attempt: Callable[[], Result], attempts: int = ATTEMPTS) -> Result:
    """The result of a function that is called again whenever it raises Conflict; the last Conflict is raised."""
    for number in paced_attempts(attempts):
        try:
            return attempt()
        except Conflict:
            if number == attempts:
                raise
    raise ValueError("nothing was attempted")


def paced_attempts(count: int = ATTEMPTS) -> Iterator[int]:
    """The numbers of attempts from 1 on, with a random and growing pause (seconds) before each but the first.

    Writers that lost together must not meet again.
    """
    pause = _FIRST_PAUSE
    for number in range(1, count + 1):
        if number > 1:
            time.sleep(random.uniform(0, pause))  # noqa: S311 - no secret
            pause = min(pause * 2, _LONGEST_PAUSE)
        yield number
