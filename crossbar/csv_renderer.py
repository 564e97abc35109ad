"""Listings as CSV for spreadsheets: a UTF-8 mark, a header row, then a row per entry.

Spreadsheets run what looks like a formula, and show what looks like a number as one: +4930123 without its plus,
0301234 without its zero, 12 digits as 1.23E+11. Quotes don't keep them from it; an apostrophe in front does, in every
spreadsheet. It is what OWASP recommends against formulas and, unlike ``="0301234"``, is none itself.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from crossbar.envelope_format import to_json

_FORMULA_STARTS = ("=", "+", "-", "@", "\N{MINUS SIGN}")
_CONTROL_STARTS = ("\t", "\r", "\n")
# Letters and symbols that are invisible, beside the categories of separators, marks and control characters.
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
# Texts that spreadsheets take for a number, a date or a time if they have a digit; and those that look as before.
_NUMERIC = re.compile(r"[\d\s.,:/()%+-]+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DIGIT = re.compile(r"\d", re.ASCII)
_UNCHANGED = re.compile(r"0|-?[1-9]\d{0,5}", re.ASCII)


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
        return codecs.BOM_UTF8 + text.getvalue().encode("utf-8", "replace")


def _flatten(entry: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def format_cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula, nor for a number if it is text."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else to_json(value).decode()
    shown_as_it_is = _UNCHANGED if isinstance(value, str) else _NUMBER
    is_altered = _is_formula(text) or (_NUMERIC.fullmatch(text) and _DIGIT.search(text))
    return f"'{text}" if is_altered and not shown_as_it_is.fullmatch(text) else text


def _is_formula(text: str) -> bool:
    """Whether a text begins as a formula does, perhaps behind invisible characters or in full-width ones."""
    if text.startswith(_CONTROL_STARTS):
        return True
    first = next((character for character in text if not _is_invisible(character)), "")
    return unicodedata.normalize("NFKC", first).startswith(_FORMULA_STARTS)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character)[0] in "CMZ" or character in _BLANKS
