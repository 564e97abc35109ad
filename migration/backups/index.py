"""An index on disk of the documents in backups, so that memory stays the same whatever their size.

Documents are stored without their audio, which stays in the backup's file; its place there is noted. Documents that
no migration needs are only counted, by type.
"""

import gzip
import io
import sqlite3
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from couch.client import Document
from migration.backups.attachments import (
    AttachmentExtractor,
    Base64Range,
    Base64Stream,
    GunzipStream,
    decode_base64,
)
from migration.sources import MEDIA_TYPES, document_type
from storage.document_types import ACCOUNT, MAILBOX, MESSAGE, USER

_ATTACHMENTS = "_attachments"
_STORED_TYPES = frozenset({ACCOUNT, USER, MAILBOX, MESSAGE, *MEDIA_TYPES})
_STORED_ID_PREFIXES = ("configs_",)
_SCHEMA = """
CREATE TABLE docs (db TEXT, id TEXT, type TEXT, generation INTEGER, body BLOB, PRIMARY KEY (db, id));
CREATE INDEX by_type ON docs (db, type, id);
CREATE TABLE audio (db TEXT, id TEXT, name TEXT, path TEXT, offset INTEGER, characters INTEGER, length INTEGER,
    is_gzip INTEGER, content BLOB, PRIMARY KEY (db, id, name)) WITHOUT ROWID;
CREATE TABLE counted (db TEXT, type TEXT, count INTEGER, PRIMARY KEY (db, type)) WITHOUT ROWID;
"""


