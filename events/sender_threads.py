"""Threads of a worker that send what is due in a queue.

A job only wakes these threads: a server that is silent for seconds must not keep a worker from its other jobs. A
queue in Django's database says what is due, so that a process that is killed loses nothing.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import Generic, TypeVar

from django.db import close_old_connections

from crossbar.spans import span

logger = logging.getLogger(__name__)


Item = TypeVar("Item")


class SenderThreads(Generic[Item]):
    """Threads of this process that send, `limit` at a time, as long as `claim` returns something that is due."""

    def __init__(
        self, name: str, limit: Callable[[], int], claim: Callable[[], Item | None], send: Callable[[Item], None]
    ) -> None:
        self._name = name
        self._limit = limit
        self._claim = claim
        self._send = send
        self._lock = Lock()
        self._running = 0

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._limit(), self._name)

    def wake(self) -> None:
        """Start a thread that sends what is due, unless as many run as may; it starts others."""
        with self._lock:
            if self._running >= self._limit():
                return
            self._running += 1
        if not self._submit():
            self._end_thread()

    def _submit(self) -> bool:
        try:
            self._pool.submit(self._take_turn)
        except RuntimeError:  # the process is ending: what is due is sent by another one
            return False
        return True

    def _take_turn(self) -> None:
        """Send what is due next, then go on in another turn; the thread is free if there is nothing."""
        goes_on = False
        try:
            close_old_connections()
            if (item := self._claim()) is not None:
                goes_on = True
                self.wake()
                with span(f"delivery of {self._name}"):
                    self._send(item)
        except Exception:  # its lease ends, and somebody sends it again
            logger.exception("What is due could not be sent (%s)", self._name)
        finally:
            close_old_connections()
            if not (goes_on and self._submit()):
                self._end_thread()

    def _end_thread(self) -> None:
        with self._lock:
            self._running -= 1
