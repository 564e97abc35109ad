"""Attachments in JSON, without holding any of them: where each is in the file, and its bytes when they are wanted.

A backup has attachments inline, as texts in base64 that may be hundreds of megabytes long. Whoever parses the file
gets short marks in their place, which tell the place.
"""

import binascii
import json
import re
import secrets
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_CHUNK = 256 * 1024
# Shorter ones stay where they are.
_LONG = 4096
# A quote that isn't escaped and is followed by nothing but base64 begins a text: after one that ends a text comes
# punctuation. Slashes may be escaped, lines may be broken.
_START = re.compile(rb'(?<!\\)"(?=[A-Za-z0-9+/\\]{%d})' % _LONG)
_END = re.compile(rb"[^A-Za-z0-9+/=\\]")
_BAD_ESCAPE = re.compile(rb"\\[^/nr]")
_SPACE = re.compile(rb"\\[nr]|\\|\s")


@dataclass(frozen=True)
class Place:
    """A text in base64: the offset of its first character in the file, and how many there are."""

    offset: int
    characters: int
    length: int
    """How many bytes it stands for."""


class Extracting:
    """A file's bytes with a mark in place of each long text in base64; a file to read from for a parser."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending = b""
        self._position = 0  # of the first pending byte in the file
        self._plain_until = 0
        self._ended = False
        self._before = b""
        # Nothing in the file can pass for a mark: nobody knows this when writing it.
        self._secret = secrets.token_hex(8)

    def place(self, text: object) -> Place | None:
        """What a mark stands for; None for what is no mark."""
        if not isinstance(text, str) or not text.startswith(self._secret):
            return None
        offset, characters, length = (int(number) for number in text.split(":")[1:])
        return Place(offset, characters, length)

    def restored(self, value: Any, path: Path) -> Any:
        """A JSON value with the texts themselves in place of the marks: what only looked like an attachment.

        `path`: the file that is read here.
        """
        if isinstance(value, dict):
            return {self.restored(key, path): self.restored(each, path) for key, each in value.items()}
        if isinstance(value, list):
            return [self.restored(each, path) for each in value]
        place = self.place(value)
        if place is None:
            return value
        with path.open("rb") as file:
            file.seek(place.offset)
            return json.loads(b'"' + file.read(place.characters) + b'"', strict=False)

    def has_marks(self, text: bytes) -> bool:
        """Whether there are marks in a JSON text."""
        return self._secret.encode() in text

    def read(self, size: int = -1) -> bytes:
        """The next bytes, about as many as wanted (all for less than none); none at the end."""
        pieces: list[bytes] = []
        left = size
        while size < 0 or left > 0:
            piece = self._next()
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
            if size >= 0:
                break
        return b"".join(pieces)

    def _next(self) -> bytes:
        while True:
            if len(self._pending) < 2 * _LONG and not self._ended:
                self._fill()
            if not self._pending:
                return b""
            if self._position < self._plain_until:
                return self._take(min(len(self._pending), self._plain_until - self._position))
            found = _START.search(self._pending, 1 if self._before == b"\\" else 0)
            if found is not None:
                head = self._take(found.end())
                mark = self._mark()
                return head if mark is None else head + mark
            if self._ended:
                return self._take(len(self._pending))
            # What may be the beginning of a long text waits for more of it.
            safe = len(self._pending) - _LONG - 1
            if safe > 0:
                return self._take(safe)

    def _mark(self) -> bytes | None:
        """Skip the base64 that is next in the file, and tell its place; None when it is no base64 after all."""
        start, symbols, held = self._position, 0, b""
        while True:
            found = _END.search(self._pending)
            run = held + self._take(len(self._pending) if found is None else found.start())
            held = run[-1:] if run.endswith(b"\\") else b""
            symbols += _symbols(run[: len(run) - len(held)])
            if _BAD_ESCAPE.search(run):
                break
            if found is not None or not self._more():
                break
        # Where the file ends in the middle, the parser is to find that, and need not hold what there is.
        cut_off = not self._pending
        if cut_off or (self._pending[:1] == b'"' and not held and not _BAD_ESCAPE.search(run)):
            characters = self._position - start
            return f"{self._secret}:{start}:{characters}:{symbols * 3 // 4}".encode()
        self._plain_until = self._position
        self._seek(start)
        return None

    def _more(self) -> bool:
        if not self._pending and not self._ended:
            self._fill()
        return bool(self._pending)

    def _fill(self) -> None:
        more = self._file.read(_CHUNK)
        self._ended = not more
        self._pending += more

    def _take(self, count: int) -> bytes:
        taken, self._pending = self._pending[:count], self._pending[count:]
        self._position += count
        self._before = taken[-1:] or self._before
        return taken

    def _seek(self, position: int) -> None:
        self._file.seek(position)
        self._pending, self._position, self._ended = b"", position, False


class Decoding:
    """The bytes that a text in base64 in a file stands for. ValueError where it is no such text."""

    def __init__(self, path: Path, place: Place) -> None:
        self._file = path.open("rb")
        self._file.seek(place.offset)
        self._left = place.characters
        self._symbols = b""
        self._decoded = b""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end."""
        while (size < 0 or len(self._decoded) < size) and self._advance():
            pass
        wanted = len(self._decoded) if size < 0 else size
        piece, self._decoded = self._decoded[:wanted], self._decoded[wanted:]
        return piece

    def close(self) -> None:
        """Give up what is unread."""
        self._file.close()

    def _advance(self) -> bool:
        if not self._left and not self._symbols:
            return False
        piece = self._file.read(min(_CHUNK, self._left))
        self._left = self._left - len(piece) if piece else 0
        if piece.endswith(b"\\") and self._left:
            piece += self._file.read(1)
            self._left -= 1
        bare = _SPACE.sub(b"", piece) if b"\\" in piece else piece
        self._symbols += bare.rstrip(b"=")
        usable = len(self._symbols) if not self._left else len(self._symbols) // 4 * 4
        now, self._symbols = self._symbols[:usable], self._symbols[usable:]
        self._decoded += decoded(now)
        return True


class Unpacking:
    """A stream that was packed with gzip, as CouchDB packs attachments of texts. ValueError where it is damaged."""

    def __init__(self, packed: Decoding) -> None:
        self._packed = packed
        self._unpack = zlib.decompressobj(wbits=31)
        self._ready = b""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end."""
        while size < 0 or len(self._ready) < size:
            piece = self._unpack.unconsumed_tail or self._packed.read(_CHUNK)
            if not piece:
                break
            try:
                self._ready += self._unpack.decompress(piece, _CHUNK)
            except zlib.error as error:
                raise ValueError(str(error)) from error
        wanted = len(self._ready) if size < 0 else size
        piece, self._ready = self._ready[:wanted], self._ready[wanted:]
        return piece

    def close(self) -> None:
        """Give up what is unread."""
        self._packed.close()


def decoded(symbols: bytes) -> bytes:
    """What base64 stands for, with or without what fills it up to four characters; ValueError when it is none."""
    bare = symbols.rstrip(b"=")
    try:
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _symbols(run: bytes) -> int:
    bare = _SPACE.sub(b"", run) if b"\\" in run else run
    return len(bare) - bare.count(b"=")
