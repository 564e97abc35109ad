"""The databases of a data directory: loaded at the start, created, deleted, listed in order."""

from __future__ import annotations

import fcntl
import re
import secrets
import sqlite3
import tempfile
import threading
import time
from bisect import bisect_left, insort
from collections.abc import Callable
from pathlib import Path

from .connections import Connections
from .errors import CouchError, no_database
from .feeds import Commits
from .storage import SIDE_FILES, Database

_NAME = re.compile(r"[a-z][a-z0-9_$()+/-]*")
_SYSTEM_NAMES = ("_global_changes", "_replicator", "_users")
_LONGEST_NAME = 200
_UUID_LENGTH = 32
_FILE = re.compile(r"(?P<name>.+)\.(?P<instance>[0-9a-f]+)\.sqlite3")


class DirectoryInUseError(Exception):
    """Another server uses the data directory."""


class Catalogue:
    """The databases of one data directory, which it locks for itself."""

    def __init__(self, directory: Path) -> None:
        """Open a data directory, made if missing.  Raises ``DirectoryInUseError`` if a server uses it."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._lock_file = (directory / "lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            self._lock_file.close()
            message = f"Another embedded CouchDB uses the data directory {directory}."
            raise DirectoryInUseError(message) from problem
        self.uuid = _read_uuid(directory / "uuid")
        """Tells this server from others, as long as its data directory stays."""
        self._changing = threading.Lock()
        self._connections = Connections()
        self._blank = _blank_database()
        self.commits = Commits()
        self.listener: Callable[[str, str], None] | None = None
        """Called with ``created``, ``updated`` or ``deleted`` and the name of a database."""
        self._databases: dict[str, Database] = {}
        self._load()
        self._names = sorted(self._databases)

    def _load(self) -> None:
        for unfinished in self._directory.glob("*.new"):
            unfinished.unlink()
        for file in self._directory.glob("*.sqlite3"):
            if match := _FILE.fullmatch(file.name):
                name = match["name"].replace(".", "/")
                started = int(match["instance"], 16)
                self._databases[name] = self._open(name, file, started)
        for suffix in SIDE_FILES[1:]:  # files of a deletion that a kill interrupted
            for file in self._directory.glob(f"*.sqlite3{suffix}"):
                if not file.with_name(file.name.removesuffix(suffix)).exists():
                    file.unlink()

    def get(self, name: str) -> Database:
        """The database of a name.  Raises a 404 ``CouchError``."""
        try:
            return self._databases[name]
        except KeyError:
            raise no_database() from None

    def find(self, name: str) -> Database | None:
        """The database of a name, None if there is none."""
        return self._databases.get(name)

    def databases(self) -> list[Database]:
        """All databases."""
        with self._changing:
            return list(self._databases.values())

    def create(self, name: str) -> None:
        """Make a database.  Raises ``CouchError``: 400 for an illegal name, 412 if it exists."""
        if not _NAME.fullmatch(name) and name not in _SYSTEM_NAMES:
            raise CouchError(
                400,
                "illegal_database_name",
                f"Name: '{name}'. Only lowercase characters (a-z), digits (0-9), and any of the characters "
                "_, $, (, ), +, -, and / are allowed. Must begin with a letter.",
            )
        if len(name) > _LONGEST_NAME:
            raise CouchError(400, "database_name_too_long", f"The name `{name}` is too long.")
        with self._changing:
            if name in self._databases:
                raise CouchError(412, "file_exists", "The database could not be created, the file already exists.")
            # A name of its own for every incarnation: SQLite removes a log by its path, and a straggler
            # of a deleted database must not remove the log of the database that came after it.
            started = time.time_ns()
            file = self._directory / f"{name.replace('/', '.')}.{started:x}.sqlite3"
            new = file.with_suffix(".new")
            new.write_bytes(self._blank)
            new.rename(file)
            self._databases[name] = self._open(name, file, started)
            insort(self._names, name)
        self._tell("created", name)

    def delete(self, name: str) -> None:
        """Remove a database and all it holds.  Raises a 404 ``CouchError``."""
        with self._changing:
            database = self._databases.pop(name, None)
            if database is None:
                raise no_database()
            self._names.pop(bisect_left(self._names, name))
        database.remove()
        self._tell("deleted", name)

    def _open(self, name: str, file: Path, started: int) -> Database:
        return Database(name, file, started, self._connections, self._document_changed)

    def _document_changed(self, name: str) -> None:
        self._tell("updated", name)

    def _tell(self, kind: str, name: str) -> None:
        if self.listener is not None:
            self.listener(kind, name)
        self.commits.add()

    def names(self) -> list[str]:
        """All names, in byte order."""
        with self._changing:
            return list(self._names)

    def close(self) -> None:
        """Close all files and unlock the directory."""
        self._connections.close()
        self._lock_file.close()


def _read_uuid(file: Path) -> str:
    """The uuid in a file; a new one if there is none, or a kill has left it incomplete."""
    uuid = file.read_text() if file.exists() else ""
    if len(uuid) != _UUID_LENGTH:
        uuid = secrets.token_hex(_UUID_LENGTH // 2)
        file.write_text(uuid)
    return uuid


def _blank_database() -> bytes:
    """The bytes of an empty database: writing them is faster than having SQLite make the tables each time."""
    schema = Path(__file__).with_name("schema.sql").read_text()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "blank"
        connection = sqlite3.connect(file)
        connection.executescript(schema)
        connection.close()
        return file.read_bytes()
