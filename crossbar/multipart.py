"""Bodies of several parts, read as a stream: a part waits on disk, never in memory.

Takes multipart/mixed and multipart/form-data alike; Kazoo's clients send both, and name or don't name the parts.
"""

from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from crossbar.body import ByteStream, media_type_of
from crossbar.errors import FaultyRequest, RequestTooLarge

_IN_MEMORY = 64 * 1024
_CHUNK = 64 * 1024
_MOST_PARTS = 20
_LONGEST_HEADER = 8 * 1024


@dataclass
class Part:
    """One part: its type, the names it was sent with, and its content from the beginning."""

    content_type: str
    filename: str | None = None
    name: str | None = None
    file: IO[bytes] = field(default_factory=lambda: SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - lives on
    length: int = 0


def read_parts(content_type: str, stream: ByteStream, *, limit: int) -> list[Part]:
    """The parts of a multipart body, in order.

    RequestTooLarge past `limit` bytes in all; FaultyRequest for what is no whole multipart body.
    """
    boundary = _header(content_type).get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 200:
        raise FaultyRequest("invalid multipart body: no boundary")
    reader = _Reader(boundary)
    left = limit
    try:
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise RequestTooLarge(limit)
            reader.feed(chunk)
        return reader.finish()
    finally:
        reader.close()


class _Reader:
    """Collects what the parser finds."""

    def __init__(self, boundary: str) -> None:
        self.parts: list[Part] = []
        self._header_name = self._header_value = b""
        self._headers: list[tuple[str, str]] = []
        self._ended = False
        callbacks: dict[str, Any] = {
            "on_part_begin": self._begin,
            "on_header_field": self._name,
            "on_header_value": self._value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise FaultyRequest("invalid multipart body") from error

    def finish(self) -> list[Part]:
        if not self._ended:
            raise FaultyRequest("invalid multipart body: it ends early")
        parts, self.parts = self.parts, []
        for part in parts:
            part.file.seek(0)
        return parts

    def close(self) -> None:
        """Give back the disk space of parts that nobody gets."""
        for part in self.parts:
            part.file.close()
        self.parts = []

    def _begin(self) -> None:
        if len(self.parts) == _MOST_PARTS:
            raise FaultyRequest("invalid multipart body: too many parts")
        self._headers = []

    def _name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._check_header()

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._header_name) + len(self._header_value) > _LONGEST_HEADER or len(self._headers) > 20:
            raise FaultyRequest("invalid multipart body: too long a header")

    def _header_end(self) -> None:
        name, value = self._header_name.decode("latin-1"), self._header_value.decode("utf-8", "replace")
        self._headers.append((name.lower(), value))
        self._header_name = self._header_value = b""

    def _headers_end(self) -> None:
        headers = dict(self._headers)
        disposition = _header(headers.get("content-disposition", "attachment"))
        self.parts.append(
            Part(
                content_type=media_type_of(headers.get("content-type", "text/plain")),
                filename=_filename(disposition),
                name=_text(disposition.get_param("name")),
            )
        )

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        part.file.write(data[start:end])
        part.length += end - start

    def _end(self) -> None:
        self._ended = True


def _header(value: str) -> Message:
    """A header's value and parameters, quotes and RFC 2231 undone."""
    message = Message()
    message["content-disposition"] = message["content-type"] = value.replace("\r", " ").replace("\n", " ")
    return message


def _filename(disposition: Message) -> str | None:
    """The file's name only: what the email package would fall back to is the name of a form's field."""
    found = disposition.get_param("filename", header="content-disposition")
    if found is None:
        return None
    try:
        name = collapse_rfc2231_value(found)
    except ValueError:  # in a charset of its own, such as "undefined" or "idna"
        return None
    return name.encode("utf-8", "replace").decode()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
