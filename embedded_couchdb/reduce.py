"""Reductions: the built-in ones, and those in JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import orjson

from . import jsontext
from .builtin_reduce import Row, builtin
from .errors import CouchError
from .javascript import Engine, JavaScriptError

_ROWS_PER_CALL = 5_000


def groups(rows: Iterable[Row], level: int | None) -> Iterator[tuple[bytes, list[Row]]]:
    """Rows in key order by group: one group for level 0, by whole key for None, otherwise by array prefix."""
    by = _whole_key if level is None else _prefix_of(level)
    for key, members in groupby(rows, by):
        yield key, list(members)


def _whole_key(row: Row) -> bytes:
    return row[0]


def _prefix_of(level: int) -> Callable[[Row], bytes]:
    if level == 0:
        return lambda _: b"null"

    def prefix(row: Row) -> bytes:
        text = row[0]
        if not text.startswith(b"["):
            return text
        return orjson.dumps(orjson.loads(text)[:level])  # written by dumps, so no long integers in it

    return prefix


def reduce_groups(
    engine: Engine, function: str, grouped: Iterable[tuple[bytes, list[Row]]]
) -> Iterator[tuple[bytes, bytes]]:
    """Key and reduced value of each group, as JSON texts.  A runaway function raises ``CouchError``."""
    if not function.startswith("_"):
        yield from _in_javascript(engine, function, iter(grouped))
        return
    reduce = builtin(function)
    for key, rows in grouped:
        yield key, jsontext.dumps(reduce(rows))


def _in_javascript(
    engine: Engine, function: str, grouped: Iterator[tuple[bytes, list[Row]]]
) -> Iterator[tuple[bytes, bytes]]:
    while batch := list(_take_batch(grouped)):
        text = b"[" + b",".join(_group_text(rows) for _, rows in batch) + b"]"
        try:
            values = engine.run("reduce", function, text.decode())
        except JavaScriptError as problem:
            raise CouchError(500, "compilation_error", str(problem)) from problem
        for (key, _), value in zip(batch, values, strict=True):
            yield key, jsontext.dumps(value)


def _take_batch(grouped: Iterator[tuple[bytes, list[Row]]]) -> Iterator[tuple[bytes, list[Row]]]:
    """Groups until they hold enough rows for one call."""
    count = 0
    for group in grouped:
        yield group
        count += len(group[1])
        if count >= _ROWS_PER_CALL:
            return


def _group_text(rows: list[Row]) -> bytes:
    keys = b",".join(b"[" + key + b"," + jsontext.dumps(doc_id) + b"]" for key, doc_id, _ in rows)
    return b'{"keys":[' + keys + b'],"values":[' + b",".join(value for _, _, value in rows) + b"]}"
