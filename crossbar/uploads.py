"""What the body of an upload may be: parts, bare media, or an envelope alone."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any

import orjson
from rest_framework.request import Request

from crossbar.envelope import read_envelope
from crossbar.errors import FaultyRequest, RequestTooLarge, UnsupportedMediaType, ValidationFailed
from crossbar.multipart import Part, Stream, read_parts

_CHUNK = 64 * 1024
_BASE64_CHUNK = 4 * 16 * 1024
_LONGEST_JSON = 1024 * 1024


@dataclass
class Upload:
    """A request's JSON (the data of its envelope, or the bare object) and its media."""

    json: dict[str, Any] | None = None
    media: list[Part] = field(default_factory=list)


def is_upload(content_type: str | None) -> bool:
    """Whether a body of this type holds media, so that it is no envelope."""
    kind = (content_type or "").split(";")[0].strip().lower()
    return kind.startswith(("multipart/", "audio/")) or kind in _BARE


_BARE = ("video/mp4", "application/octet-stream", "application/base64")


def read_upload(request: Request, limit: int) -> Upload:
    """Read an upload of at most `limit` bytes.

    RequestTooLarge, FaultyRequest (no multipart), ValidationFailed (no JSON), UnsupportedMediaType.
    """
    said = int(request.META.get("CONTENT_LENGTH") or 0)
    body: Stream = _Whole(request._request, said)
    if said > limit:
        raise RequestTooLarge(limit)
    return _read(request.content_type or "", body, limit)


class _Whole:
    """A body that ends only at its end: what a client sent before it hung up is not taken for all."""

    def __init__(self, stream: Stream, length: int) -> None:
        self._stream = stream
        self._left = length

    def read(self, size: int, /) -> bytes:
        try:
            piece = self._stream.read(size)
        except OSError as error:
            raise FaultyRequest("the body ended early") from error
        self._left -= len(piece)
        if not piece and size and self._left > 0:
            raise FaultyRequest("the body ended early")
        return piece


def _read(content_type: str, body: Stream, limit: int) -> Upload:
    kind = content_type.split(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        return _sorted(read_parts(content_type, body, limit=limit))
    if kind == "application/base64":
        return Upload(media=[_spool("application/octet-stream", _decoded(body), limit)])
    if is_upload(kind):
        return Upload(media=[_spool(kind, iter(lambda: body.read(_CHUNK), b""), limit)])
    if kind in ("", "application/json", "application/x-www-form-urlencoded"):
        envelope = read_envelope(b"".join(_limited(iter(lambda: body.read(_CHUNK), b""), _LONGEST_JSON)))
        return Upload(json=envelope.data if envelope.has_data else None)
    raise UnsupportedMediaType(data={"message": f"unsupported media type {kind}"})


def _sorted(parts: list[Part]) -> Upload:
    """Parts by their own content type: JSON is the envelope or the bare object, the rest is media."""
    upload = Upload()
    for part in parts:
        if part.content_type in ("application/json", "text/json") or (
            part.content_type == "text/plain" and part.filename is None
        ):
            upload.json = _json(part)
        else:
            upload.media.append(part)
    return upload


def _json(part: Part) -> dict[str, Any]:
    if part.length > _LONGEST_JSON:
        raise RequestTooLarge(_LONGEST_JSON)
    content = part.file.read()
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ValidationFailed.field("json", "invalid", "Invalid JSON", target="body") from error
    if isinstance(found, dict) and "data" not in found:
        return found
    return read_envelope(content).data


def _limited(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise RequestTooLarge(limit)
        yield piece


def _spool(kind: str, pieces: Iterator[bytes], limit: int) -> Part:
    file = SpooledTemporaryFile(_CHUNK)  # noqa: SIM115 - it lives as long as its part
    length = 0
    for piece in _limited(pieces, limit):
        file.write(piece)
        length += len(piece)
    file.seek(0)
    return Part(content_type=kind, file=file, length=length)


def _decoded(body: Stream) -> Iterator[bytes]:
    """Base64, perhaps behind a ``data:...;base64,`` and with line ends, decoded as it comes."""
    rest, first = b"", True
    while chunk := body.read(_BASE64_CHUNK):
        if first and chunk.startswith(b"data:"):
            chunk = chunk.partition(b",")[2]
        first = False
        text = rest + b"".join(chunk.split())
        whole = len(text) - len(text) % 4
        yield _unbase64(text[:whole])
        rest = text[whole:]
    yield _unbase64(rest + b"=" * (-len(rest) % 4))


def _unbase64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FaultyRequest("invalid base64 body") from error
