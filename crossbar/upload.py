"""What the body of an upload may be: parts, bare media, or an envelope alone."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from crossbar.body import ByteStream, RequestBody, is_json, is_upload, media_type_of, unsupported_media_type
from crossbar.envelope import as_envelope, read_envelope, read_object
from crossbar.errors import FaultyRequest, RequestTooLarge
from crossbar.multipart import Part, read_parts

_CHUNK = 64 * 1024
_LONGEST_PREFIX = 1024


@dataclass
class Upload:
    """A request's JSON (the data of its envelope, or the bare object) and its media."""

    json: dict[str, Any] | None = None
    media: list[Part] = field(default_factory=list)


def read_upload(request: Request, limit: int) -> Upload:
    """Read an upload of at most `limit` bytes.

    RequestTooLarge, FaultyRequest (no multipart), ValidationFailed (no JSON), UnsupportedMediaType.
    """
    kind = media_type_of(request.content_type)
    if kind.startswith("multipart/"):
        return _sorted(read_parts(request.content_type or "", RequestBody(request, limit), limit=limit))
    if kind == "application/base64":
        return Upload(media=[_unbase64(RequestBody(request, limit))])
    if is_upload(kind):
        return Upload(media=[_spool(kind, _pieces(RequestBody(request, limit)))])
    # A browser says text of what it can't tell the type of: here, that is no envelope.
    if kind == "text/plain" or not is_json(kind):
        raise unsupported_media_type(kind)
    envelope = read_envelope(RequestBody(request, settings.JSON_BODY_LIMIT).read_all())
    return Upload(json=envelope.data if envelope.has_data else None)


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
    limit: int = settings.JSON_BODY_LIMIT
    if part.length > limit:
        raise RequestTooLarge(limit)
    found = read_object(part.file.read())
    return as_envelope(found).data if "data" in found else found


def _pieces(body: ByteStream) -> Iterator[bytes]:
    return iter(lambda: body.read(_CHUNK), b"")


def _spool(kind: str, pieces: Iterator[bytes]) -> Part:
    part = Part(content_type=kind)
    for piece in pieces:
        part.file.write(piece)
        part.length += len(piece)
    part.file.seek(0)
    return part


def _unbase64(body: ByteStream) -> Part:
    """Media in base64, perhaps behind a ``data:audio/mpeg;base64,`` that tells its type."""
    kind, start = "application/octet-stream", body.read(_LONGEST_PREFIX)
    if start.startswith(b"data:"):
        prefix, comma, start = start.partition(b",")
        if not comma:
            raise FaultyRequest("invalid base64 body")
        kind = media_type_of(prefix.removeprefix(b"data:").decode("latin-1")) or kind
    return _spool(kind, _decoded(start, _pieces(body)))


def _decoded(start: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Base64, line ends in it or not, decoded as it comes."""
    rest = start
    for piece in pieces:
        text = b"".join((rest + piece).split())
        whole = len(text) - len(text) % 4
        yield _bytes_of(text[:whole])
        rest = text[whole:]
    rest = b"".join(rest.split())
    yield _bytes_of(rest + b"=" * (-len(rest) % 4))


def _bytes_of(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FaultyRequest("invalid base64 body") from error
