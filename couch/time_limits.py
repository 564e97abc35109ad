"""How long a server may be silent, for work that can't wait as long as a session allows."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from couch.errors import TimedOut


@dataclass
class _Limit:
    seconds: float
    is_used_up: bool = False


_limit: ContextVar[_Limit | None] = ContextVar("limit", default=None)

current_limit = _limit.get
"""The limit that holds here; None if the session's own holds."""


@contextmanager
def silence_limited_to(seconds: float) -> Iterator[None]:
    """Within, requests of this thread end after so many seconds of silence, and after the first such end at once.

    Their time-outs don't open the circuit breaker: others may have the time to wait for an answer.
    """
    token = _limit.set(_Limit(seconds))
    try:
        yield
    finally:
        _limit.reset(token)


def read_timeout(session_timeout: float) -> float:
    """The seconds of silence after which a request ends that is sent now. Raises TimedOut if the limit is used up."""
    limit = _limit.get()
    if limit is None:
        return session_timeout
    if limit.is_used_up:
        raise TimedOut("nothing came in time for a request before")
    return min(limit.seconds, session_timeout)
