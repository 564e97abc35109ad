"""Attachment bytes: stored and served in chunks, so that no attachment is ever held in memory."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from . import jsontext
from .storage import Database

_CHUNK = 512 * 1024


class Source(Protocol):
    """Where uploaded bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, none at the end."""


@dataclass(frozen=True)
class Blob:
    """Stored bytes."""

    number: int
    length: int
    digest: str

    def pieces(self, database: Database, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` to before ``stop``, a chunk at a time, no transaction held in between."""
        stop = self.length if stop is None else stop
        with pinned(database, self.number):
            for index in range(start // _CHUNK, -(-stop // _CHUNK)):
                with database.reading() as connection:
                    data = _chunk(connection, self.number, index)
                yield data[max(0, start - index * _CHUNK) : stop - index * _CHUNK]

    def bytes(self, connection: sqlite3.Connection) -> bytes:
        """All bytes at once."""
        return b"".join(_chunk(connection, self.number, n) for n in range(-(-self.length // _CHUNK)))


@dataclass(frozen=True)
class Attachment:
    """One attachment of one revision of a document."""

    content_type: str
    revpos: int
    blob: Blob

    def as_record(self) -> list[Any]:
        """Its entry in the database."""
        return [self.content_type, self.revpos, self.blob.number, self.blob.length, self.blob.digest]

    def as_stub(self) -> dict[str, Any]:
        """Its entry in a document without its bytes."""
        return {**self.as_header(), "length": self.blob.length, "stub": True}

    def as_header(self) -> dict[str, Any]:
        """The members that its entry in a document always has."""
        digest = f"md5-{self.blob.digest}"
        return {"content_type": self.content_type, "revpos": self.revpos, "digest": digest}


def from_records(text: str | None) -> dict[str, Attachment]:
    """The attachments of a revision by name, from their entries in the database."""
    if text is None:
        return {}
    records: dict[str, list[Any]] = jsontext.loads(text)
    return {name: Attachment(r[0], r[1], Blob(r[2], r[3], r[4])) for name, r in records.items()}


def to_records(attachments: dict[str, Attachment]) -> str | None:
    """The entries in the database for a revision's attachments."""
    if not attachments:
        return None
    return jsontext.dumps({name: attachment.as_record() for name, attachment in attachments.items()}).decode()


@contextmanager
def pinned(database: Database, blob: int) -> Iterator[None]:
    """Keep a compaction from removing a blob that is being uploaded or served."""
    with database.pins_lock:
        database.pins[blob] += 1
    try:
        yield
    finally:
        with database.pins_lock:
            database.pins[blob] -= 1
            if not database.pins[blob]:
                del database.pins[blob]


@contextmanager
def uploaded(database: Database, source: Source) -> Iterator[Blob]:
    """Store the bytes of a source. Inside the block, the blob can be attached to a revision.

    Each chunk is committed as it arrives, so that no writer waits for a long upload; nobody sees a blob that no
    revision names.  If the block raises, the blob is removed.
    """
    with database.writing() as connection:
        number = _new_blob(connection)
        with database.pins_lock:
            database.pins[number] += 1
    try:
        yield _store_chunks(database, number, source)
    except BaseException:
        with database.writing() as connection:
            _remove_blobs(connection, [(number,)])
        raise
    finally:
        with database.pins_lock:
            del database.pins[number]


def _store_chunks(database: Database, number: int, source: Source) -> Blob:
    digest, length, index = hashlib.md5(usedforsecurity=False), 0, 0
    while data := _read_chunk(source):
        with database.writing() as connection:
            connection.execute("INSERT INTO chunks VALUES (?, ?, ?)", (number, index, data))
        digest.update(data)
        length, index = length + len(data), index + 1
    return _blob(number, length, digest.digest())


def store_bytes(connection: sqlite3.Connection, data: bytes) -> Blob:
    """Store bytes from memory, in the caller's transaction."""
    number = _new_blob(connection)
    connection.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?)",
        [(number, i, data[start : start + _CHUNK]) for i, start in enumerate(range(0, len(data), _CHUNK))],
    )
    return _blob(number, len(data), hashlib.md5(data, usedforsecurity=False).digest())


def remove_unused(database: Database, connection: sqlite3.Connection) -> None:
    """Drop the blobs that no revision names and that are not being uploaded or served."""
    used = set(database.pins)
    for (text,) in connection.execute("SELECT attachments FROM revisions WHERE attachments IS NOT NULL"):
        used.update(attachment.blob.number for attachment in from_records(text).values())
    unused = [(n,) for (n,) in connection.execute("SELECT n FROM blobs") if n not in used]
    _remove_blobs(connection, unused)


def _remove_blobs(connection: sqlite3.Connection, numbers: list[tuple[int]]) -> None:
    connection.executemany("DELETE FROM chunks WHERE blob = ?", numbers)
    connection.executemany("DELETE FROM blobs WHERE n = ?", numbers)


def _new_blob(connection: sqlite3.Connection) -> int:
    number = connection.execute("INSERT INTO blobs DEFAULT VALUES").lastrowid
    assert number is not None
    return number


def _blob(number: int, length: int, digest: bytes) -> Blob:
    return Blob(number, length, base64.b64encode(digest).decode())


def _read_chunk(source: Source) -> bytes:
    """A full chunk, unless the source ends: chunk boundaries are where ranges are looked up."""
    parts, missing = [], _CHUNK
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _chunk(connection: sqlite3.Connection, blob: int, index: int) -> bytes:
    row = connection.execute("SELECT data FROM chunks WHERE blob = ? AND n = ?", (blob, index)).fetchone()
    data: bytes = row[0]
    return data
