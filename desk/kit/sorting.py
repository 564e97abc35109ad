"""Sort a list by one of its columns: the query's ``sort`` is a column's name, after a minus if descending."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest

from crossbar.pages import InvalidStartKey, Page, PageRequest, encode_start_key
from desk.kit.tables import Column, query_string
from storage import folding

Entry = TypeVar("Entry")
MAX_SORTED = 5_000
"""A list with more entries isn't sorted by columns that CouchDB has no order of."""
_DESCENDING_FIRST = frozenset({"time", "messages", "new", "saved", "created"})


@dataclass(frozen=True)
class Order:
    """The column that a list is sorted by, and in which direction."""

    name: str
    is_descending: bool = False

    @classmethod
    def of(cls, request: HttpRequest, names: Collection[str], default: "Order") -> "Order":
        """The order that the query asks for; the default one if it names a column that one can't sort by."""
        return cls.parse(request.GET.get("sort", ""), names, default)

    @classmethod
    def parse(cls, text: str, names: Collection[str], default: "Order") -> "Order":
        """The order that a query's ``sort`` names."""
        name = text.removeprefix("-")
        return cls(name, text.startswith("-")) if name in names else default

    def columns(self, request: HttpRequest, titles: Mapping[str, str], sortable: Collection[str]) -> list[Column]:
        """Columns by their names and headings; those that are `sortable` have links."""
        return [
            self.column(request, text, name) if name in sortable else Column(text, name)
            for name, text in titles.items()
        ]

    def column(self, request: HttpRequest, text: str, name: str) -> Column:
        """A column with the link that sorts by it, and that turns the order around if the list is sorted by it."""
        is_current = name == self.name
        is_descending = not self.is_descending if is_current else name in _DESCENDING_FIRST
        direction = ("descending" if self.is_descending else "ascending") if is_current else ""
        return Column(text, name, query_string(request, sort=f"{'-' if is_descending else ''}{name}"), direction)


def sort_page(
    entries: Sequence[Entry], key: Callable[[Entry], Any], order: Order, requested: PageRequest
) -> Page[Entry]:
    """The page of entries that a request asks for, in an order that CouchDB doesn't have. Raises InvalidStartKey.

    The start key is a position: whatever comes or goes meanwhile moves the pages by one.
    """
    position = 0 if requested.start_key is None else requested.start_key
    if not isinstance(position, int) or position < 0:
        raise InvalidStartKey()
    ordered = sorted(entries, key=key, reverse=order.is_descending)
    end = len(ordered) if requested.size is None else position + requested.size
    return Page(ordered[position:end], encode_start_key(end) if end < len(ordered) else None)


def text_key(value: object) -> tuple[bool, str]:
    """The key that sorts texts as people do, whatever their case and accents; what is empty comes last."""
    text = folding.fold(str(value or ""))
    return not text, text


def number_key(value: object) -> tuple[int, int, str]:
    """The key that sorts numbers of mailboxes: by their values, then whatever is no number as text."""
    text = str(value or "")
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return (0, int(text), text) if is_number else (1, 0, text)
