"""Tables of documents in the style of Django's admin: search, filters, pages, and actions on selected rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crossbar.pages import Page, PageRequest
from desk.kit import list_settings
from desk.kit.formats import format_number, format_time, iso_time

START_KEY, BACK = "start_key", "back"
"""The query's parameters for the page that is shown, and for the pages before it."""
_SEPARATOR, _FORGOTTEN = "~", "-"
_MAX_BACK_LENGTH = 1_500
"""Request lines may have 4,094 characters."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, its name in exports and settings, and the link that sorts by it if one can."""

    text: str
    name: str = ""
    sort_query: str = ""
    direction: str = ""
    """``ascending`` or ``descending`` if the rows are sorted by it."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Cell:
    """A cell: its text, an optional link, an optional CSS class, and what exports have in place of the text."""

    text: Any
    url: str | None = None
    style: str = ""
    value: Any = None


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
        cls, request: HttpRequest, title: str, parameter: str, options: Sequence[tuple[str, Any]]
    ) -> "Filter":
        """A filter that sets one query parameter; the option ``""`` stands for all rows."""
        current = request.GET.get(parameter, "")
        return cls(
            title,
            [
                FilterChoice(str(text), query_string(request, **{parameter: value}), current == value)
                for value, text in options
            ],
        )


@dataclass(frozen=True)
class Paging:
    """The links from one page of a table to the first, the previous and the next one, as query strings."""

    first: str | None = None
    """None on the first page."""
    next: str | None = None
    """None on the last page."""
    next_text: str = ""
    previous: str | None = None
    """None on the first page, and after more pages than an address can name."""
    next_start_key: str | None = None

    @classmethod
    def of_page(cls, request: HttpRequest, page: Page[Any]) -> "Paging":
        """The links on a page of a listing or a search; a search that was cut goes on."""
        return cls.of(request, page.next_start_key, _("Search on") if page.is_cut else "")

    @classmethod
    def of(cls, request: HttpRequest, next_start_key: str | None, next_text: str = "") -> "Paging":
        """The links on the page that the request's query asks for."""
        start_key, back = request.GET.get(START_KEY, ""), request.GET.get(BACK)
        return cls(
            first=query_string(request) if start_key else None,
            next=_next_query(request, start_key, back, next_start_key) if next_start_key else None,
            next_text=next_text or _("Next page"),
            previous=_previous_query(request, back) if start_key else None,
            next_start_key=next_start_key,
        )


def _next_query(request: HttpRequest, start_key: str, back: str | None, next_start_key: str) -> str:
    """The query of the next page, which names the start keys of those between the first page and itself.

    Start keys only lead forward: the way back is the way that led here. If it gets too long, its beginning is
    forgotten.
    """
    way = back.split(_SEPARATOR) if back else []
    if start_key:
        way.append(start_key)
    while len(_SEPARATOR.join(way)) > _MAX_BACK_LENGTH:
        way = [_FORGOTTEN, *way[2 if way[0] == _FORGOTTEN else 1 :]]
    return query_string(request, **{START_KEY: next_start_key, BACK: _SEPARATOR.join(way)})


def _previous_query(request: HttpRequest, back: str | None) -> str | None:
    """The query of the page before one that isn't the first; None if it was forgotten."""
    *before, previous = back.split(_SEPARATOR) if back else [""]
    if previous == _FORGOTTEN:
        return None
    return query_string(request, **{START_KEY: previous, BACK: _SEPARATOR.join(before)})


@dataclass(frozen=True)
class Table:
    """What ``desk/kit/table.html`` shows."""

    columns: Sequence[str | Column]
    rows: Sequence[Row]
    caption: str
    """What the table lists, for screen readers."""
    empty: str
    """The text of a table without rows."""
    paging: Paging
    note: str = ""
    """What the table does not show of what was asked for."""
    total: int | None = None
    """How many rows all pages have; None if that would cost more than the page itself."""
    search: str | None = None
    """The text that is searched for; None for a table without search."""
    search_help: str = ""
    search_label: str = field(default_factory=lambda: _("Search"))
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
    all_label: str = ""
    """The text of the checkbox that selects the rows of all pages (``all=yes``); empty for none."""

    @property
    def total_text(self) -> str | None:
        """The total for people; None if there is none."""
        return None if self.total is None else format_number(self.total)


def choose_columns(table: Table, hidden: Collection[str]) -> Table:
    """A table without the columns of some names. Its first column stays: it is the heading of each row."""
    shown = [
        position
        for position, column in enumerate(table.columns)
        if not position or not isinstance(column, Column) or column.name not in hidden
    ]
    if len(shown) == len(table.columns):
        return table
    rows = [Row([row.cells[position] for position in shown], row.id) for row in table.rows]
    return replace(table, columns=[table.columns[position] for position in shown], rows=rows)


def time_cell(gregorian_seconds: object, url: str | None = None, *, empty: str = "") -> Cell:
    """The cell of a stored time; exports have it in ISO 8601."""
    return Cell(format_time(gregorian_seconds) or empty, url, value=iso_time(gregorian_seconds))


def cut_note(page: Page[Any], text: str) -> str:
    """The text for a search that was cut before all was looked at; empty for any other page."""
    return text if page.is_cut else ""


def page_request(request: HttpRequest, size: int, *, descending: bool = False) -> PageRequest:
    """The page that the query's ``start_key`` asks for, of the size that the operator chose, or else of `size`.

    The listing raises an error if the key is not valid.
    """
    start_key = request.GET.get(START_KEY)
    page_size = list_settings.settings_of_list(request).page_size or size
    return PageRequest.from_query({START_KEY: start_key} if start_key else {}, page_size, descending=descending)


def query_string(request: HttpRequest, **changes: str) -> str:
    """The request's query string with some parameters changed, starting from the first page.

    A parameter that is changed to an empty text is left out.
    """
    query: QueryDict = request.GET.copy()
    for name in (START_KEY, BACK, "export"):
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return "?" + query.urlencode()
