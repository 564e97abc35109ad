"""Tells pages about the whole service that how it is doing has changed: CouchDB, followers, jobs, and databases.

Followers and jobs are in Django's database, which has no feed of changes. While somebody listens, they are looked at
here every two seconds, once for all pages, and nothing is told while nothing changes.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, close_old_connections

from couch.client import couch
from events import state
from events.event import DOC_EDITED, Event
from live.tickets import SYSTEM

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
PAUSE_SECONDS = 10.0
"""For so long after it was told that something has changed, pages hear of nothing more: they cost requests."""


class SystemWatch:
    """Looks at the state of the service while somebody listens, in a thread."""

    def __init__(
        self,
        publish: Callable[[str, list[Event]], None],
        has_listeners: Callable[[], bool],
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._publish, self._has_listeners, self._pause_seconds = publish, has_listeners, pause_seconds
        self._stopping = threading.Event()
        self._has_heard = threading.Event()
        self._told: Any = None
        """The state that was told last; None if nobody has listened since."""
        self._told_at = -pause_seconds

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="system", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def hear(self) -> None:
        """Note that a database has changed."""
        self._has_heard.set()

    def look(self) -> None:
        """Publish an event if the state has changed, but not too soon after the last one."""
        current = _current_state()
        # Who begins to listen is told once: something may have changed since its page was made.
        is_changed = current != self._told or self._has_heard.is_set()
        if is_changed and time.monotonic() >= self._told_at + self._pause_seconds:
            self._told, self._told_at = current, time.monotonic()
            self._has_heard.clear()
            event_id, document = secrets.token_hex(16), {"_id": SYSTEM, "pvt_type": SYSTEM}
            self._publish(SYSTEM, [Event(event_id, DOC_EDITED, "", SYSTEM, document)])

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            if not self._has_listeners():
                self._told = None
                continue
            try:
                close_old_connections()
                self.look()
            except Exception:  # the next time will do
                logger.exception("The state of the service could not be looked at")
            finally:
                close_old_connections()


def _current_state() -> Any:
    try:
        consumers = [
            (consumer.consumer, consumer.followers, consumer.slots, consumer.is_late, consumer.error)
            for consumer in state.list_enabled()
        ]
        jobs = state.job_counts()
    except DatabaseError:
        return "no database"
    return couch().is_up(), consumers, jobs
