"""Any list as a file: CSV for spreadsheets or JSON, with the rows of all pages, filtered and sorted as on the page.

The file is streamed while the pages are read, so that it may have any number of rows.
"""

import codecs
import copy
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import Promise

from crossbar.conditions import content_disposition
from crossbar.csv_renderer import format_cell
from desk.kit import list_settings
from desk.kit.tables import START_KEY, Cell, Column, Row, Table, choose_columns

PARAMETER = "export"
CSV, JSON = "csv", "json"
_CONTENT_TYPES = {CSV: "text/csv; charset=utf-8", JSON: "application/json"}

MakeTable = Callable[[HttpRequest], Table]


def export_response(request: HttpRequest, name: str, make_table: MakeTable) -> StreamingHttpResponse:
    """Return the list that a request asks for as a file called `name`, in the format that its query names.

    The first page is read at once: whatever is wrong with the request is raised here.
    """
    file_format = JSON if request.GET.get(PARAMETER) == JSON else CSV
    tables = _read_tables(request, make_table)
    first = next(tables)
    pieces = _json_pieces(first, tables) if file_format == JSON else _csv_pieces(first, tables)
    response = StreamingHttpResponse(pieces, content_type=_CONTENT_TYPES[file_format])
    response["Content-Disposition"] = content_disposition(f"{name}.{file_format}")
    return response


def _read_tables(request: HttpRequest, make_table: MakeTable) -> Iterator[Table]:
    """The pages of a list, each with the columns that the operator sees, from the first one on."""
    zone = timezone.get_current_timezone()  # later pages are read when the request's zone is no longer set
    page_request = copy.copy(request)
    list_settings.use_for_export(page_request)
    hidden = list_settings.settings_of_list(request).hidden
    query = request.GET.copy()
    query.pop(START_KEY, None)
    while True:
        page_request.GET = query.copy()  # type: ignore[assignment]  # each page has its own
        with timezone.override(zone):
            table = choose_columns(make_table(page_request), hidden)
        yield table
        next_start_key = table.paging.next_start_key
        if next_start_key is None or next_start_key == query.get(START_KEY):
            return
        query[START_KEY] = next_start_key


def _csv_pieces(first: Table, tables: Iterator[Table]) -> Iterator[bytes]:
    yield codecs.BOM_UTF8 + _csv_bytes([[format_cell(str(column)) for column in first.columns]])
    yield _csv_bytes(_csv_row(row) for row in first.rows)
    for table in tables:
        yield _csv_bytes(_csv_row(row) for row in table.rows)


def _csv_row(row: Row) -> list[str]:
    return [format_cell(cell.value if isinstance(cell.value, int | float) else str(cell.text)) for cell in row.cells]


def _csv_bytes(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _json_pieces(first: Table, tables: Iterator[Table]) -> Iterator[bytes]:
    """An array with an object for each row, a line each."""
    names = [_json_name(column) for column in first.columns]
    is_first = True
    yield b"["
    for table in (table for batch in ([first], tables) for table in batch):
        lines = [json.dumps(_json_row(names, row.cells), ensure_ascii=False) for row in table.rows]
        if lines:
            yield (("\n" if is_first else ",\n") + ",\n".join(lines)).encode("utf-8", "replace")
            is_first = False
    yield b"\n]"


def _json_name(column: str | Column) -> str:
    return (column.name if isinstance(column, Column) else "") or str(column)


def _json_row(names: Sequence[str], cells: Sequence[Cell]) -> Mapping[str, Any]:
    return {name: _json_value(cell) for name, cell in zip(names, cells, strict=True)}


def _json_value(cell: Cell) -> Any:
    value = cell.text if cell.value is None else cell.value
    return str(value) if isinstance(value, Promise) else value
