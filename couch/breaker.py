"""A circuit breaker: while a server is silent, nobody else waits for it in vain.

closed       every request goes out
open         after several time-outs in a row, requests are refused at once for some seconds
half-open    then one request goes out, and all others are refused until it has an answer (closed) or has none (open)

A time-out counts if no answer at all came while its request waited: a server that answers others isn't silent.
Refused connections open nothing, since trying again costs next to nothing. They only end the pauses between attempts.

pybreaker holds its lock while a call runs, so that one thread at a time would talk to CouchDB; circuitbreaker and
purgatory let every request try at once when the time is up. None of them knows that another request was answered.
"""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Lock

from couch.errors import CircuitOpen

logger = logging.getLogger(__name__)

_TIMEOUTS = 3
_OPEN_SECONDS = 5.0
_REFUSED_CONNECTIONS = 3


class Breaker:
    """The breaker of one server in this process."""

    def __init__(self, timeouts: int = _TIMEOUTS, open_seconds: float = _OPEN_SECONDS) -> None:
        self.is_open = False
        """Also while half-open."""
        self.answers = 0
        """Changes with every answer."""
        self.is_server_away = False
        """Whether nobody listened for several requests in a row, each of which tried more than once."""
        self._allowed_timeouts, self._open_seconds = timeouts, open_seconds
        self._answer_numbers = count(1)
        self._timeouts = self._refused_connections = 0
        self._next_trial_at = 0.0  # monotonic seconds
        self._lock = Lock()

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Let a request try while the breaker is open. Raises CircuitOpen if it is not the time for that."""
        with self._lock:
            remaining = self._next_trial_at - time.monotonic()
            if self.is_open and remaining > 0:
                raise CircuitOpen(math.ceil(min(remaining, self._open_seconds)))
            self._next_trial_at = math.inf
        answers = self.answers
        try:
            yield
        finally:
            with self._lock:
                # The next one may try after another pause, whether this one got no answer or was given up.
                if self.is_open and self.answers == answers:
                    self._next_trial_at = time.monotonic() + self._open_seconds

    def record_answer(self) -> None:
        """Note that the server answered, whatever the answer."""
        self.answers = next(self._answer_numbers)
        if self._timeouts or self._refused_connections:
            with self._lock:
                self._timeouts = self._refused_connections = 0
                self.is_server_away = False
                if self.is_open:
                    self.is_open = False
                    logger.warning("CouchDB answers again: requests go out as before")

    def record_timeout(self, answers: int) -> None:
        """Note that nothing came in time for a request that was sent when `self.answers` was `answers`."""
        with self._lock:
            if answers != self.answers:
                return
            self._timeouts += 1
            if self._timeouts >= self._allowed_timeouts and not self.is_open:
                self.is_open = True
                self._next_trial_at = time.monotonic() + self._open_seconds
                logger.error(
                    "CouchDB was silent for %s requests in a row: others are refused at once", self._timeouts
                )

    def record_refused_connection(self) -> None:
        """Note that nobody listened, however often a request tried."""
        with self._lock:
            self._refused_connections += 1
            self.is_server_away = self._refused_connections >= _REFUSED_CONNECTIONS

    def try_now(self) -> None:
        """Let the next request try, without the rest of the pause: there is a sign of life."""
        with self._lock:
            if self._next_trial_at != math.inf:
                self._next_trial_at = 0.0
