"""Which databases change: CouchDB's ``_db_updates``, heard once for all consumers of a process."""

import logging
import random
import threading
import time
from collections.abc import Callable

from couch.client import couch
from couch.errors import CouchError, NotFound
from couch.feeds import DatabaseUpdate
from events.positions import SlotStart
from storage import gregorian

logger = logging.getLogger(__name__)

GLOBAL_CHANGES = "_global_changes"
"""The database without which CouchDB has no ``_db_updates``."""
_HEARTBEAT_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

Hear = Callable[[DatabaseUpdate], None]


class UpdatesFeed:
    """Hears of changed databases from when it is started on, and connects again whenever the connection breaks."""

    def __init__(self, hear: Hear, reconnected: Callable[[], None]) -> None:
        self._hear, self._reconnected = hear, reconnected
        self.first_start = SlotStart(0, "")
        """When this feed began, which is when accounts are followed from that nobody has followed before."""
        self.seq = ""
        """The sequence up to which everything was heard."""
        self.silent_since: float | None = time.monotonic()
        """Since when nothing can be heard; None while the feed is connected."""
        self._is_stopped = threading.Event()

    def start(self) -> None:
        """Wait for CouchDB, note its present sequence, and hear what follows in a thread."""
        pause = _FIRST_PAUSE
        while not self.seq and not self._is_stopped.is_set():
            try:
                started_at = gregorian.now()
                self.seq = current_seq()
                self.first_start = SlotStart(started_at, self.seq)
            except CouchError as error:
                logger.warning("CouchDB's changes can't be followed yet: %s", error)
                self._is_stopped.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        threading.Thread(target=self._run, name="updates", daemon=True).start()

    def seconds_silent(self) -> float:
        """Return for how long nothing can be heard, 0 while the feed is connected."""
        since = self.silent_since
        return 0.0 if since is None else time.monotonic() - since

    def stop(self) -> None:
        """Hear nothing more."""
        self._is_stopped.set()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._is_stopped.is_set():
            try:
                self._listen()
                pause = _FIRST_PAUSE
            except NotFound:
                logger.warning("CouchDB has lost %s, which is created again", GLOBAL_CHANGES)
                self._create_global_changes()
            except CouchError as error:
                logger.warning("CouchDB's feed of changes broke off: %s", error)
            except Exception:
                logger.exception("CouchDB's feed of changes failed")
            self.silent_since = self.silent_since or time.monotonic()
            self._is_stopped.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _listen(self) -> None:
        is_connected = False
        for update in couch().follow_database_updates(self.seq, _HEARTBEAT_SECONDS):
            if self._is_stopped.is_set():
                return
            if not is_connected:
                is_connected, self.silent_since = True, None
                self._reconnected()
            if update is not None:
                self._hear(update)
                self.seq = update.seq

    def _create_global_changes(self) -> None:
        try:
            couch().create(GLOBAL_CHANGES)
            self.seq = couch().database_updates("now").last_seq
        except CouchError as error:
            logger.warning("%s can't be created: %s", GLOBAL_CHANGES, error)


def current_seq() -> str:
    """Return the present sequence of ``_db_updates``, for which ``_global_changes`` is created if it is missing."""
    try:
        return couch().database_updates("now").last_seq
    except NotFound:
        couch().create(GLOBAL_CHANGES)
        return couch().database_updates("now").last_seq
