"""Tables of documents in the style of Django's admin: search, filters, pages, and actions on selected rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.safestring import SafeString

from crossbar.pages import Page, PageRequest


@dataclass(frozen=True)
class Cell:
    """A cell: its text, an optional link, and an optional CSS class."""

    text: Any
    url: str | None = None
    style: str = ""


@dataclass(frozen=True)
class Row:
    """A row. Its first cell is its heading; `id` is sent with an action if the row is selected."""

    cells: Sequence[Cell]
    id: str = ""


@dataclass(frozen=True)
class FilterChoice:
    """One value of a filter, as a link."""

    text: str
    query: str
    selected: bool


@dataclass(frozen=True)
class Filter:
    """A filter in the bar beside the table."""

    title: str
    choices: Sequence[FilterChoice]

    @classmethod
    def by_parameter(
        cls, request: HttpRequest, title: str, parameter: str, options: Sequence[tuple[str, str]]
    ) -> "Filter":
        """A filter that sets one query parameter; the option ``""`` stands for all rows."""
        current = request.GET.get(parameter, "")
        return cls(
            title,
            [
                FilterChoice(text, query_string(request, **{parameter: value}), current == value)
                for value, text in options
            ],
        )


@dataclass(frozen=True)
class Paging:
    """The links from one page of a table to the first and to the next one, as query strings."""

    first: str | None = None
    """None on the first page."""
    next: str | None = None
    """None on the last page."""
    next_text: str = "Next page"

    @classmethod
    def of_page(cls, request: HttpRequest, page: Page[Any]) -> "Paging":
        """The links on a page of a listing or a search; a search that was cut goes on."""
        return cls.of(request, page.next_start_key, "Search on" if page.is_cut else "Next page")

    @classmethod
    def of(cls, request: HttpRequest, next_start_key: str | None, next_text: str = "Next page") -> "Paging":
        """The links on the page that the request's query asks for."""
        return cls(
            first=query_string(request) if request.GET.get("start_key") else None,
            next=query_string(request, start_key=next_start_key) if next_start_key else None,
            next_text=next_text,
        )


@dataclass(frozen=True)
class Table:
    """What ``desk/kit/table.html`` shows."""

    columns: Sequence[str]
    rows: Sequence[Row]
    caption: str
    """What the table lists, for screen readers."""
    empty: str
    """The text of a table without rows."""
    paging: Paging
    note: str = ""
    """What the table does not show of what was asked for."""
    search: str | None = None
    """The text that is searched for; None for a table without search."""
    search_help: str = ""
    search_label: str = "Search"
    search_fields: SafeString = SafeString()  # noqa: RUF009 - a constant
    """Further fields of the search form."""
    search_parameters: Sequence[tuple[str, str]] = ()
    """Query parameters that a search keeps."""
    filters: Sequence[Filter] = ()
    actions: Sequence[tuple[str, str]] = ()
    """The actions on selected rows: value and text."""
    action: str = ""
    """The value of the action that is chosen already."""
    selected: frozenset[str] = frozenset()
    """The ids of the rows that are selected already."""
    action_fields: SafeString = SafeString()  # noqa: RUF009 - a constant
    """Further fields of the form that sends an action."""


def cut_note(page: Page[Any], subject: str) -> str:
    """A sentence for a search that was cut before all was looked at; empty for any other page."""
    return f"There are too many {subject} to search all at once: there may be more matches." if page.is_cut else ""


def page_request(request: HttpRequest, size: int, *, descending: bool = False) -> PageRequest:
    """The page that the query's ``start_key`` asks for. The listing raises an error if the key is not valid."""
    start_key = request.GET.get("start_key")
    return PageRequest.from_query({"start_key": start_key} if start_key else {}, size, descending=descending)


def query_string(request: HttpRequest, **changes: str) -> str:
    """The request's query string with some parameters changed, starting from the first page.

    A parameter that is changed to an empty text is left out.
    """
    query: QueryDict = request.GET.copy()
    query.pop("start_key", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return "?" + query.urlencode()