class DocumentIndex:
    """An index in an SQLite file. Databases are named by their plain names."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connection().executescript(_SCHEMA)

    def add(self, name: str, doc: Document, path: Path, extractor: AttachmentExtractor, *, store_all: bool) -> int:
        """Add a document of a database; how many of its attachments the backup names without having their bytes.

        Of two revisions of a document the later one stays. `path` and `extractor`: the file that it was read from.
        `store_all`: also store a document that would only be counted in an account's database.
        """
        connection = self._connection()
        if doc.get("_deleted") is True:
            return 0
        if not _is_needed(doc, store_all=store_all):
            increment = "INSERT INTO counted VALUES (?, ?, 1) ON CONFLICT (db, type) DO UPDATE SET count = count + 1"
            connection.execute(increment, (name, document_type(doc)))
            return 0
        generation = _revision_generation(doc)
        select = "SELECT generation FROM docs WHERE db = ? AND id = ?"
        row = connection.execute(select, (name, doc["_id"])).fetchone()
        if row is not None and row[0] > generation:
            return 0
        stubs, lacking = self._add_attachments(name, doc, path, extractor)
        bare = {key: value for key, value in doc.items() if key != _ATTACHMENTS}
        if stubs:
            bare[_ATTACHMENTS] = stubs
        body = orjson.dumps(bare)
        if extractor.has_placeholders(body):
            body = orjson.dumps(extractor.restore_texts(bare, path))
        values = (name, doc["_id"], document_type(doc), generation, body)
        connection.execute("INSERT OR REPLACE INTO docs VALUES (?, ?, ?, ?, ?)", values)
        return lacking

    def rename_database(self, old: str, new: str) -> None:
        """Assign all documents of one database to another."""
        for table in ("docs", "audio"):
            self._connection().execute(f"UPDATE OR REPLACE {table} SET db = ? WHERE db = ?", (new, old))  # noqa: S608
        merge = (
            "INSERT INTO counted SELECT ?, type, count FROM counted WHERE db = ? "
            "ON CONFLICT (db, type) DO UPDATE SET count = count + excluded.count"
        )
        self._connection().execute(merge, (new, old))
        self._connection().execute("DELETE FROM counted WHERE db = ?", (old,))

    def list_databases(self) -> list[str]:
        """The names of all databases with documents, in order."""
        rows = self._connection().execute("SELECT db FROM docs UNION SELECT db FROM counted ORDER BY 1")
        return [row[0] for row in rows]

    def count_types(self, name: str) -> Counter[str]:
        """How many documents of each type a database has."""
        stored = "SELECT type, count(*) FROM docs WHERE db = ? GROUP BY type"
        counted = "SELECT type, count FROM counted WHERE db = ?"
        counts: Counter[str] = Counter()
        for query in (stored, counted):
            for kind, count in self._connection().execute(query, (name,)):
                counts[kind] += count
        return counts

    def iterate_documents(self, name: str, kind: str) -> Iterator[Document]:
        """The documents of a type, in the order of their ids, with attachments as stubs."""
        last_id = ""
        query = "SELECT id, body FROM docs WHERE db = ? AND type = ? AND id > ? ORDER BY id LIMIT 100"
        while rows := self._connection().execute(query, (name, kind, last_id)).fetchall():
            for _, body in rows:
                yield orjson.loads(body)
            last_id = rows[-1][0]

    def fetch(self, name: str, ids: Iterable[str]) -> dict[str, Document]:
        """Those documents that exist, by id, with attachments as stubs."""
        query = "SELECT body FROM docs WHERE db = ? AND id = ?"
        docs: dict[str, Document] = {}
        for doc_id in dict.fromkeys(ids):
            row = self._connection().execute(query, (name, doc_id.encode("utf-8", "replace").decode())).fetchone()
            if row is not None:
                docs[doc_id] = orjson.loads(row[0])
        return docs

    def open_attachment(
        self, name: str, doc_id: str, attachment: str
    ) -> Base64Stream | GunzipStream | io.BytesIO | None:
        """An attachment's bytes; None if there are none."""
        columns = "path, offset, characters, length, is_gzip, content"
        query = f"SELECT {columns} FROM audio WHERE db = ? AND id = ? AND name = ?"  # noqa: S608
        row = self._connection().execute(query, (name, doc_id, attachment)).fetchone()
        if row is None:
            return None
        path, offset, characters, length, is_gzip, content = row
        if content is not None:
            return io.BytesIO(content)
        stream = Base64Stream(Path(path), Base64Range(offset, characters, length))
        return GunzipStream(stream) if is_gzip else stream

    def commit(self) -> None:
        """Make what was added visible to other threads."""
        self._connection().commit()

    def _add_attachments(
        self, name: str, doc: Document, path: Path, extractor: AttachmentExtractor
    ) -> tuple[Document, int]:
        """Note where a document's attachments are; stubs of those that have bytes, and how many have none."""
        self._connection().execute("DELETE FROM audio WHERE db = ? AND id = ?", (name, doc["_id"]))
        attachments = doc.get(_ATTACHMENTS)
        stubs: Document = {}
        lacking = 0
        for attachment, fields in attachments.items() if isinstance(attachments, dict) else []:
            stub = self._add_attachment(name, doc["_id"], attachment, fields, path, extractor)
            if stub is None:
                lacking += 1
            else:
                stubs[attachment] = stub
        return stubs, lacking

    def _add_attachment(
        self, name: str, doc_id: str, attachment: str, stored: Any, path: Path, extractor: AttachmentExtractor
    ) -> Document | None:
        """Note where an attachment's bytes are; its stub, or None if the backup lacks the bytes."""
        fields = stored if isinstance(stored, dict) else {}
        data, is_gzip = fields.get("data"), fields.get("encoding") == "gzip"
        text_range, content = extractor.find_range(data), None
        if text_range is None:
            content = _decode_short(data)
            if content is None:
                return None
            if is_gzip:
                content = _gunzip_or_empty(content)
            length = len(content)
        else:
            length = _stream_length(GunzipStream(Base64Stream(path, text_range))) if is_gzip else text_range.length
        where = (None, None, None) if text_range is None else (str(path), text_range.offset, text_range.characters)
        values = (name, doc_id, attachment, *where, length, is_gzip, content)
        self._connection().execute("INSERT OR REPLACE INTO audio VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        texts = {key: fields.get(key) for key in ("content_type", "digest")}
        stub = {key: text for key, text in texts.items() if isinstance(text, str) and text.isprintable()}
        return {**stub, "stub": True, "length": length}

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite3.connect(self._path)
            # Every run makes its own index, so nothing in it has to survive a crash.
            connection.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000"
            )
        return connection


def _is_needed(doc: Document, *, store_all: bool) -> bool:
    """Whether a migration may need a document. One with attachments may be the target of a link."""
    kind = document_type(doc)
    if kind == "design":
        return False
    attachments = doc.get(_ATTACHMENTS)
    has_attachments = isinstance(attachments, dict) and bool(attachments)
    return store_all or kind in _STORED_TYPES or has_attachments or doc["_id"].startswith(_STORED_ID_PREFIXES)


def _revision_generation(doc: Document) -> int:
    number = str(doc.get("_rev") or "").partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0


def _decode_short(data: Any) -> bytes | None:
    try:
        return decode_base64(data.encode()) if isinstance(data, str) else None
    except ValueError:
        return None


def _gunzip_or_empty(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""


def _stream_length(stream: GunzipStream) -> int:
    length = 0
    try:
        while piece := stream.read(65_536):
            length += len(piece)
    except ValueError:
        pass  # the damage is reported when the attachment is read
    finally:
        stream.close()
    return length
