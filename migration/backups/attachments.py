"""Attachments inside JSON: find them without holding them in memory, and read them from the file when needed.

A backup has attachments inline, as base64 texts that may be hundreds of megabytes long. A parser that reads the file
through `AttachmentExtractor` gets short placeholders instead, which tell where in the file each text is.
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
# Shorter texts stay where they are.
_MIN_LENGTH = 4096
# A base64 text begins after a quote that isn't escaped and is followed by base64 only: after a quote that ends a
# text comes punctuation. Slashes may be escaped, lines may be broken.
_START = re.compile(rb'(?<!\\)"(?=[A-Za-z0-9+/\\]{%d})' % _MIN_LENGTH)
_END = re.compile(rb"[^A-Za-z0-9+/=\\]")
_BAD_ESCAPE = re.compile(rb"\\[^/nr]")
_SPACE = re.compile(rb"\\[nr]|\\|\s")


@dataclass(frozen=True)
class Base64Range:
    """Where a base64 text is in a file."""

    offset: int
    characters: int
    length: int
    """The number of bytes that it encodes."""


class AttachmentExtractor:
    """A file to parse, with a placeholder instead of each long base64 text."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending = b""
        self._position = 0  # of the first pending byte in the file
        self._plain_until = 0
        self._ended = False
        self._last_byte = b""
        # Placeholders begin with it. As it is random, no text in the file can pass for one.
        self._secret = secrets.token_hex(8)

    def find_range(self, text: object) -> Base64Range | None:
        """Where the text is that a placeholder stands for; None if it is no placeholder."""
        if not isinstance(text, str) or not text.startswith(self._secret):
            return None
        offset, characters, length = (int(number) for number in text.split(":")[1:])
        return Base64Range(offset, characters, length)

    def restore_texts(self, value: Any, path: Path) -> Any:
        """A JSON value with the texts instead of the placeholders, for texts that only look like attachments.

        `path`: the file that was parsed.
        """
        if isinstance(value, dict):
            return {self.restore_texts(key, path): self.restore_texts(item, path) for key, item in value.items()}
        if isinstance(value, list):
            return [self.restore_texts(item, path) for item in value]
        text_range = self.find_range(value)
        if text_range is None:
            return value
        with path.open("rb") as file:
            file.seek(text_range.offset)
            return json.loads(b'"' + file.read(text_range.characters) + b'"', strict=False)

    def has_placeholders(self, text: bytes) -> bool:
        """Whether there are placeholders in a JSON text."""
        return self._secret.encode() in text

    def read(self, size: int = -1) -> bytes:
        """About `size` more bytes, all for a negative size; empty at the end."""
        if size >= 0:
            return self._read_piece() if size else b""
        pieces: list[bytes] = []
        while piece := self._read_piece():
            pieces.append(piece)
        return b"".join(pieces)

    def _read_piece(self) -> bytes:
        while True:
            if len(self._pending) < 2 * _MIN_LENGTH and not self._ended:
                self._fill()
            if not self._pending:
                return b""
            if self._position < self._plain_until:
                return self._consume(min(len(self._pending), self._plain_until - self._position))
            start = _START.search(self._pending, 1 if self._last_byte == b"\\" else 0)
            if start is not None:
                head = self._consume(start.end())
                placeholder = self._skip_text()
                return head if placeholder is None else head + placeholder
            if self._ended:
                return self._consume(len(self._pending))
            # A long text may begin near the end of what was read: keep that until more is read.
            safe_length = len(self._pending) - _MIN_LENGTH - 1
            if safe_length > 0:
                return self._consume(safe_length)

    def _skip_text(self) -> bytes | None:
        """Skip the base64 text that comes next, and return its placeholder; None if it isn't base64 after all."""
        start, symbols, unfinished_escape = self._position, 0, b""
        while True:
            end = _END.search(self._pending)
            run = unfinished_escape + self._consume(len(self._pending) if end is None else end.start())
            unfinished_escape = run[-1:] if run.endswith(b"\\") else b""
            symbols += _count_symbols(run[: len(run) - len(unfinished_escape)])
            if _BAD_ESCAPE.search(run):
                break
            if end is not None or not self._has_more():
                break
        # If the file ends here the parser notices, and need not hold the text for that.
        is_cut_off = not self._pending
        is_complete = self._pending[:1] == b'"' and not unfinished_escape and not _BAD_ESCAPE.search(run)
        if is_cut_off or is_complete:
            characters = self._position - start
            return f"{self._secret}:{start}:{characters}:{symbols * 3 // 4}".encode()
        self._plain_until = self._position
        self._seek(start)
        return None

    def _has_more(self) -> bool:
        if not self._pending and not self._ended:
            self._fill()
        return bool(self._pending)

    def _fill(self) -> None:
        chunk = self._file.read(_CHUNK)
        self._ended = not chunk
        self._pending += chunk

    def _consume(self, count: int) -> bytes:
        consumed, self._pending = self._pending[:count], self._pending[count:]
        self._position += count
        self._last_byte = consumed[-1:] or self._last_byte
        return consumed

    def _seek(self, position: int) -> None:
        self._file.seek(position)
        self._pending, self._position, self._ended = b"", position, False


