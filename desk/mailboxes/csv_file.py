"""Reads a CSV file that people made, in whichever program: separators, encodings, and what a cell was quoted with.

What can't be read raises UnreadableFile, with a sentence for people.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crossbar.csv_renderer import format_cell
from desk.kit.formats import format_number

MAX_BYTES = 5 * 1024 * 1024
MAX_LINES = 5_000
_MAX_CELL = 20_000
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_BINARY_STARTS = {
    b"PK\x03\x04": gettext_lazy("a spreadsheet or an archive (.xlsx, .ods, .zip)"),
    b"\xd0\xcf\x11\xe0": gettext_lazy("an old Excel file (.xls)"),
    b"%PDF": gettext_lazy("a PDF"),
    b"\x1f\x8b": gettext_lazy("a compressed file (.gz)"),
}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableFile(Exception):
    """The file can't be read; the text says why, and what to do."""


@dataclass(frozen=True)
class Record:
    """A row below the header: the line of the file that it begins on, and its cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class CsvFile:
    """The header, the rows that aren't empty, and what people should know of how the file was read."""

    header: list[str]
    records: Sequence[Record]
    notes: Sequence[str]


def read(content: bytes) -> CsvFile:
    """The header and rows of a CSV file; raises UnreadableFile."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(
            _("The file is larger than %(megabytes)s MB. Divide it into several files.")
            % {"megabytes": MAX_BYTES // 1024 // 1024}
        )
    text, notes = _decode_file(content)
    separator = _find_separator(text)
    if separator != ",":
        notes.append(_("The columns are separated by %(separators)s.") % {"separators": _SEPARATORS[separator]})
    records = list(_read_records(text, separator))
    if not records:
        raise UnreadableFile(_("The file is empty. Its first line has to name the columns, as the template does."))
    if len(records) > MAX_LINES + 1:
        raise UnreadableFile(
            _("The file has more than %(max_lines)s lines. Divide it into several files.")
            % {"max_lines": format_number(MAX_LINES)}
        )
    return CsvFile([name.strip() for name in records[0].cells], records[1:], notes)


def unquote(cell: str) -> str:
    """A cell without blanks around it, and without the apostrophe that keeps it from being a formula or a number."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and format_cell(text[1:]) == text else text


def _decode_file(content: bytes) -> tuple[str, list[str]]:
    """The text, and what to tell of its encoding."""
    for start, kind in _BINARY_STARTS.items():
        if content.startswith(start):
            raise UnreadableFile(
                _("This is no CSV file but %(kind)s. Save it as “CSV UTF-8” in your spreadsheet.") % {"kind": kind}
            )
    if content.startswith(_UTF_16):
        return _decode_utf_16(content), [_("The file is in UTF-16.")]
    if b"\0" in content:
        raise UnreadableFile(_("This is no text file. Save it as “CSV UTF-8” in your spreadsheet."))
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        note = _(
            "The file isn't in UTF-8, and was read as Windows-1252 (Latin-1). Check the letters with accents below."
        )
        return content.decode("cp1252", "replace"), [note]


def _decode_utf_16(content: bytes) -> str:
    try:
        return content.decode("utf-16")
    except UnicodeDecodeError:
        raise UnreadableFile(_("The file is damaged UTF-16. Save it as “CSV UTF-8” in your spreadsheet.")) from None


def _find_separator(text: str) -> str:
    """The separator that is most frequent in the first line that isn't empty."""
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    return max(_SEPARATORS, key=first_line.count)


def _read_records(text: str, separator: str) -> Iterator[Record]:
    csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    last_line = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if any(len(cell) > _MAX_CELL for cell in cells):
                    raise UnreadableFile(
                        _("Line %(line)s has a cell of more than %(count)s characters.")
                        % {"line": last_line + 1, "count": format_number(_MAX_CELL)}
                    )
                yield Record(last_line + 1, cells)
            last_line = reader.line_num
    except csv.Error:
        raise UnreadableFile(
            _(
                "The quotes in the row that begins on line %(line)s don't match: a cell that begins with a quote "
                "has to end with one, and a quote within it is written twice."
            )
            % {"line": last_line + 1}
        ) from None
