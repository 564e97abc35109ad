"""The reductions that need no JavaScript: ``_count``, ``_sum``, ``_stats`` and their kin."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import orjson

from . import jsontext
from .collation import sort_key
from .errors import CouchError

# A row of an index: key as JSON text, document id, value as JSON text.
Row = tuple[bytes, str, bytes]

_NAMES = re.compile(r"_sum|_count|_stats|_approx_count_distinct|_first|_last|_(top|bottom)_[1-9][0-9]{0,2}")


class _UnfitError(Exception):
    """A value that a reduction can't take: the exception's argument."""


def is_builtin(function: str) -> bool:
    """Whether there is a built-in reduction of this name."""
    return _NAMES.fullmatch(function) is not None


def builtin(function: str) -> Callable[[list[Row]], Any]:
    """The reduction of a name that ``is_builtin``: from the rows of one group to a JSON value."""
    if match := re.fullmatch(r"_(top|bottom)_(\d+)", function):
        from_top, most = match[1] == "top", int(match[2])
        return lambda rows: _ranked(_values(rows), from_top)[:most]
    return _FUNCTIONS[function]


def _values(rows: list[Row]) -> list[Any]:
    # orjson is enough: numbers from JavaScript are doubles, so there are no integers too long for it.
    values: list[Any] = orjson.loads(b"[" + b",".join([value for _, _, value in rows]) + b"]")
    return values


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)  # a bool is an int to isinstance, but no number in JSON


def _sum(rows: list[Row]) -> Any:
    """A sum; for unfit values an object that describes the error, as CouchDB has it."""
    values = _values(rows)
    if all(map(_is_number, values)):
        return sum(values)
    try:
        return reduce(_add, values, 0)
    except _UnfitError as problem:
        reason = "The _sum function requires that map values be numbers, arrays of numbers, or objects."
        return {"error": "builtin_reduce_error", "reason": reason, "caused_by": problem.args[0]}


def _add(total: Any, value: Any) -> Any:
    if _is_number(total) and _is_number(value):
        return total + value
    if isinstance(value, dict) and (total == 0 or isinstance(total, dict)):
        return _add_objects(total or {}, value)
    if isinstance(total, dict) or isinstance(value, bool | str | dict) or value is None:
        raise _UnfitError(value)
    return _add_arrays(_as_array(total), _as_array(value))


def _as_array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _add_arrays(left: list[Any], right: list[Any]) -> list[Any]:
    for value in (*left, *right):
        if not _is_number(value):
            raise _UnfitError(value)
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    return [a + b for a, b in zip(longer, shorter, strict=False)] + longer[len(shorter) :]


def _add_objects(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {
        **left,
        **{name: _add(left[name], value) if name in left else value for name, value in right.items()},
    }


def _stats(rows: list[Row]) -> Any:
    """Statistics.  Raises a 500 ``CouchError`` for unfit values."""
    try:
        return _stats_of(_values(rows))
    except _UnfitError as problem:
        reason = f"non-numeric _stats input: {jsontext.dumps(problem.args[0]).decode()}"
        raise CouchError(500, "invalid_value", reason) from problem


def _stats_of(values: list[Any]) -> Any:
    if all(map(_is_number, values)):
        squares = sum([value * value for value in values])
        return {
            "sum": sum(values),
            "count": len(values),
            "min": min(values),
            "max": max(values),
            "sumsqr": squares,
        }
    if values and isinstance(values[0], list):
        if any(not isinstance(array, list) or len(array) != len(values[0]) for array in values):
            raise _UnfitError(values[0])
        return [_stats_of(list(column)) for column in zip(*values, strict=True)]
    entries = [value if isinstance(value, dict) else _single_stats(value) for value in values]
    try:
        return {
            "sum": sum(entry["sum"] for entry in entries),
            "count": sum(entry["count"] for entry in entries),
            "min": min(entry["min"] for entry in entries),
            "max": max(entry["max"] for entry in entries),
            "sumsqr": sum(entry["sumsqr"] for entry in entries),
        }
    except (KeyError, TypeError) as problem:
        raise _UnfitError(values[0]) from problem


def _single_stats(value: Any) -> dict[str, Any]:
    if not _is_number(value):
        raise _UnfitError(value)
    return {"sum": value, "count": 1, "min": value, "max": value, "sumsqr": value * value}


def _ranked(values: list[Any], from_top: bool) -> list[Any]:
    distinct = {sort_key(value): value for value in values}
    return [distinct[key] for key in sorted(distinct, reverse=from_top)]


_FUNCTIONS: dict[str, Callable[[list[Row]], Any]] = {
    "_count": len,
    "_sum": _sum,
    "_stats": _stats,
    "_approx_count_distinct": lambda rows: len({key for key, _, _ in rows}),
    "_first": lambda rows: jsontext.loads(rows[0][2]),
    "_last": lambda rows: jsontext.loads(rows[-1][2]),
}
