"""How long a server may be silent, for work that can't wait as long as a session allows."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_seconds: ContextVar[float | None] = ContextVar("seconds", default=None)

shorter_read_timeout = _seconds.get
"""The seconds after which silence ends a request here; None: as many as its session allows."""


@contextmanager
def silence_limited_to(seconds: float) -> Iterator[None]:
    """Within, requests that this thread sends end after so many seconds of silence.

    Their time-outs don't open the circuit breaker: others may have the time to wait for an answer.
    """
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)
