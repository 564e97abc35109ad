"""SQLite connections: opened on demand, used by one thread at a time, a bounded number kept open."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path

_MOST_IDLE = 128

_SETTINGS = (
    "PRAGMA synchronous = NORMAL",  # safe against a killed process, which is what this server promises
    "PRAGMA busy_timeout = 60000",
    "PRAGMA cache_size = -2048",
    "PRAGMA temp_store = MEMORY",
)


class Connections:
    """Lends connections to database files and keeps the most recently used ones open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[Path, list[sqlite3.Connection]] = OrderedDict()
        self._count = 0

    def take(self, file: Path) -> sqlite3.Connection:
        """A connection to an existing database file, for the calling thread until ``give_back``."""
        with self._lock:
            idle = self._idle.get(file)
            if idle:
                self._count -= 1
                connection = idle.pop()
                if not idle:
                    del self._idle[file]
                return connection
        return _open(file)

    def give_back(self, file: Path, connection: sqlite3.Connection) -> None:
        """Return a connection; those unused for longest are closed when too many are idle."""
        surplus: list[sqlite3.Connection] = []
        with self._lock:
            self._idle.setdefault(file, []).append(connection)
            self._idle.move_to_end(file)
            self._count += 1
            while self._count > _MOST_IDLE:
                _, oldest = self._idle.popitem(last=False)
                self._count -= len(oldest)
                surplus.extend(oldest)
        for unused in surplus:
            unused.close()

    def forget(self, file: Path) -> None:
        """Close the idle connections to a file that is about to be removed."""
        with self._lock:
            idle = self._idle.pop(file, [])
            self._count -= len(idle)
        for connection in idle:
            discard(connection)

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            connections = [connection for idle in self._idle.values() for connection in idle]
            self._idle.clear()
            self._count = 0
        for connection in connections:
            connection.close()


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=rw",  # never creates a file that somebody just removed
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    for setting in _SETTINGS:
        connection.execute(setting)
    return connection


def discard(connection: sqlite3.Connection) -> None:
    """Close a connection to a removed file without waiting for the disk."""
    connection.execute("PRAGMA synchronous = OFF")
    connection.close()
