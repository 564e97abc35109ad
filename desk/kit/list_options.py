"""What the operator may choose for a list, as its page shows it: columns, the size of pages, files to download."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from desk.kit.export import CSV, JSON, PARAMETER
from desk.kit.list_settings import PAGE_SIZES, ListSettings
from desk.kit.tables import Column, Table, query_string


@dataclass(frozen=True)
class ColumnChoice:
    """A column that can be hidden."""

    name: str
    text: str
    is_shown: bool


@dataclass(frozen=True)
class ListOptions:
    """What ``desk/kit/list_options.html`` shows."""

    list_name: str
    columns: Sequence[ColumnChoice]
    page_sizes: Sequence[int]
    page_size: int | None
    exports: Sequence[tuple[str, str]]
    """The format and the query string of each file."""

    @classmethod
    def of(cls, request: HttpRequest, table: Table, settings: ListSettings) -> "ListOptions":
        """The options of a table with all its columns."""
        columns = [column for column in table.columns[1:] if isinstance(column, Column) and column.name]
        return cls(
            settings.list_name,
            [ColumnChoice(column.name, str(column), column.name not in settings.hidden) for column in columns],
            PAGE_SIZES,
            settings.page_size,
            [(name.upper(), query_string(request, **{PARAMETER: name})) for name in (CSV, JSON)],
        )
