"""Responses to view queries: JSON text assembled from the texts in the index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from . import jsontext
from .builtin_reduce import Row
from .designs import Design, View
from .indexing import Index, find_index
from .javascript import Engine
from .queryargs import Query, check_for_map, check_for_reduce, one_key_as_range
from .ranges import Range, before, exactly, range_of
from .reading import render
from .reduce import groups, reduce_groups
from .revisions import Revision, parse_rev, revision, winner
from .sequences import public_seq
from .storage import update_seq


def query_view(connection: sqlite3.Connection, engine: Engine, design: Design, view: View, query: Query) -> bytes:
    """The response to a query.  Raises a 400 ``CouchError`` for options that don't fit the view."""
    query = one_key_as_range(query)
    reduced = view.reduce is not None and query.reduce is not False
    (check_for_reduce if reduced else check_for_map)(query)
    ranges = _ranges(query)
    index = find_index(connection, design.signature)
    members = _seq_member(query, index.seq if index else 0)
    if reduced:
        assert view.reduce is not None
        rows = _reduced_rows(connection, engine, view.reduce, _map_number(index, view), query, ranges)
        return listing(members, rows)
    number = _map_number(index, view)
    return listing([*members, *_totals(connection, number, query)], _plain_rows(connection, number, query, ranges))


def listing(members: list[bytes], rows: Iterable[bytes]) -> bytes:
    """A view's response: the members, then the rows."""
    head = b"".join(member + b"," for member in members)
    return b"{" + head + b'"rows":[\r\n' + b",\r\n".join(rows) + b"\r\n]}\n"


def window(query: Query, rows: Iterable[Any]) -> Iterator[Any]:
    """The rows that ``skip`` and ``limit`` select."""
    stop = None if query.limit is None else query.skip + query.limit
    return islice(rows, query.skip, stop)


def _map_number(index: Index | None, view: View) -> int | None:
    return index.maps[view.map] if index else None


def _ranges(query: Query) -> list[Range]:
    if query.keys is None:
        return [range_of(query)]
    keys = reversed(query.keys) if query.descending else query.keys
    return [exactly(query, key) for key in keys]


def _totals(connection: sqlite3.Connection, number: int | None, query: Query) -> list[bytes]:
    row = connection.execute("SELECT count FROM maps WHERE n = ?", (number,)).fetchone()
    total = row[0] if row else 0
    skipped = before(query)
    (offset,) = connection.execute(
        f"SELECT count(*) FROM rows WHERE map = ?{skipped.where}",  # noqa: S608
        (number, *skipped.parameters),
    ).fetchone()
    offset = min(total, offset + query.skip)
    return [f'"total_rows":{total},"offset":{offset}'.encode()]


def _select(connection: sqlite3.Connection, number: int | None, query: Query, within: Range) -> Iterator[Row]:
    limit = -1 if query.limit is None else query.skip + query.limit
    order = within.order
    return connection.execute(
        f"SELECT keytext, id, value FROM rows WHERE map = ?{within.where} "  # noqa: S608
        f"ORDER BY key {order}, id {order}, n {order} LIMIT ?",
        (number, *within.parameters, limit),
    )


def _plain_rows(
    connection: sqlite3.Connection, number: int | None, query: Query, ranges: list[Range]
) -> Iterator[bytes]:
    rows = chain.from_iterable(_select(connection, number, query, within) for within in ranges)
    dumps = jsontext.dumps
    for key, doc_id, value in window(query, rows):
        row = b'{"id":' + dumps(doc_id) + b',"key":' + key + b',"value":' + value
        if query.include_docs:
            row += b',"doc":' + _included(connection, doc_id, value, query)
        yield row + b"}"


def _included(connection: sqlite3.Connection, doc_id: str, value: bytes, query: Query) -> bytes:
    document = _linked_document(connection, doc_id, value) if b'"_id"' in value else winner(connection, doc_id)
    if document is None or document.deleted:
        return b"null"
    return render(connection, document, query.read_options)


def _linked_document(connection: sqlite3.Connection, doc_id: str, value: bytes) -> Revision | None:
    """The document that a row's value names by ``_id``, or else the row's own."""
    link = jsontext.loads(value)
    target = link.get("_id", doc_id) if isinstance(link, dict) else doc_id
    if not isinstance(target, str):
        return None
    if isinstance(link, dict) and isinstance(link.get("_rev"), str):
        return revision(connection, target, parse_rev(link["_rev"]))
    return winner(connection, target)


def _reduced_rows(
    connection: sqlite3.Connection,
    engine: Engine,
    function: str,
    number: int | None,
    query: Query,
    ranges: list[Range],
) -> Iterator[bytes]:
    whole = Query(descending=query.descending)  # a limit counts groups here, not rows
    level = None if query.group and query.group_level is None else query.group_level or 0
    grouped = chain.from_iterable(groups(_select(connection, number, whole, r), level) for r in ranges)
    for key, value in reduce_groups(engine, function, window(query, grouped)):
        yield b'{"key":' + key + b',"value":' + value + b"}"


def query_seq(connection: sqlite3.Connection, query: Query) -> list[bytes]:
    """The member with the sequence of the last change in a listing of documents, if requested."""
    return _seq_member(query, update_seq(connection))


def _seq_member(query: Query, seq: int) -> list[bytes]:
    return [f'"update_seq":"{public_seq(seq)}"'.encode()] if query.update_seq else []
