"""Listings as CSV: a header row, then a row per entry."""

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from crossbar.envelope_format import to_json

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


class CsvRenderer(BaseRenderer):
    """Renders a listing. Columns are the entries' keys, nested ones joined by dots, in the order of appearance."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return a listing's entries as CSV."""
        rows = [_flatten(entry) for entry in data if isinstance(entry, Mapping)]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(format_cell(name) for name in columns)  # clients choose names, too
        writer.writerows([format_cell(row.get(name)) for name in columns] for row in rows)
        return text.getvalue().encode("utf-8", "replace")


def _flatten(entry: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def format_cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else to_json(value).decode()
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text) else text
