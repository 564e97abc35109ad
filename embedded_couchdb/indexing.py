"""View indexes, updated by mapping the documents that changed since the last update."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from . import jsontext
from .collation import sort_key
from .designs import Design
from .errors import CouchError, not_found
from .javascript import Engine, JavaScriptError
from .revisions import Revision, changed_since
from .storage import Database, update_seq

_BATCH_DOCUMENTS = 500
_BATCH_BYTES = 4_000_000

Row = tuple[int, str, str]


@dataclass(frozen=True)
class Index:
    """A stored index: its number, the sequence up to which it is built, and its maps by position."""

    number: int
    seq: int
    maps: list[int]


def find_index(connection: sqlite3.Connection, signature: str) -> Index | None:
    """The index of a signature, None if it was never built."""
    row = connection.execute("SELECT n, seq FROM indexes WHERE signature = ?", (signature,)).fetchone()
    if row is None:
        return None
    maps = connection.execute("SELECT n FROM maps WHERE idx = ? ORDER BY position", (row[0],))
    return Index(row[0], row[1], [n for (n,) in maps])


def update_index(database: Database, engine: Engine, design: Design) -> None:
    """Map the changed documents.  Raises a 500 ``CouchError`` if a map function runs out of time or memory."""
    if _up_to_date(database, design):
        return
    with database.index_lock(design.signature):
        while _update_batch(database, engine, design):
            pass


def _up_to_date(database: Database, design: Design) -> bool:
    with database.reading() as connection:
        index = find_index(connection, design.signature)
        return index is not None and index.seq == update_seq(connection)


def _update_batch(database: Database, engine: Engine, design: Design) -> bool:
    """Map a batch of changed documents.  Returns False if there were none."""
    with database.reading() as connection:
        index = find_index(connection, design.signature)
        changed = _batch(connection, index.seq if index else 0)
    if index is None:
        index = _create_index(database, design)
    if not changed:
        return False
    documents = [revision for _, revision in changed if _is_mapped(revision)]
    emitted = _map(engine, design, documents) if documents else [[] for _ in index.maps]
    with database.writing() as connection:
        if find_index(connection, design.signature) != index:
            raise not_found("Design document was updated or deleted.")
        for number, rows in zip(index.maps, emitted, strict=True):
            if index.seq:
                _remove_rows(connection, number, [revision.id for _, revision in changed])
            _add_rows(connection, number, documents, rows)
        connection.execute("UPDATE indexes SET seq = ? WHERE n = ?", (changed[-1][0], index.number))
    return True


def _batch(connection: sqlite3.Connection, seq: int) -> list[tuple[int, Revision]]:
    size, batch = 0, []
    for change in changed_since(connection, seq, _BATCH_DOCUMENTS):
        batch.append(change)
        size += len(change[1].body or b"")
        if size > _BATCH_BYTES:
            break
    return batch


def _is_mapped(revision: Revision) -> bool:
    return not revision.deleted and not revision.id.startswith("_design/")


def _create_index(database: Database, design: Design) -> Index:
    with database.writing() as connection:
        number = connection.execute(
            "INSERT INTO indexes (signature, seq) VALUES (?, 0)", (design.signature,)
        ).lastrowid
        assert number is not None
        positions = sorted({view.map for view in design.views.values()})
        connection.executemany(
            "INSERT INTO maps (idx, position, count) VALUES (?, ?, 0)", [(number, p) for p in positions]
        )
        index = find_index(connection, design.signature)
    assert index is not None
    return index


def _map(engine: Engine, design: Design, documents: list[Revision]) -> list[list[Row]]:
    """What each map function emits: position of the document, key and value as JSON texts."""
    text = b"[" + b",".join(revision.as_json() for revision in documents) + b"]"
    try:
        rows: list[list[Row]] = engine.run("map", design.signature, design.source, text.decode())
    except JavaScriptError as problem:
        raise CouchError(500, "compilation_error", str(problem)) from problem
    return rows


def _remove_rows(connection: sqlite3.Connection, number: int, ids: list[str]) -> None:
    removed = 0
    for doc_id in ids:
        cursor = connection.execute("DELETE FROM rows WHERE map = ? AND id = ?", (number, doc_id))
        removed += cursor.rowcount
    connection.execute("UPDATE maps SET count = count - ? WHERE n = ?", (removed, number))


def _add_rows(connection: sqlite3.Connection, number: int, documents: list[Revision], rows: list[Row]) -> None:
    connection.executemany(
        "INSERT INTO rows (map, key, keytext, id, n, value) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (number, *_normalize_key(keytext), documents[position].id, n, jsontext.well_formed(value).encode())
            for n, (position, keytext, value) in enumerate(rows)
        ],
    )
    connection.execute("UPDATE maps SET count = count + ? WHERE n = ?", (len(rows), number))


def _normalize_key(text: str) -> tuple[bytes, bytes]:
    key = jsontext.loads_from_javascript(text)
    return sort_key(key), jsontext.dumps(key)
