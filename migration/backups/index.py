"""What matters of some backups' documents, kept on disk while it is needed: memory stays as it is.

Documents are kept without their audio; that stays in the backup's file, and its place is noted. Documents that no
migration asks for are counted by type, and forgotten.
"""

import gzip
import sqlite3
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from couch.client import Document
from migration.backups.extracting import Decoding, Extracting, Place, Unpacking, decoded

ATTACHMENTS = "_attachments"
_KEPT = frozenset({"account", "user", "vmbox", "media", "private_media", "mailbox_message"})
_KEPT_IDS = ("configs_",)
_SCHEMA = """
CREATE TABLE docs (db TEXT, id TEXT, type TEXT, generation INTEGER, body BLOB, PRIMARY KEY (db, id));
CREATE INDEX by_type ON docs (db, type, id);
CREATE TABLE audio (db TEXT, id TEXT, name TEXT, path TEXT, offset INTEGER, characters INTEGER, length INTEGER,
    packed INTEGER, content BLOB, PRIMARY KEY (db, id, name)) WITHOUT ROWID;
CREATE TABLE others (db TEXT, type TEXT, count INTEGER, PRIMARY KEY (db, type)) WITHOUT ROWID;
"""


class Stored(NamedTuple):
    """How a document came into the index."""

    type: str
    silent: int
    """So many of its attachments are named in the backup, and their bytes are not there."""


