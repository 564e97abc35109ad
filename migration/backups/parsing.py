"""The documents in a backup's file, whatever it was made with.

Read are the answer of ``_all_docs?include_docs=true&attachments=true``, JSON lines, the arrays that
@cloudant/couchbackup writes one a line, and what has one of these shapes. What is damaged is told and left out.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import ijson
import orjson

from couch.client import Document

_PEEK = 1024 * 1024
_FIRST_LINES = 20
_BOM = b"\xef\xbb\xbf"
# Lines that only open or close what the documents are in.
_FRAME = re.compile(rb'\s*(?:[\[\]{}]|\]\s*\}|\{[^\n]{0,200}"(?:rows|docs)"\s*:\s*\[)\s*,?\s*')
_CLOSED = (b"]", b"]}")
_MOST_DIGITS = 25
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
# Whatever a backslash begins is looked at as one: two of them are none before a "u".
_ESCAPE = re.compile(rf"{_HIGH}{_LOW}|(?P<half>{_HIGH}|{_LOW})|\\.", re.DOTALL)
# From where an escape begins up to where one is unfinished, or may be half of a character.
# Nothing follows that could fail, so that it never goes back; Python before 3.11.5 gets possessive quantifiers wrong.
_FINISHED = re.compile(rf"(?:[^\\]+|\\[^u]|\\u(?![dD][89abAB])[0-9a-fA-F]{{4}}|{_HIGH}(?=.{{6}}))*", re.DOTALL)

Tell = Callable[[str], None]
"""Hears what is wrong with a file, a sentence at a time."""


class Readable(Protocol):
    """A file."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end."""


def documents(file: Readable, tell: Tell) -> Iterator[Document]:
    """The documents of a backup, in its order; each is a dict with a text as its ``_id``."""
    peeked = _peek(file)
    source = _Rest(peeked, file)
    values = _lines(source, tell) if _is_in_lines(peeked) else _streamed(_Mended(source), _prefix(peeked), tell)
    for value in values:
        yield from _in(value)


def loads(text: bytes) -> Any:
    """A JSON value, texts with broken characters in them mended; ValueError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        mended = json.loads(text.decode("utf-8", "replace"), parse_int=_number)
        # Halves of characters, which JSON can spell and nothing can store.
        return json.loads(_HALF_CHARACTER.sub("\ufffd", json.dumps(mended, ensure_ascii=False)))


def _number(text: str) -> int | float:
    """A whole number, as far as anybody can store it as one."""
    number = int(text) if len(text) < _MOST_DIGITS else float(text)
    return number if -(2**63) <= number < 2**64 else float(number)


class _Mended:
    """A file whose texts have no broken characters any more: bytes that are no UTF-8, and halves of characters."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def read(self, size: int = -1, /) -> bytes:
        if size == 0:  # ijson asks so which type it gets
            return b""
        while True:
            piece = self._file.read(size)
            text = self._held + self._decoder.decode(piece, not piece)
            # An escape, or two that are a character, must not be cut in two.
            cut = _finished(text) if piece else len(text)
            text, self._held = text[:cut], text[cut:]
            if text or not piece:
                return (_ESCAPE.sub(_whole, text) if _HALF.search(text) else text).encode()


def _finished(text: str) -> int:
    """Up to where a text is whole: damaged escapes aren't waited for."""
    found = _FINISHED.match(text)
    end = found.end() if found else 0
    return end if len(text) - end < 12 else len(text)


def _whole(escape: re.Match[str]) -> str:
    """An escape as it is, or a mark in place of half a character."""
    return "\\ufffd" if escape.group("half") else escape.group()


class _Rest:
    """A file whose beginning was read already."""

    def __init__(self, beginning: bytes, file: Readable) -> None:
        self._beginning, self._file = beginning.removeprefix(_BOM), file

    def read(self, size: int = -1, /) -> bytes:
        if size == 0:  # ijson asks so which type it gets
            return b""
        if self._beginning:
            taken, self._beginning = self._beginning, b""
            return taken
        return self._file.read(size)


def _peek(file: Readable) -> bytes:
    pieces: list[bytes] = []
    while sum(map(len, pieces)) < _PEEK and (piece := file.read(_PEEK)):
        pieces.append(piece)
    return b"".join(pieces)


def _is_in_lines(beginning: bytes) -> bool:
    """Whether one of the first lines that are no frame is a document, or more of them, by itself.

    Not just the very first one: it may be damaged.
    """
    lines = beginning.removeprefix(_BOM).split(b"\n")
    if len(beginning) >= _PEEK:
        lines.pop()
    told = [line for line in lines if line.strip() and not _FRAME.fullmatch(line)]
    if not told:
        # One long line: what is in it is read one by one.
        return len(beginning) < _PEEK
    return any(_holds_something(_bare(line)) for line in told[:_FIRST_LINES])


def _holds_something(line: bytes) -> bool:
    try:
        value = loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict | list) and bool(value)


def _bare(line: bytes) -> bytes:
    return line.strip().removesuffix(b",")


def _lines(file: Readable, tell: Tell) -> Iterator[Any]:
    """The value of each line; a comma at its end and the lines around all are allowed for."""
    framed, last, number = False, b"", 0
    for number, line in enumerate(_split(file), 1):
        bare = _bare(line)
        if not bare:
            continue
        last = bare
        if _FRAME.fullmatch(line):
            framed = framed or bare.endswith(b"[")
            continue
        try:
            yield loads(bare)
        except (ValueError, RecursionError):
            cut = "" if line.endswith(b"\n") else ", where the file ends: it was cut off"
            tell(f"line {number} is no JSON{cut}")
    if framed and last not in _CLOSED and not last.endswith(b"]}"):
        tell(f"the file ends early, after line {number}: it was cut off")


def _split(file: Readable) -> Iterator[bytes]:
    parts: list[bytes] = []
    while piece := file.read(_PEEK):
        *whole, rest = piece.split(b"\n")
        for line in whole:
            yield b"".join([*parts, line, b"\n"])
            parts = []
        parts.append(rest)
    if any(parts):
        yield b"".join(parts)


def _prefix(beginning: bytes) -> str:
    """Where in the JSON the documents are, as ijson says it."""
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


def _streamed(file: Readable, prefix: str, tell: Tell) -> Iterator[Any]:
    """The values at a place in JSON that is not written in lines; up to where it breaks."""
    count = 0
    try:
        for value in ijson.items(file, prefix, multiple_values=True, use_float=True):
            count += 1
            yield value
    except ijson.IncompleteJSONError:
        if count or prefix:
            tell(f"the file ends or breaks in the middle, after {count} whole documents: it was cut off or damaged")
        else:
            tell("it holds no documents in JSON, or is damaged from its beginning: left out")
    except ijson.JSONError as error:
        tell(f"no JSON after {count} documents: {str(error).splitlines()[0]}")


def _in(value: Any) -> Iterator[Document]:
    """The documents that a value is or holds: a document, a row with one, an array of either, an answer of rows."""
    if not isinstance(value, dict):
        yield from _in_array(value)
    elif isinstance(value.get("_id"), str):
        yield value
    elif isinstance(value.get("doc"), dict):
        yield from _in_array([value])
    else:
        yield from _in_array(value.get("rows"))
        yield from _in_array(value.get("docs"))


def _in_array(value: Any) -> Iterator[Document]:
    for each in value if isinstance(value, list) else []:
        found = each.get("doc", each) if isinstance(each, dict) else None
        if isinstance(found, dict) and isinstance(found.get("_id"), str):
            yield found
