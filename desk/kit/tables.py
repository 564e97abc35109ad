"""Tables of documents as Django's admin shows its own: search, filters, sorted pages, and actions on chosen rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Cell:
    """A cell: its text, where it leads, and a class of its own for its looks."""

    text: Any
    url: str | None = None
    style: str = ""


@dataclass(frozen=True)
class Row:
    """A row: its cells, the first of which names it, and the id that an action on it gets."""

    cells: Sequence[Cell]
    id: str = ""


@dataclass(frozen=True)
class Choice:
    """One value of a filter."""

    text: str
    query: str
    selected: bool


@dataclass(frozen=True)
class Filter:
    """A filter in the bar beside the table."""

    title: str
    choices: Sequence[Choice]


@dataclass(frozen=True)
class Table:
    """What a list page shows."""

    columns: Sequence[str]
    rows: Sequence[Row]
    caption: str
    """What the table lists, for those who don't see it."""
    search: str | None = None
    """The text that is searched for; None where there is no search."""
    search_help: str = ""
    search_label: str = "Search"
    search_fields: SafeString = field(default_factory=SafeString)
    """What else the form that searches asks for."""
    filters: Sequence[Filter] = ()
    actions: Sequence[tuple[str, str]] = ()
    """The actions on chosen rows: value and text."""
    next_query: str | None = None
    """The query string of the next page; None on the last one."""
    next_text: str = "Next page"
    is_first: bool = True
    empty: str = "There is nothing here."
    first_query: str = "?"
    """The query string of the first page."""
    kept: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """Query parameters that a search keeps."""
    action_url: str = ""
    """Where the actions are sent; empty for the page itself."""
    action_fields: SafeString = field(default_factory=SafeString)
    """What actions take beside the chosen rows: form fields."""


def choices(request: HttpRequest, name: str, options: Sequence[tuple[str, str]]) -> list[Choice]:
    """The choices of a filter by one query parameter; the option ``""`` stands for all."""
    current = request.GET.get(name, "")
    return [Choice(text, query_with(request, **{name: value}), current == value) for value, text in options]


def query_with(request: HttpRequest, **changed: str) -> str:
    """The page's query string with some parameters changed, from the first page on; empty ones are left out."""
    query: QueryDict = request.GET.copy()
    query.pop("start_key", None)
    for name, value in changed.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return "?" + query.urlencode()
