"""An index on disk of the documents in backups, so that memory stays the same whatever their size.

Documents are stored without their audio, which stays in the backup's file; its place there is noted. Documents that
no migration needs are only counted, by type. A database in it may be provisional: its documents are moved to another
one as soon as it is known which.
"""

import gzip
import io
import sqlite3
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from couch.database import Document
from migration.backups.attachments import (
    AttachmentExtractor,
    Base64Range,
    Base64Stream,
    GunzipStream,
    decode_base64,
)
from migration.sources import MEDIA_TYPES, MIGRATED_TYPES, document_type

_ATTACHMENTS = "_attachments"
_STORED_ID_PREFIXES = ("configs_",)
_SCHEMA = """
CREATE TABLE docs (db TEXT, id TEXT, type TEXT, generation INTEGER, file TEXT, body BLOB, PRIMARY KEY (db, id));
CREATE INDEX by_type ON docs (db, type, id);
CREATE TABLE lacking (db TEXT, id TEXT, name TEXT, stub BLOB, PRIMARY KEY (db, id, name)) WITHOUT ROWID;
CREATE TABLE audio (db TEXT, id TEXT, name TEXT, path TEXT, offset INTEGER, characters INTEGER, length INTEGER,
    is_gzip INTEGER, content BLOB, PRIMARY KEY (db, id, name)) WITHOUT ROWID;
CREATE TABLE counted (db TEXT, type TEXT, count INTEGER, PRIMARY KEY (db, type)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class IndexedFile:
    """A file of documents."""

    path: Path
    name: str
    """Its path in the source."""
    extractor: AttachmentExtractor


class Holder(NamedTuple):
    """A document that may have an attachment."""

    database: str
    file: str
    """The path, in the source, of the file that it was read from."""
    content_type: str
    digest: str
    """What it says of the attachment; empty if it says nothing."""


class DocumentIndex:
    """An index in an SQLite file. Databases are named by their plain names."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connection().executescript(_SCHEMA)

    def add(self, name: str, doc: Document, file: IndexedFile, *, store_all: bool) -> None:
        """Add a document of a database.

        Of two revisions of a document the later one stays.
        `store_all`: also store a document that would only be counted in an account's database.
        """
        connection = self._connection()
        if doc.get("_deleted") is True:
            return
        if not store_all and not is_needed(doc):
            increment = "INSERT INTO counted VALUES (?, ?, 1) ON CONFLICT (db, type) DO UPDATE SET count = count + 1"
            connection.execute(increment, (name, document_type(doc)))
            return
        generation = _revision_generation(doc)
        select = "SELECT generation FROM docs WHERE db = ? AND id = ?"
        row = connection.execute(select, (name, doc["_id"])).fetchone()
        if row is not None and row[0] > generation:
            return
        stubs = self._add_attachments(name, doc, file)
        bare = {key: value for key, value in doc.items() if key != _ATTACHMENTS}
        if stubs:
            bare[_ATTACHMENTS] = stubs
        body = orjson.dumps(bare)
        if file.extractor.has_placeholders(body):
            body = orjson.dumps(file.extractor.restore_texts(bare, file.path))
        values = (name, doc["_id"], document_type(doc), generation, file.name, body)
        connection.execute("INSERT OR REPLACE INTO docs VALUES (?, ?, ?, ?, ?, ?)", values)

    def move_database(self, old: str, new: str) -> None:
        """Move all documents of one database to another. Of two revisions of a document the later one stays."""
        connection = self._connection()
        outdated = (
            "DELETE FROM docs WHERE db = ? AND EXISTS (SELECT 1 FROM docs AS stored "
            "WHERE stored.db = ? AND stored.id = docs.id AND stored.generation > docs.generation)"
        )
        connection.execute(outdated, (old, new))
        for table in ("audio", "lacking"):
            own_docs = f"DELETE FROM {table} WHERE db = ? AND id NOT IN (SELECT id FROM docs WHERE db = ?)"  # noqa: S608
            connection.execute(own_docs, (old, old))
            replaced = f"DELETE FROM {table} WHERE db = ? AND id IN (SELECT id FROM docs WHERE db = ?)"  # noqa: S608
            connection.execute(replaced, (new, old))
        for table in ("docs", "audio", "lacking"):
            connection.execute(f"UPDATE OR REPLACE {table} SET db = ? WHERE db = ?", (new, old))  # noqa: S608
        merge = (
            "INSERT INTO counted SELECT ?, type, count FROM counted WHERE db = ? "
            "ON CONFLICT (db, type) DO UPDATE SET count = count + excluded.count"
        )
        connection.execute(merge, (new, old))
        connection.execute("DELETE FROM counted WHERE db = ?", (old,))

    def drop_database(self, name: str) -> int:
        """Drop a database; how many documents were stored of it."""
        for table in ("audio", "lacking", "counted"):
            self._connection().execute(f"DELETE FROM {table} WHERE db = ?", (name,))  # noqa: S608
        return self._connection().execute("DELETE FROM docs WHERE db = ?", (name,)).rowcount

    def refers_to(self, path: Path) -> bool:
        """Whether there is audio in a file."""
        row = self._connection().execute("SELECT 1 FROM audio WHERE path = ? LIMIT 1", (str(path),)).fetchone()
        return row is not None

    # --- attachments without their bytes ---

    def count_lacking(self) -> int:
        """How many attachments the backups name without having their bytes."""
        (count,) = self._connection().execute("SELECT count(*) FROM lacking").fetchone()
        return int(count)

    def find_holders(self, doc_id: str, attachment: str) -> list[Holder]:
        """The documents of all databases with an id that may have an attachment of a name.

        They lack its bytes, or are media documents without any attachment.
        """
        query = (
            "SELECT docs.db, docs.file, lacking.stub FROM docs LEFT JOIN lacking "
            "ON lacking.db = docs.db AND lacking.id = docs.id AND lacking.name = ? WHERE docs.id = ? AND ("
            "lacking.stub IS NOT NULL OR (docs.type IN (?, ?) AND NOT EXISTS "
            "(SELECT 1 FROM audio WHERE audio.db = docs.db AND audio.id = docs.id) AND NOT EXISTS "
            "(SELECT 1 FROM lacking AS named WHERE named.db = docs.db AND named.id = docs.id)))"
        )
        rows = self._connection().execute(query, (attachment, doc_id, *sorted(MEDIA_TYPES)))
        stubs = ((name, file, orjson.loads(stub) if stub else {}) for name, file, stub in rows)
        return [
            Holder(name, file, stub.get("content_type", ""), stub.get("digest", "")) for name, file, stub in stubs
        ]

    def attach(self, name: str, doc_id: str, attachment: str, path: Path, stub: Document) -> None:
        """Give a document an attachment, whose bytes are a file. `stub` has its content type, length and digest."""
        connection = self._connection()
        values = (name, doc_id, attachment, str(path), stub["length"])
        insert = "INSERT OR REPLACE INTO audio VALUES (?, ?, ?, ?, NULL, NULL, ?, 0, NULL)"
        connection.execute(insert, values)
        connection.execute("DELETE FROM lacking WHERE db = ? AND id = ? AND name = ?", (name, doc_id, attachment))
        doc = self.fetch(name, [doc_id])[doc_id]
        doc[_ATTACHMENTS] = {**doc.get(_ATTACHMENTS, {}), attachment: {**stub, "stub": True}}
        body = orjson.dumps(doc)
        connection.execute("UPDATE docs SET body = ? WHERE db = ? AND id = ?", (body, name, doc_id))

    # --- what is in it ---

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
    ) -> Base64Stream | GunzipStream | IO[bytes] | None:
        """An attachment's bytes; None if there are none."""
        columns = "path, offset, characters, length, is_gzip, content"
        query = f"SELECT {columns} FROM audio WHERE db = ? AND id = ? AND name = ?"  # noqa: S608
        row = self._connection().execute(query, (name, doc_id, attachment)).fetchone()
        if row is None:
            return None
        path, offset, characters, length, is_gzip, content = row
        if content is not None:
            return io.BytesIO(content)
        if offset is None:
            return Path(path).open("rb")
        stream = Base64Stream(Path(path), Base64Range(offset, characters, length))
        return GunzipStream(stream) if is_gzip else stream

    def commit(self) -> None:
        """Make what was added visible to other threads."""
        self._connection().commit()

    def _add_attachments(self, name: str, doc: Document, file: IndexedFile) -> Document:
        """Note where a document's attachments are; stubs of those that have bytes."""
        for table in ("audio", "lacking"):
            self._connection().execute(f"DELETE FROM {table} WHERE db = ? AND id = ?", (name, doc["_id"]))  # noqa: S608
        attachments = doc.get(_ATTACHMENTS)
        stubs: Document = {}
        for attachment, stored in attachments.items() if isinstance(attachments, dict) else []:
            fields = stored if isinstance(stored, dict) else {}
            stub = self._add_attachment(name, doc["_id"], attachment, fields, file)
            if stub is not None:
                stubs[attachment] = stub
                continue
            values = (name, doc["_id"], attachment, orjson.dumps(_stub_texts(fields)))
            self._connection().execute("INSERT OR REPLACE INTO lacking VALUES (?, ?, ?, ?)", values)
        return stubs

    def _add_attachment(
        self, name: str, doc_id: str, attachment: str, fields: Document, file: IndexedFile
    ) -> Document | None:
        """Note where an attachment's bytes are; its stub, or None if the backup lacks the bytes."""
        data, is_gzip = fields.get("data"), fields.get("encoding") == "gzip"
        text_range, content = file.extractor.find_range(data), None
        if text_range is None:
            content = _decode_short(data)
            if content is None:
                return None
            if is_gzip:
                content = _gunzip_or_empty(content)
            length = len(content)
        else:
            stream = Base64Stream(file.path, text_range)
            length = _stream_length(GunzipStream(stream)) if is_gzip else text_range.length
        place = (str(file.path), text_range.offset, text_range.characters) if text_range else (None, None, None)
        values = (name, doc_id, attachment, *place, length, is_gzip, content)
        self._connection().execute("INSERT OR REPLACE INTO audio VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return {**_stub_texts(fields), "stub": True, "length": length}

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite3.connect(self._path)
            # Every run makes its own index, so nothing in it has to survive a crash.
            connection.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000"
            )
        return connection


def is_needed(doc: Document) -> bool:
    """Whether a migration may need a document of an account. One with attachments may be the target of a link."""
    kind = document_type(doc)
    if kind == "design":
        return False
    attachments = doc.get(_ATTACHMENTS)
    has_attachments = isinstance(attachments, dict) and bool(attachments)
    return kind in MIGRATED_TYPES or has_attachments or doc["_id"].startswith(_STORED_ID_PREFIXES)


def _stub_texts(fields: Document) -> Document:
    texts = {key: fields.get(key) for key in ("content_type", "digest")}
    return {key: text for key, text in texts.items() if isinstance(text, str) and text.isprintable()}


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
