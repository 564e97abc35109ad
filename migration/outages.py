"""Wait for a CouchDB that is away, and repeat what failed meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from accounts.api.exception_handler import api_error
from couch.errors import CircuitOpen, CouchError, Unreachable
from crossbar.errors import ApiError
from migration.progress import StoppableProgress

Result = TypeVar("Result")

PATIENCE_SECONDS = 600.0
CHECK_SECONDS = 30.0
"""How long a CouchDB may take to say that it is up: one that is busy with a migration is slow at times."""
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
# A request that fails so often while CouchDB answers others is not going to succeed.
_MAX_FAILURES = 5


class Retry(Protocol):
    """Runs work that may be repeated, until it succeeds or is given up."""

    def __call__(self, work: Callable[[], Result], /) -> Result:
        """The work's result."""


def run_once(work: Callable[[], Result], /) -> Result:
    """Run work without waiting for a CouchDB that is away."""
    return work()


@dataclass(frozen=True)
class OutageRetry:
    """Repeats work while a CouchDB is away. `is_up` tells whether those that the work needs answer."""

    progress: StoppableProgress[Any]
    is_up: Callable[[], bool]
    patience: float = PATIENCE_SECONDS

    def __call__(self, work: Callable[[], Result], /) -> Result:
        """The work's result.

        Raises Unreachable if CouchDB stays away for longer than `patience` seconds, or if the work fails
        again and again while CouchDB answers; Stopped if a stop is requested meanwhile.
        """
        deadline, pause, failures = 0.0, _FIRST_PAUSE, 0
        while True:
            try:
                return work()
            except Unreachable as error:
                if not self.is_up():
                    failures = 0
                elif not isinstance(error, CircuitOpen):  # with which nothing was sent
                    failures += 1
                deadline = deadline or time.monotonic() + self.patience
                if failures >= _MAX_FAILURES or time.monotonic() > deadline:
                    raise
            self.progress.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def reraise_outage(self, error: ApiError | CouchError) -> None:
        """Raise the error again if CouchDB is away. Any other error concerns one account or mailbox only."""
        if isinstance(error, CircuitOpen) or (isinstance(error, Unreachable) and not self.is_up()):
            raise error


def error_reason(error: ApiError | CouchError) -> str:
    """The word for an error, as the API has it."""
    return api_error(error).message


def describe_error(error: ApiError | CouchError) -> str:
    """The word for an error, and its cause if that is known."""
    answer = api_error(error)
    cause = answer.data.get("cause") or answer.data.get("message") or ""
    return f"{answer.message} {cause}".strip()