class Base64Stream:
    """The bytes that a base64 text in a file encodes. Raises ValueError if the text isn't base64."""

    def __init__(self, path: Path, text_range: Base64Range) -> None:
        self._file = path.open("rb")
        self._file.seek(text_range.offset)
        self._characters_left = text_range.characters
        self._symbols = b""
        self._decoded = b""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end."""
        while (size < 0 or len(self._decoded) < size) and self._decode_chunk():
            pass
        count = len(self._decoded) if size < 0 else size
        piece, self._decoded = self._decoded[:count], self._decoded[count:]
        return piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decode_chunk(self) -> bool:
        """Decode more of the text; False at its end."""
        if not self._characters_left and not self._symbols:
            return False
        chunk = self._file.read(min(_CHUNK, self._characters_left))
        self._characters_left = self._characters_left - len(chunk) if chunk else 0
        if chunk.endswith(b"\\") and self._characters_left:
            chunk += self._file.read(1)
            self._characters_left -= 1
        bare = _SPACE.sub(b"", chunk) if b"\\" in chunk else chunk
        self._symbols += bare.rstrip(b"=")
        # Four symbols encode three bytes: incomplete groups wait for the next chunk.
        usable = len(self._symbols) if not self._characters_left else len(self._symbols) // 4 * 4
        complete, self._symbols = self._symbols[:usable], self._symbols[usable:]
        self._decoded += decode_base64(complete)
        return True


class GunzipStream:
    """A decompressed stream, as CouchDB keeps text attachments in gzip. Raises ValueError if it is damaged."""

    def __init__(self, compressed: Base64Stream) -> None:
        self._compressed = compressed
        self._decompressor = zlib.decompressobj(wbits=31)
        self._ready = b""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end."""
        while size < 0 or len(self._ready) < size:
            chunk = self._decompressor.unconsumed_tail or self._compressed.read(_CHUNK)
            if not chunk:
                break
            try:
                self._ready += self._decompressor.decompress(chunk, _CHUNK)
            except zlib.error as error:
                raise ValueError(str(error)) from error
        count = len(self._ready) if size < 0 else size
        piece, self._ready = self._ready[:count], self._ready[count:]
        return piece

    def close(self) -> None:
        """Close the file."""
        self._compressed.close()


def decode_base64(symbols: bytes) -> bytes:
    """The bytes that base64 encodes, with or without padding. Raises ValueError if it isn't base64."""
    bare = symbols.rstrip(b"=")
    try:
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _count_symbols(run: bytes) -> int:
    bare = _SPACE.sub(b"", run) if b"\\" in run else run
    return len(bare) - bare.count(b"=")
