"""Parse the documents in a backup file, whichever tool made it.

Formats: the answer of ``_all_docs?include_docs=true&attachments=true``, JSON lines, the arrays that
@cloudant/couchbackup writes one per line, and anything of the same shape. Damaged parts are reported and left out.
"""

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import ijson
import orjson

from couch.database import Document
from migration.backups.json_stream import Readable, TooLong, iterate_objects

_PEEK_SIZE = 1024 * 1024
_FIRST_LINES = 20
# Without long attachments hardly any line has that many bytes.
_MAX_LINE = 256 * 1024 * 1024
# Of the faulty lines of a file so many are named, the others only counted.
_NAMED_LINES = 5
_BOM = b"\xef\xbb\xbf"
# Lines that only open or close the array of documents.
_FRAME = re.compile(rb'\s*(?:[\[\]{}]|\]\s*\}|(?:\]\s*\}\s*)?\{[^\n]{0,200}"(?:rows|docs)"\s*:\s*\[)\s*,?\s*')
_CLOSING_LINES = (b"]", b"]}")
# The frame where a line holds a document as well.
_FRAME_BEFORE = re.compile(rb'(?:\[|\{[^\n]{0,200}?"(?:rows|docs)"\s*:\s*\[)\s*(?=\{)')
_FRAME_AFTER = re.compile(rb"\}\s*\]\s*\}?\Z")
_MAX_DIGITS = 25
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
# Matches every escape, so that the second of two backslashes is not taken for the start of another.
_ESCAPE = re.compile(rf"{_HIGH}{_LOW}|(?P<half>{_HIGH}|{_LOW})|\\.", re.DOTALL)
# A text up to an escape that is incomplete or may be the first half of a character. Nothing follows that could fail,
# so the pattern never backtracks; possessive quantifiers are wrong in Python before 3.11.5.
_COMPLETE = re.compile(rf"(?:[^\\]+|\\[^u]|\\u(?![dD][89abAB])[0-9a-fA-F]{{4}}|{_HIGH}(?=.{{6}}))*", re.DOTALL)
# Two escapes of six characters each.
_MAX_INCOMPLETE = 12

Warn = Callable[[str], None]
"""Gets a sentence for each fault of a file."""


def parse_documents(file: Readable, warn: Warn) -> Iterator[Document]:
    """The documents of a backup, in its order; each is a dict with a text as its ``_id``."""
    beginning = _peek(file)
    source = _PeekedFile(beginning, file)
    is_in_lines = _has_json_lines(beginning)
    for value in _parse_lines(source, warn) if is_in_lines else _parse_stream(_RepairedFile(source), warn):
        yield from _find_documents(value)


def parse_json(text: bytes) -> Any:
    """A JSON value, with broken characters in its texts replaced. Raises ValueError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        value = json.loads(text.decode("utf-8", "replace"), parse_int=_parse_int)
        # Lone surrogates, which JSON can spell and CouchDB can't store.
        return json.loads(_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)))


def _parse_int(text: str) -> int | float:
    """A whole number; as a float if it is too large to be stored as an integer."""
    number = int(text) if len(text) < _MAX_DIGITS else float(text)
    return number if -(2**63) <= number < 2**64 else float(number)


class _RepairedFile:
    """A file with broken characters replaced: bytes that aren't UTF-8, and escapes of lone surrogates."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._incomplete = ""

    def read(self, size: int = -1, /) -> bytes:
        if size == 0:  # ijson reads nothing first, to find out the type
            return b""
        while True:
            piece = self._file.read(size)
            text = self._incomplete + self._decoder.decode(piece, not piece)
            # An escape, or a pair of them, must not be cut in two.
            end = _complete_length(text) if piece else len(text)
            text, self._incomplete = text[:end], text[end:]
            if text or not piece:
                return (_ESCAPE.sub(_replace_half, text) if _SURROGATE_ESCAPE.search(text) else text).encode()


def _complete_length(text: str) -> int:
    """The length of a text up to an incomplete escape. A damaged escape is no reason to wait for more."""
    match = _COMPLETE.match(text)
    end = match.end() if match else 0
    return end if len(text) - end < _MAX_INCOMPLETE else len(text)


