"""Reads the changes of the accounts that somebody listens to, and hands their events on.

Nothing is stored of how far this got: a process that starts again begins with what happens then.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from couch.client import couch
from couch.errors import CouchError, MissingDatabase
from couch.feeds import DatabaseUpdate
from couch.parallel import in_parallel
from events.changes import Changes
from events.event import Event
from events.feed import UpdatesFeed
from events.positions import Position
from events.work import WorkQueue
from live.tickets import SYSTEM
from storage import database_names, gregorian, modbs

logger = logging.getLogger(__name__)

_REST_SECONDS = 0.15
_THREADS = 4
_PAGE_SIZE = 200
_FIRST = "0"

Publish = Callable[[str, list[Event]], None]
"""Takes an account's id and events of its documents, in any thread."""


class FollowedAccounts:
    """The accounts with listeners. Idle accounts, and those without listeners, cost nothing."""

    def __init__(self, publish: Publish, heard: Callable[[], None]) -> None:
        """`heard` is called whenever any database has changed."""
        self._publish, self._heard = publish, heard
        self._feed = UpdatesFeed(self._hear, self._recheck)
        self._queue = WorkQueue(_REST_SECONDS)
        self._changes = Changes(of_everybody=True)
        self._listeners: Counter[str] = Counter()
        self._positions: dict[str, dict[str, Position]] = {}
        """How far the databases of each account were read."""
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to hear which databases change; waits for CouchDB."""
        self._feed.start()
        for number in range(_THREADS):
            threading.Thread(target=self._work, name=f"changes {number}", daemon=True).start()

    def stop(self) -> None:
        """Hear nothing more."""
        self._feed.stop()
        self._queue.close()

    def add_listener(self, account_id: str) -> None:
        """Publish what happens in an account from now on. Raises CouchError."""
        with self._lock:
            self._listeners[account_id] += 1
            if account_id in self._positions:
                return
        try:
            positions = {} if account_id == SYSTEM else _present_positions(account_id)
        except CouchError:
            self.remove_listener(account_id)
            raise
        with self._lock:
            if self._listeners[account_id]:
                self._positions.setdefault(account_id, positions)
        for name in positions:  # what happened since their ends were read was not heard yet
            self._queue.add(account_id, name)

    def remove_listener(self, account_id: str) -> None:
        """Stop with an account when nobody listens to it any more."""
        with self._lock:
            self._listeners[account_id] -= 1
            if self._listeners[account_id] <= 0:
                del self._listeners[account_id]
                self._positions.pop(account_id, None)

    def has_listeners(self, account_id: str) -> bool:
        """Whether anybody listens to an account."""
        return account_id in self._positions

    def _hear(self, update: DatabaseUpdate) -> None:
        self._heard()
        owner = database_names.parse(update.name)
        if owner is not None and update.kind != "deleted" and owner.account_id in self._positions:
            self._queue.add(owner.account_id, update.name)

    def _recheck(self) -> None:
        """Look at all followed databases after a lost connection: CouchDB may not tell what happened meanwhile."""
        with self._lock:
            names = [(account_id, name) for account_id, places in self._positions.items() for name in places]
        for account_id, name in names:
            self._queue.add(account_id, name)

    def _work(self) -> None:
        while (work := self._queue.take()) is not None:
            account_id, databases = work
            try:
                for name in sorted(databases):
                    self._read(account_id, name)
            except Exception as error:
                if not isinstance(error, CouchError):
                    logger.exception("Changes of %s could not be told", account_id)
                self._queue.fail(account_id, databases)
            else:
                self._queue.finish(account_id)

    def _read(self, account_id: str, name: str) -> None:
        database = couch().database(name)
        with suppress(MissingDatabase):
            while (position := self._position(account_id, name)) is not None:
                read_at = gregorian.now()
                page = database.changes(position.seq, _PAGE_SIZE)
                events = self._changes.events_of(name, page, position)
                self._changes.remember(name, page.docs)
                with self._lock:
                    if account_id in self._positions:
                        self._positions[account_id][name] = position.after(page, read_at)
                if events:
                    self._publish(account_id, events)
                if not page.has_more:
                    return

    def _position(self, account_id: str, name: str) -> Position | None:
        """Return where to read on; None if nobody listens any more."""
        with self._lock:
            positions = self._positions.get(account_id)
            if positions is None:
                return None
            # A database that wasn't there when the listener came is read from its first change on.
            return positions.setdefault(name, Position(_FIRST, gregorian.now()))


def _present_positions(account_id: str) -> dict[str, Position]:
    """Return the ends of the changes of an account's databases. Raises CouchError."""
    months = [database_names.modb(account_id, month) for month in modbs.list_months(account_id)]
    names = [database_names.account_db(account_id), *months]
    now = gregorian.now()
    positions: dict[str, Position] = {}

    def look(name: str) -> None:
        with suppress(MissingDatabase):
            positions[name] = Position(couch().database(name).changes("now", 1).last_seq, now)

    in_parallel(look, names)
    return positions
