"""Parse the documents in a backup file, whichever tool made it.

Formats: the answer of ``_all_docs?include_docs=true&attachments=true``, JSON lines, the arrays that
@cloudant/couchbackup writes one per line, and anything of the same shape. Damaged parts are reported and left out.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import ijson
import orjson

from couch.client import Document

_PEEK_SIZE = 1024 * 1024
_FIRST_LINES = 20
_BOM = b"\xef\xbb\xbf"
# Lines that only open or close the array of documents.
_FRAME = re.compile(rb'\s*(?:[\[\]{}]|\]\s*\}|\{[^\n]{0,200}"(?:rows|docs)"\s*:\s*\[)\s*,?\s*')
_CLOSING_LINES = (b"]", b"]}")
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


class Readable(Protocol):
    """A file."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end."""


def parse_documents(file: Readable, warn: Warn) -> Iterator[Document]:
    """The documents of a backup, in its order; each is a dict with a text as its ``_id``."""
    beginning = _peek(file)
    source = _PeekedFile(beginning, file)
    if _has_json_lines(beginning):
        values = _parse_lines(source, warn)
    else:
        values = _parse_stream(_RepairedFile(source), _find_prefix(beginning), warn)
    for value in values:
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
    is_framed, last_line, number = False, b"", 0
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
            suffix = "" if line.endswith(b"\n") else ", where the file ends: it was cut off"
            warn(f"line {number} is no JSON{suffix}")
    if is_framed and last_line not in _CLOSING_LINES and not last_line.endswith(b"]}"):
        warn(f"the file ends early, after line {number}: it was cut off")


def _split_lines(file: Readable) -> Iterator[bytes]:
    parts: list[bytes] = []
    while piece := file.read(_PEEK_SIZE):
        *lines, remainder = piece.split(b"\n")
        for line in lines:
            yield b"".join([*parts, line, b"\n"])
            parts = []
        parts.append(remainder)
    if any(parts):
        yield b"".join(parts)


def _find_prefix(beginning: bytes) -> str:
    """Where in the JSON the documents are, in ijson's notation."""
    if beginning.removeprefix(_BOM).lstrip().startswith(b"["):
        return "item"
    try:
        for prefix, event, value in ijson.parse(beginning.removeprefix(_BOM), multiple_values=True):
            if prefix == "" and event == "map_key" and value == "_id":
                return ""
            if event == "start_array" and prefix in ("rows", "docs"):
                return f"{prefix}.item"
    except ijson.JSONError:
        pass
    return ""


def _parse_stream(file: Readable, prefix: str, warn: Warn) -> Iterator[Any]:
    """The values at a place in JSON that is not in lines, up to the first damage."""
    count = 0
    try:
        for value in ijson.items(file, prefix, multiple_values=True, use_float=True):
            count += 1
            yield value
    except ijson.IncompleteJSONError:
        if count or prefix:
            warn(f"the file ends or breaks in the middle, after {count} whole documents: it was cut off or damaged")
        else:
            warn("it holds no documents in JSON, or is damaged from its beginning: left out")
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
