"""Listings of documents by id: ``_all_docs``, ``_design_docs`` and ``_local_docs``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from . import jsontext
from .queryargs import UNSET, Query, check_for_map
from .querying import listing, query_seq, window
from .reading import render
from .revisions import winner
from .storage import document_counts

DESIGN_DOCUMENTS = ("_design/", "_design0")


def all_documents(connection: sqlite3.Connection, query: Query, within: tuple[str, str] | None = None) -> bytes:
    """The response to a query over document ids, of all documents or those with ids in a range.

    Raises a 400 ``CouchError`` for options that make no sense.
    """
    check_for_map(query)
    conditions, parameters = _conditions(query)
    if within:
        conditions += " AND id >= ? AND id < ?"
        parameters += within
    rows = (
        _by_key(connection, query) if query.keys is not None else _by_range(connection, query, conditions, parameters)
    )
    total = _total(connection, within)
    offset = "null" if query.keys is not None else _offset(connection, query, total)
    totals = f'"total_rows":{total},"offset":{offset}'
    return listing([*query_seq(connection, query), totals.encode()], rows)


def _total(connection: sqlite3.Connection, within: tuple[str, str] | None) -> int:
    if within is None:
        return document_counts(connection)[0]
    (total,) = connection.execute(
        "SELECT count(*) FROM documents WHERE deleted = 0 AND id >= ? AND id < ?", within
    ).fetchone()
    return int(total)


def _offset(connection: sqlite3.Connection, query: Query, total: int) -> int:
    """How many documents come before the first one listed."""
    before = 0
    if isinstance(query.start_key, str):
        comparison = ">" if query.descending else "<"
        (before,) = connection.execute(
            f"SELECT count(*) FROM documents WHERE deleted = 0 AND id {comparison} ?",  # noqa: S608
            (query.start_key,),
        ).fetchone()
    return min(total, int(before) + query.skip)


def _conditions(query: Query) -> tuple[str, list[Any]]:
    """Ids compare as bytes; keys that aren't strings come before all of them."""
    conditions, parameters = "", []
    start, end = query.start_key, query.end_key
    onward, back = ("<", ">") if query.descending else (">", "<")
    if not query.inclusive_end and end is not UNSET:
        bounds = ((f"{onward}=", start), (back, end))
    else:
        bounds = ((f"{onward}=", start), (f"{back}=", end))
    for comparison, key in bounds:
        if isinstance(key, str):
            conditions += f" AND id {comparison} ?"
            parameters.append(key)
        elif key is not UNSET and comparison.startswith("<"):
            conditions += " AND 0"
    return conditions, parameters


def _by_range(
    connection: sqlite3.Connection, query: Query, conditions: str, parameters: list[Any]
) -> Iterator[bytes]:
    order = "DESC" if query.descending else "ASC"
    rows = connection.execute(
        "SELECT r.id, r.gen, r.hash FROM (SELECT id, winner FROM documents "  # noqa: S608
        f"WHERE deleted = 0{conditions} ORDER BY id {order} LIMIT ? OFFSET ?) d "
        f"JOIN revisions r ON r.n = d.winner ORDER BY d.id {order}",
        (*parameters, -1 if query.limit is None else query.limit, query.skip),
    )
    for doc_id, gen, name in rows:
        text = jsontext.dumps(doc_id)
        row = b'{"id":' + text + b',"key":' + text + f',"value":{{"rev":"{gen}-{name}"}}'.encode()
        if query.include_docs:
            row += b',"doc":' + _document(connection, doc_id, query)
        yield row + b"}"


def _by_key(connection: sqlite3.Connection, query: Query) -> Iterator[bytes]:
    assert query.keys is not None
    for key in window(query, reversed(query.keys) if query.descending else query.keys):
        revision = winner(connection, key) if isinstance(key, str) else None
        text = jsontext.dumps(key)
        if revision is None:
            yield b'{"key":' + text + b',"error":"not_found"}'
            continue
        value = {"rev": revision.rev, **({"deleted": True} if revision.deleted else {})}
        row = b'{"id":' + text + b',"key":' + text + b',"value":' + jsontext.dumps(value)
        if query.include_docs:
            row += b',"doc":' + _document(connection, key, query)
        yield row + b"}"


def _document(connection: sqlite3.Connection, doc_id: str, query: Query) -> bytes:
    revision = winner(connection, doc_id)
    if revision is None or revision.deleted:
        return b"null"
    return render(connection, revision, query.read_options)


def local_documents(connection: sqlite3.Connection, query: Query) -> bytes:
    """The response to a query over the ids of local documents."""
    conditions, parameters = _conditions(query)
    order = "DESC" if query.descending else "ASC"
    rows = connection.execute(
        f"SELECT id, rev FROM local_documents WHERE 1{conditions} ORDER BY id {order}",  # noqa: S608
        parameters,
    )
    texts = (
        jsontext.dumps({"id": doc_id, "key": doc_id, "value": {"rev": f"0-{rev}"}})
        for doc_id, rev in window(query, rows)
    )
    return listing([b'"total_rows":null,"offset":null'], texts)
