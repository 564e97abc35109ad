"""Multipart bodies (RFC 2046), read as a stream: parts are spooled to disk and never whole in memory.

multipart/mixed and multipart/form-data are read alike, with or without names for the parts: Kazoo's clients send
both. What stands before the first part and after the last is skipped, as are blanks behind a boundary.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
from tempfile import SpooledTemporaryFile
from typing import IO

from crossbar import transfer_encoding
from crossbar.body import ByteStream, media_type_of
from crossbar.errors import FaultyRequest

_MAX_IN_MEMORY = 64 * 1024
_CHUNK = 64 * 1024
_MAX_PARTS = 20
_MAX_HEAD = 8 * 1024
_MAX_BLANKS = 256
_DELIMITER_END = re.compile(rb"(?P<close>--)|[ \t]{0,%d}(?=\r\n)" % _MAX_BLANKS)


@dataclass
class Part:
    """A part: its content type, its names, and its content, at the start."""

    content_type: str
    filename: str | None = None
    name: str | None = None
    file: IO[bytes] = field(default_factory=lambda: SpooledTemporaryFile(_MAX_IN_MEMORY))  # noqa: SIM115 - stays open
    length: int = 0


def read_parts(content_type: str, stream: ByteStream) -> list[Part]:
    """Return the parts of a multipart body in order; raises FaultyRequest for a malformed or incomplete one."""
    boundary = _parse_header(content_type).get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 200:
        raise FaultyRequest("invalid multipart body: no boundary")
    body = _MultipartBody(stream, boundary.encode("latin-1", "replace"))
    parts: list[Part] = []
    try:
        for headers in body.heads():
            if len(parts) == _MAX_PARTS:
                raise FaultyRequest("invalid multipart body: too many parts")
            parts.append(_new_part(headers))
            encoding = str(headers.get("content-transfer-encoding", ""))
            for piece in transfer_encoding.decode(encoding, body.content()):
                parts[-1].length += parts[-1].file.write(piece)
    except BaseException:
        for part in parts:  # nobody reads them: free their disk space
            part.file.close()
        raise
    for part in parts:
        part.file.seek(0)
    return parts


class _MultipartBody:
    """Splits a body at its delimiters as it arrives."""

    def __init__(self, stream: ByteStream, boundary: bytes) -> None:
        self._stream = stream
        self._delimiter = b"\r\n--" + boundary
        self._longest_delimiter = len(self._delimiter) + _MAX_BLANKS + len(b"\r\n")
        self._buffer = b"\r\n"  # the first delimiter may begin the body
        self._is_closed = False

    def heads(self) -> Iterator[Message]:
        """Yield the headers of each part, whose `content` is to be read before the next one's."""
        for _preamble in self.content():
            pass
        while not self._is_closed:
            yield self._read_head()
        while self._stream.read(_CHUNK):  # the epilogue
            pass

    def content(self) -> Iterator[bytes]:
        """Yield what is left before the next delimiter, and skip that."""
        while (delimiter := self._find_delimiter()) is None:
            # The end of the buffer may be the beginning of a delimiter.
            complete = len(self._buffer) - self._longest_delimiter
            if complete > 0:
                yield self._buffer[:complete]
                self._buffer = self._buffer[complete:]
            self._fill()
        start, end, self._is_closed = delimiter
        yield self._buffer[:start]
        self._buffer = self._buffer[end:]

    def _find_delimiter(self) -> tuple[int, int, bool] | None:
        """Where the next delimiter in the buffer starts and ends, and whether it is the last; None without one."""
        start = self._buffer.find(self._delimiter)
        while start >= 0:
            end = _DELIMITER_END.match(self._buffer, start + len(self._delimiter))
            if end is not None:
                return start, end.end(), end["close"] is not None
            start = self._buffer.find(self._delimiter, start + 1)
        return None

    def _read_head(self) -> Message:
        """The headers behind a delimiter. The buffer begins with the line end of its line."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise FaultyRequest("invalid multipart body: too long a header")
            self._fill()
        head, self._buffer = self._buffer[2:end], self._buffer[end + 4 :]
        headers = HeaderParser().parsestr(head.decode("utf-8", "replace"))
        if len(head) > _MAX_HEAD or headers.defects or headers.get_payload():
            raise FaultyRequest("invalid multipart body: a malformed header")
        return headers

    def _fill(self) -> None:
        chunk = self._stream.read(_CHUNK)
        if not chunk:
            raise FaultyRequest("invalid multipart body: it ends early")
        self._buffer += chunk


def _new_part(headers: Message) -> Part:
    disposition = _parse_header(str(headers.get("content-disposition", "attachment")))
    name = disposition.get_param("name")
    return Part(
        content_type=media_type_of(str(headers.get("content-type", "text/plain"))),
        filename=_filename(disposition),
        name=name if isinstance(name, str) else None,
    )


def _parse_header(value: str) -> Message:
    """Parse a header's value and its parameters, with quotes and RFC 2231 decoded."""
    message = Message()
    message["content-disposition"] = message["content-type"] = value.replace("\r", " ").replace("\n", " ")
    return message


def _filename(disposition: Message) -> str | None:
    """The file's name; not, as the email package has it by default, the name of a form's field."""
    parameter = disposition.get_param("filename", header="content-disposition")
    if parameter is None:
        return None
    try:
        name = collapse_rfc2231_value(parameter)
    except ValueError:  # in a charset that isn't one for text, such as "undefined" or "idna"
        return None
    return name.encode("utf-8", "replace").decode()
