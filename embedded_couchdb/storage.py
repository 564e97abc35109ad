"""One database: its SQLite file, its readers and its writer, and its settings."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import jsontext
from .connections import Connections, discard
from .errors import no_database

DEFAULT_REVS_LIMIT = 1000
_DEFAULT_SECURITY = {"members": {"roles": ["_admin"]}, "admins": {"roles": ["_admin"]}}
SIDE_FILES = ("", "-wal", "-shm")


class Database:
    """A database and its file.  Many readers, one writer at a time; no database waits for another."""

    def __init__(
        self, name: str, file: Path, started: int, connections: Connections, changed: Callable[[str], None]
    ) -> None:
        self.name = name
        self.file = file
        self.started = started
        self.cache: dict[str, Any] = {}
        self.pins: Counter[int] = Counter()
        self.pins_lock = threading.Lock()
        self._connections = connections
        self._writing = threading.Lock()
        self._changed = changed
        self._index_locks: dict[str, threading.Lock] = {}
        self._removed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the database until the block ends."""
        with self._borrowed() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction: committed when the block ends, undone when it raises."""
        with self._writing, self._borrowed() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                before = update_seq(connection)
                yield connection
                is_changed = update_seq(connection) != before
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        if is_changed:
            self._changed(self.name)

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        if self._removed:
            raise no_database()
        try:
            connection = self._connections.take(self.file)
        except sqlite3.OperationalError:
            if self._removed:
                raise no_database() from None
            raise
        try:
            yield connection
        finally:
            if self._removed:
                discard(connection)
            else:
                self._connections.give_back(self.file, connection)

    def index_lock(self, signature: str) -> threading.Lock:
        """The lock to hold while updating the index with this signature."""
        return self._index_locks.setdefault(signature, threading.Lock())

    def remove(self) -> None:
        """Delete the files.  Readers can finish on the unlinked files."""
        with self._writing:
            self._removed = True
            for suffix in SIDE_FILES:
                self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        self._connections.forget(self.file)

    def security(self) -> Any:
        """The security object."""
        with self.reading() as connection:
            return security_of(connection)

    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self._files())

    def modified_at(self) -> float:
        """When its files were last written to, in Unix seconds."""
        return max((file.stat().st_mtime for file in self._files()), default=0.0)

    def _files(self) -> list[Path]:
        files = (self.file.with_name(self.file.name + suffix) for suffix in SIDE_FILES[:2])
        return [file for file in files if file.exists()]


def setting(connection: sqlite3.Connection, name: str, default: Any) -> Any:
    """A setting's value, or the default."""
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return default if row is None else jsontext.loads(row[0])


def security_of(connection: sqlite3.Connection) -> Any:
    """The security object."""
    return setting(connection, "security", _DEFAULT_SECURITY)


def set_setting(connection: sqlite3.Connection, name: str, value: Any) -> None:
    """Store a setting."""
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, jsontext.dumps(value)))


def update_seq(connection: sqlite3.Connection) -> int:
    """The sequence of the last change, 0 for a new database."""
    (seq,) = connection.execute("SELECT max(seq) FROM documents").fetchone()
    return seq or 0


def document_counts(connection: sqlite3.Connection) -> tuple[int, int]:
    """The number of documents, and the number of deleted ones."""
    (live,), (dead,) = connection.execute("SELECT documents FROM counts ORDER BY deleted")
    return live, dead
