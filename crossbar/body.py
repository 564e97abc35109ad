"""What a request's body is, before anybody knows what it means: its type, its length, and whether it is whole."""

from typing import Protocol

from rest_framework.request import Request

from crossbar.errors import FaultyRequest, RequestTooLarge, UnsupportedMediaType

_MEDIA = ("video/mp4", "application/octet-stream", "application/base64")
# `curl -d` says that JSON is a form, a browser's fetch that it is text, and others say nothing.
_JSON = ("", "application/json", "application/x-json", "text/json", "application/x-www-form-urlencoded", "text/plain")


class ByteStream(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes: ...


def media_type_of(content_type: str | None) -> str:
    """A content type without its parameters."""
    return (content_type or "").split(";")[0].strip().lower()


def is_upload(content_type: str | None) -> bool:
    """Whether a body of this type holds media, so that it is no envelope."""
    kind = media_type_of(content_type)
    return kind.startswith(("multipart/", "audio/")) or kind in _MEDIA


def is_json(content_type: str | None) -> bool:
    """Whether a body of this type may be an envelope."""
    kind = media_type_of(content_type)
    return kind in _JSON or kind.endswith("+json")


def unsupported_media_type(content_type: str | None) -> UnsupportedMediaType:
    """The error for a type that a path doesn't take."""
    return UnsupportedMediaType(data={"message": f"unsupported media type {media_type_of(content_type)}"})


def has_body(request: Request) -> bool:
    """Whether a request brings a body at all."""
    return request.META.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in request.META


class RequestBody:
    """A request's body, of at most `limit` bytes, read from the socket as it is asked for.

    It ends only at its end: what a client sent before it hung up is not taken for all. Raises RequestTooLarge,
    at once when the request says its length; UnsupportedMediaType for a body that is compressed; FaultyRequest.
    """

    def __init__(self, request: Request, limit: int) -> None:
        self._stream: ByteStream = request._request
        self._limit = self._room = limit
        said = str(request.META.get("CONTENT_LENGTH") or "0")
        if not said.isascii() or not said.isdigit():
            raise FaultyRequest("invalid content length")
        self._missing = int(said)
        if self._missing > limit:
            raise RequestTooLarge(limit)
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if has_body(request) and encoding not in ("", "identity"):
            raise UnsupportedMediaType(
                data={"message": f"unsupported content encoding {encoding}"}, headers={"Accept-Encoding": "identity"}
            )

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""
        try:
            piece = self._stream.read(size)
        except OSError as error:
            raise FaultyRequest("the body ended early") from error
        self._missing -= len(piece)
        if not piece and size and self._missing > 0:
            raise FaultyRequest("the body ended early")
        self._room -= len(piece)
        if self._room < 0:
            raise RequestTooLarge(self._limit)
        return piece

    def read_all(self) -> bytes:
        """All of it, for what is small."""
        return b"".join(iter(lambda: self.read(64 * 1024), b""))