def _replace_half(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape.group("half") else escape.group()


class _PeekedFile:
    """A file whose beginning was read already."""

    def __init__(self, beginning: bytes, file: Readable) -> None:
        self._beginning, self._file = beginning.removeprefix(_BOM), file

    def read(self, size: int = -1, /) -> bytes:
        if size == 0:  # ijson reads nothing first, to find out the type
            return b""
        if self._beginning:
            beginning, self._beginning = self._beginning, b""
            return beginning
        return self._file.read(size)


def _peek(file: Readable) -> bytes:
    pieces: list[bytes] = []
    while sum(map(len, pieces)) < _PEEK_SIZE and (piece := file.read(_PEEK_SIZE)):
        pieces.append(piece)
    return b"".join(pieces)


def _has_json_lines(beginning: bytes) -> bool:
    """Whether one of the first lines, apart from the frame, is complete JSON with documents.

    Several lines are tried, as the first one may be damaged.
    """
    lines = beginning.removeprefix(_BOM).split(b"\n")
    if len(beginning) >= _PEEK_SIZE:
        lines.pop()
    content = [line for line in lines if line.strip() and not _FRAME.fullmatch(line)]
    if not content:
        # A single line that is longer than what was read is parsed as a stream.
        return len(beginning) < _PEEK_SIZE
    return any(_is_filled_json(_strip(line)) for line in content[:_FIRST_LINES])


def _is_filled_json(line: bytes) -> bool:
    try:
        value = parse_json(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict | list) and bool(value)


def _strip(line: bytes) -> bytes:
    return line.strip().removesuffix(b",")


def _parse_lines(file: Readable, warn: Warn) -> Iterator[Any]:
    """The value of each line, without the comma at its end, and without the lines of the frame."""
    is_framed, last_line, number, faults = False, b"", 0, 0
    for number, line in enumerate(_split_lines(file), 1):
        stripped = _strip(line)
        if not stripped:
            continue
        last_line = stripped
        if _FRAME.fullmatch(line):
            is_framed = is_framed or stripped.endswith(b"[")
            continue
        try:
            yield parse_json(stripped)
        except (ValueError, RecursionError):
            if (document := _parse_framed(stripped)) is not None:
                is_framed = is_framed or _FRAME_BEFORE.match(stripped) is not None
                yield document
                continue
            # Of several values without a line's end between them all count, of a cut one what is whole.
            objects, is_whole = _recover_objects(stripped)
            yield from objects
            if is_whole:
                continue
            faults += 1
            if faults <= _NAMED_LINES:
                suffix = "" if line.endswith(b"\n") else ", where the file ends: it was cut off"
                warn(f"line {number} is no JSON{suffix}")
    if faults > _NAMED_LINES:
        warn(f"{faults - _NAMED_LINES} more lines are no JSON")
    if is_framed and last_line not in _CLOSING_LINES and not last_line.endswith(b"]}"):
        warn(f"the file ends early, after line {number}: it was cut off")


def _parse_framed(line: bytes) -> Any:
    """The document in the first or last line of an array, without the frame; None if it isn't that."""
    before, after = _FRAME_BEFORE.match(line), _FRAME_AFTER.search(line)
    for start, end in ((before, None), (None, after)):
        if start is not None or end is not None:
            with suppress(ValueError, RecursionError):
                return parse_json(line[start.end() if start else 0 : end.start() + 1 if end else None])
    return None


def _recover_objects(line: bytes) -> tuple[list[Any], bool]:
    """The objects in a line that is no JSON value, and whether they are all of it."""
    objects: list[Any] = []
    try:
        for value in iterate_objects(_RepairedFile(io.BytesIO(line))):
            objects.append(value)
    except (ijson.JSONError, TooLong):
        return objects, False
    return objects, bool(objects)


def _split_lines(file: Readable) -> Iterator[bytes]:
    """The lines, each with its end; of one that is too long only the beginning, which is no JSON."""
    parts: list[bytes] = []
    length = 0
    while piece := file.read(_PEEK_SIZE):
        *lines, remainder = piece.split(b"\n")
        for line in lines:
            yield b"".join([*parts, line, b"\n"])
            parts, length = [], 0
        length += len(remainder)
        if length <= _MAX_LINE:
            parts.append(remainder)
        else:
            del parts[1:]
    if any(parts):
        yield b"".join(parts)


def _parse_stream(file: Readable, warn: Warn) -> Iterator[Any]:
    """The objects in JSON that is not in lines, up to the first damage."""
    count = 0
    try:
        for value in iterate_objects(file):
            count += 1
            yield value
    except TooLong:
        warn(f"what follows after {count} documents is too long to be one: read up to there")
    except ijson.IncompleteJSONError:
        warn(f"the file ends or breaks in the middle, after {count} whole documents: it was cut off or damaged")
    except ijson.JSONError as error:
        warn(f"no JSON after {count} documents: {str(error).splitlines()[0]}")


def _find_documents(value: Any) -> Iterator[Document]:
    """The documents in a value: a document, a row with one, an array of either, or an answer with rows."""
    if not isinstance(value, dict):
        yield from _find_in_array(value)
    elif isinstance(value.get("_id"), str):
        yield value
    elif isinstance(value.get("doc"), dict):
        yield from _find_in_array([value])
    else:
        yield from _find_in_array(value.get("rows"))
        yield from _find_in_array(value.get("docs"))


def _find_in_array(value: Any) -> Iterator[Document]:
    for item in value if isinstance(value, list) else []:
        doc = item.get("doc", item) if isinstance(item, dict) else None
        if isinstance(doc, dict) and isinstance(doc.get("_id"), str):
            yield doc
