"""Multipart bodies, read as a stream: parts are spooled to disk and never whole in memory.

multipart/mixed and multipart/form-data are read alike, with or without names for the parts: Kazoo's clients send
both.
"""

from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from crossbar.body import ByteStream, media_type_of
from crossbar.errors import FaultyRequest

_MAX_IN_MEMORY = 64 * 1024
_CHUNK = 64 * 1024
_MAX_PARTS = 20
_MAX_HEADERS = 20
_MAX_HEADER = 8 * 1024


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
    reader = _Reader(boundary)
    try:
        while chunk := stream.read(_CHUNK):
            reader.feed(chunk)
        return reader.finish()
    finally:
        reader.close()


class _Reader:
    """Collects parts from the parser's callbacks."""

    def __init__(self, boundary: str) -> None:
        self.parts: list[Part] = []
        self._header_name = self._header_value = b""
        self._headers: list[tuple[str, str]] = []
        self._is_complete = False
        callbacks: dict[str, Any] = {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_to_header_name,
            "on_header_value": self._add_to_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._write_data,
            "on_end": self._end_body,
        }
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise FaultyRequest("invalid multipart body") from error

    def finish(self) -> list[Part]:
        if not self._is_complete:
            raise FaultyRequest("invalid multipart body: it ends early")
        parts, self.parts = self.parts, []
        for part in parts:
            part.file.seek(0)
        return parts

    def close(self) -> None:
        """Free the disk space of parts that nobody reads."""
        for part in self.parts:
            part.file.close()
        self.parts = []

    def _begin_part(self) -> None:
        if len(self.parts) == _MAX_PARTS:
            raise FaultyRequest("invalid multipart body: too many parts")
        self._headers = []

    def _add_to_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._check_header()

    def _add_to_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        length = len(self._header_name) + len(self._header_value)
        if length > _MAX_HEADER or len(self._headers) > _MAX_HEADERS:
            raise FaultyRequest("invalid multipart body: too long a header")

    def _end_header(self) -> None:
        name, value = self._header_name.decode("latin-1"), self._header_value.decode("utf-8", "replace")
        self._headers.append((name.lower(), value))
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        headers = dict(self._headers)
        disposition = _parse_header(headers.get("content-disposition", "attachment"))
        name = disposition.get_param("name")
        self.parts.append(
            Part(
                content_type=media_type_of(headers.get("content-type", "text/plain")),
                filename=_filename(disposition),
                name=name if isinstance(name, str) else None,
            )
        )

    def _write_data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        part.file.write(data[start:end])
        part.length += end - start

    def _end_body(self) -> None:
        self._is_complete = True


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
