"""Multipart bodies: read and written part by part as streams."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError

from .attachments import Source
from .errors import bad_request

_BLOCK = 64 * 1024


class IncomingPart:
    """One part of a body: its headers, in lower case, and its bytes as a stream."""

    def __init__(self, reader: _Reader) -> None:
        self.headers: dict[str, str] = {}
        self._reader = reader
        self._pieces: deque[bytes] = deque()
        self.complete = False

    def feed(self, piece: bytes) -> None:
        """Add bytes from the parser."""
        self._pieces.append(piece)

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, all for -1, none at the end.  Raises a 400 ``CouchError``."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_BLOCK), b""))
        while not self._pieces and not self.complete:
            self._reader.advance()
        if not self._pieces:
            return b""
        piece = self._pieces.popleft()
        if len(piece) > size:
            self._pieces.appendleft(piece[size:])
        return piece[:size]


class _Reader:
    """Reads blocks from the source and makes parts of them."""

    def __init__(self, source: Source, boundary: str) -> None:
        self._source = source
        self._parser = MultipartParser(
            boundary.encode("latin-1", "replace"),
            {
                "on_part_begin": self._begin,
                "on_header_begin": self._begin_header,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )
        self._name = self._value = b""
        self._current = IncomingPart(self)
        self.ready: deque[IncomingPart] = deque()
        self.finished = False

    def advance(self) -> None:
        """Parse the next block.  Raises a 400 ``CouchError`` if there is none or it is malformed."""
        block = self._source.read(_BLOCK)
        if not block:
            raise bad_request("The multipart body ends too early")
        try:
            self._parser.write(block)
        except MultipartParseError as problem:
            raise bad_request(f"Malformed multipart body: {problem}") from problem

    def _begin(self) -> None:
        self._current = IncomingPart(self)

    def _begin_header(self) -> None:
        self._name = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._current.headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")

    def _end_headers(self) -> None:
        self.ready.append(self._current)

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._current.feed(data[start:end])

    def _end(self) -> None:
        self._current.complete = True

    def _finish(self) -> None:
        self.finished = True


def parts_of(source: Source, boundary: str) -> Iterator[IncomingPart]:
    """The parts of a body, each to be read before the next.  Raises a 400 ``CouchError``."""
    if not boundary or len(boundary) > 200:
        raise bad_request("The multipart body needs a boundary")
    reader = _Reader(source, boundary)
    while True:
        while not reader.ready and not reader.finished:
            reader.advance()
        if not reader.ready:
            return
        part = reader.ready.popleft()
        yield part
        while part.read(_BLOCK):
            pass


@dataclass(frozen=True)
class Part:
    """A part to write."""

    headers: dict[str, str]
    pieces: Iterable[bytes]


def related(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    """The bytes of a multipart body."""
    for part in parts:
        headers = "".join(f"{name}: {value}\r\n" for name, value in part.headers.items())
        yield f"--{boundary}\r\n{headers}\r\n".encode()
        yield from part.pieces
        yield b"\r\n"
    yield f"--{boundary}--".encode()
