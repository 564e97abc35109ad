"""Ranges of index rows as SQL conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .collation import sort_key
from .errors import query_error
from .queryargs import UNSET, Query


@dataclass
class Range:
    """Conditions on the columns ``key`` and ``id``, with their parameters and the row order."""

    conditions: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    order: str = "ASC"

    def add(self, condition: str, *parameters: Any) -> None:
        """Narrow the range."""
        self.conditions.append(condition)
        self.parameters.extend(parameters)

    @property
    def where(self) -> str:
        """All conditions, each preceded by AND."""
        return "".join(f" AND {condition}" for condition in self.conditions)


def range_of(query: Query) -> Range:
    """The range between a query's start and end.  Raises a 400 ``CouchError`` if they are reversed."""
    rows = Range(order="DESC" if query.descending else "ASC")
    start = None if query.start_key is UNSET else sort_key(query.start_key)
    end = None if query.end_key is UNSET else sort_key(query.end_key)
    if start is not None and end is not None and start != end:
        _check_direction(start > end, query.descending)
    onward, back = ("<", ">") if query.descending else (">", "<")
    if start is not None:
        _bound(rows, f"{onward}=", start, query.start_id)
    if end is not None:
        _bound(rows, f"{back}=" if query.inclusive_end else back, end, query.end_id)
    return rows


def before(query: Query) -> Range:
    """The rows that come before a query's start: their number is the listing's offset."""
    rows = Range()
    if query.start_key is not UNSET:
        _bound(rows, ">" if query.descending else "<", sort_key(query.start_key), query.start_id)
    else:
        rows.add("0")
    return rows


def exactly(query: Query, key: Any) -> Range:
    """The rows of one of a query's keys."""
    rows = Range(order="DESC" if query.descending else "ASC")
    rows.add("key = ?", sort_key(key))
    return rows


def _check_direction(reversed_keys: bool, descending: bool) -> None:
    """Refuse a range that can't hold anything.  Raises a 400 ``CouchError``."""
    if reversed_keys != descending:
        hint = "false" if descending else "true"
        raise query_error(
            f"No rows can match your key range, reverse your start_key and end_key or set descending={hint}",
            ref=72864418,
        )


def _bound(rows: Range, comparison: str, key: bytes, doc_id: str | None) -> None:
    if doc_id is None:
        rows.add(f"key {comparison} ?", key)
    else:
        rows.add(f"(key, id) {comparison} (?, ?)", key, doc_id)