class Index:
    """An index in a file that is there for no longer than the folder it is in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connection().executescript(_SCHEMA)

    def add(self, name: str, doc: Document, path: Path, extracting: Extracting, system: bool) -> Stored:
        """Take in a document of the database of that name. Of two with one id the later revision stays.

        `system`: the database is none of an account's, and all that is in it is kept.
        """
        kind = kind_of(doc)
        connection = self._connection()
        if doc.get("_deleted") is True:
            return Stored(kind, 0)
        attachments = doc.get(ATTACHMENTS)
        has_some = isinstance(attachments, dict) and bool(attachments)
        if not (system or kind in _KEPT or has_some or doc["_id"].startswith(_KEPT_IDS)) or _is_design(doc):
            counted = "INSERT INTO others VALUES (?, ?, 1) ON CONFLICT (db, type) DO UPDATE SET count = count + 1"
            connection.execute(counted, (name, kind))
            return Stored(kind, 0)
        generation = _generation(doc)
        known = "SELECT generation FROM docs WHERE db = ? AND id = ?"
        found = connection.execute(known, (name, doc["_id"])).fetchone()
        if found is not None and found[0] > generation:
            return Stored(kind, 0)
        silent = 0
        stubs: Document = {}
        connection.execute("DELETE FROM audio WHERE db = ? AND id = ?", (name, doc["_id"]))
        for attachment, stub in attachments.items() if isinstance(attachments, dict) else []:
            kept = self._add_audio(name, doc["_id"], attachment, stub, path, extracting)
            silent += kept is None
            stubs |= {} if kept is None else {attachment: kept}
        bare = {key: value for key, value in doc.items() if key != ATTACHMENTS} | (
            {ATTACHMENTS: stubs} if stubs else {}
        )
        body = orjson.dumps(bare)
        if extracting.has_marks(body):
            body = orjson.dumps(extracting.restored(bare, path))
        row = (name, doc["_id"], kind, generation, body)
        connection.execute("INSERT OR REPLACE INTO docs VALUES (?, ?, ?, ?, ?)", row)
        return Stored(kind, silent)

    def rename(self, old: str, new: str) -> None:
        """What was taken in under one database's name belongs to another."""
        for table in ("docs", "audio"):
            self._connection().execute(f"UPDATE OR REPLACE {table} SET db = ? WHERE db = ?", (new, old))  # noqa: S608
        merged = (
            "INSERT INTO others SELECT ?, type, count FROM others WHERE db = ? "
            "ON CONFLICT (db, type) DO UPDATE SET count = count + excluded.count"
        )
        self._connection().execute(merged, (new, old))
        self._connection().execute("DELETE FROM others WHERE db = ?", (old,))

    def names(self) -> list[str]:
        """The names of the databases that there is anything of, in order."""
        rows = self._connection().execute("SELECT db FROM docs UNION SELECT db FROM others ORDER BY 1")
        return [row[0] for row in rows]

    def counts(self, name: str) -> Counter[str]:
        """How many documents of each type a database has."""
        kept = "SELECT type, count(*) FROM docs WHERE db = ? GROUP BY type"
        forgotten = "SELECT type, count FROM others WHERE db = ?"
        counts: Counter[str] = Counter()
        for query in (kept, forgotten):
            for kind, count in self._connection().execute(query, (name,)):
                counts[kind] += count
        return counts

    def documents(self, name: str, kind: str) -> Iterator[Document]:
        """The documents of a type, without audio, by id."""
        last = ""
        query = "SELECT id, body FROM docs WHERE db = ? AND type = ? AND id > ? ORDER BY id LIMIT 100"
        while rows := self._connection().execute(query, (name, kind, last)).fetchall():
            for _, body in rows:
                yield orjson.loads(body)
            last = rows[-1][0]

    def fetch(self, name: str, ids: Iterable[str]) -> dict[str, Document]:
        """The existing ones of some documents, by id; their attachments are stubs."""
        query = "SELECT body FROM docs WHERE db = ? AND id = ?"
        found: dict[str, Document] = {}
        for one in dict.fromkeys(ids):
            row = self._connection().execute(query, (name, one.encode("utf-8", "replace").decode())).fetchone()
            if row is not None:
                found[one] = orjson.loads(row[0])
        return found

    def open(self, name: str, doc_id: str, attachment: str) -> "Decoding | Unpacking | Held | None":
        """An attachment's bytes; None when there are none."""
        query = (
            "SELECT path, offset, characters, length, packed, content FROM audio WHERE db = ? AND id = ? AND name = ?"
        )
        row = self._connection().execute(query, (name, doc_id, attachment)).fetchone()
        if row is None:
            return None
        path, offset, characters, length, packed, content = row
        if content is not None:
            return Held(content)
        stream = Decoding(Path(path), Place(offset, characters, length))
        return Unpacking(stream) if packed else stream

    def save(self) -> None:
        """Let other threads see what was taken in."""
        self._connection().commit()

    def _add_audio(
        self, name: str, doc_id: str, attachment: str, stub: Any, path: Path, extracting: Extracting
    ) -> Document | None:
        """Note where an attachment's bytes are; its stub, None when they are nowhere."""
        told = stub if isinstance(stub, dict) else {}
        data, packed = told.get("data"), told.get("encoding") == "gzip"
        place, content = extracting.place(data), None
        if place is None:
            content = _short(data)
            if content is None:
                return None
            if packed:
                content = _unpacked(content)
            length = len(content)
        else:
            length = place.length if not packed else _length(Unpacking(Decoding(path, place)))
        where = (str(path), place.offset, place.characters) if place is not None else (None, None, None)
        row = (name, doc_id, attachment, *where, length, packed, content)
        self._connection().execute("INSERT OR REPLACE INTO audio VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        known = ("content_type", "digest")
        kept = {key: told[key] for key in known if isinstance(told.get(key), str) and told[key].isprintable()}
        return {**kept, "stub": True, "length": length}

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = sqlite3.connect(self._path)
            # It is made anew each time: nothing of it has to outlive a crash.
            found.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000")
        return found


class Held:
    """Bytes that were read already, as a stream."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end."""
        wanted = len(self._left) if size < 0 else size
        piece, self._left = self._left[:wanted], self._left[wanted:]
        return piece

    def close(self) -> None:
        """Nothing is open."""


def kind_of(doc: Document) -> str:
    """What a document is, for counting: its type, "design" for CouchDB's own, "untyped" for what doesn't say."""
    if _is_design(doc):
        return "design"
    kind = doc.get("pvt_type")
    return kind if isinstance(kind, str) and kind else "untyped"


def _is_design(doc: Document) -> bool:
    return str(doc["_id"]).startswith("_")


def _generation(doc: Document) -> int:
    number = str(doc.get("_rev") or "").partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0


def _short(data: Any) -> bytes | None:
    try:
        return decoded(data.encode()) if isinstance(data, str) else None
    except ValueError:
        return None


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""


def _length(stream: Unpacking) -> int:
    length = 0
    try:
        while piece := stream.read(65_536):
            length += len(piece)
    except ValueError:
        pass  # whoever reads it to the end finds that it is damaged
    finally:
        stream.close()
    return length
