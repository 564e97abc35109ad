"""The body of a request before it is parsed: its media type, its length, and whether all of it arrived."""

import sys
from typing import Protocol

from rest_framework.request import Request

from crossbar.connection import ClientTooSlow
from crossbar.errors import FaultyRequest, RequestTimeout, RequestTooLarge, UnsupportedMediaType

UNKNOWN_LENGTH = str(sys.maxsize)
"""The Content-Length that `crossbar.middleware` gives a chunked body, which states none."""
_CHUNK = 64 * 1024


class ByteStream(Protocol):
    """Anything that bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


def media_type_of(content_type: str | None) -> str:
    """A content type without its parameters, in lower case."""
    return (content_type or "").split(";")[0].strip().lower()


def unsupported_media_type(content_type: str | None) -> UnsupportedMediaType:
    """The error for a body of a type that a path doesn't take."""
    return UnsupportedMediaType(data={"message": f"unsupported media type {media_type_of(content_type)}"})


class RequestBody:
    """A request's body of at most `limit` bytes, read from the socket piece by piece.

    Raises RequestTooLarge, at once if the request states its length; UnsupportedMediaType for a compressed body;
    FaultyRequest for one that ends before its stated length, or whose chunks are malformed; RequestTimeout for one
    that comes too slowly.
    """

    def __init__(self, request: Request, limit: int) -> None:
        self._stream: ByteStream | None = request.stream
        self._limit = self._allowed = limit
        self._missing = _content_length(request)
        if self._missing > limit:
            raise RequestTooLarge(limit)
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
        if self._stream is not None and encoding not in ("", "identity"):
            raise UnsupportedMediaType(
                data={"message": f"unsupported content encoding {encoding}"}, headers={"Accept-Encoding": "identity"}
            )

    def read(self, size: int, /) -> bytes:
        """Return at most `size` more bytes; none at the end of the body."""
        if self._stream is None:
            return b""
        try:
            piece = self._stream.read(size)
        except OSError as error:
            if isinstance(error.__cause__, ClientTooSlow):
                raise RequestTimeout() from error
            raise FaultyRequest("the body ended early or is malformed") from error
        self._missing -= len(piece)
        if not piece and size and self._missing > 0:
            raise FaultyRequest("the body ended early")
        self._allowed -= len(piece)
        if self._allowed < 0:
            raise RequestTooLarge(self._limit)
        return piece

    def read_all(self) -> bytes:
        """Return the whole body, if it is a small one."""
        return b"".join(iter(lambda: self.read(_CHUNK), b""))


def _content_length(request: Request) -> int:
    """The stated length of a body in bytes; 0 if it is chunked."""
    stated_length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not stated_length.isascii() or not stated_length.isdigit():
        raise FaultyRequest("invalid content length")
    return 0 if stated_length == UNKNOWN_LENGTH else int(stated_length)
