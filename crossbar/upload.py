"""Uploads of media as a DRF parser: several parts, bare media, or media in base64."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.conf import settings

from crossbar.body import ByteStream, RequestBody, media_type_of
from crossbar.envelope import envelope_of, parse_object
from crossbar.errors import FaultyRequest, RequestTooLarge
from crossbar.multipart import Part, read_parts
from crossbar.negotiation import MediaParser
from crossbar.transfer_encoding import decode_base64

_MEDIA_TYPES = ("video/mp4", "application/octet-stream", "application/base64", "application/x-base64")
_CHUNK = 64 * 1024
_MAX_PREFIX = 1024


@dataclass
class UploadBody:
    """A request's JSON (the data of its envelope, or the bare object) and its media."""

    json: dict[str, Any] | None = None
    media: list[Part] = field(default_factory=list)


class UploadParser(MediaParser):
    """Reads the body as an `UploadBody`."""

    def can_parse(self, content_type: str | None) -> bool:
        """Whether a body with that Content-Type header holds media."""
        media_type = media_type_of(content_type)
        return media_type.startswith(("multipart/", "audio/")) or media_type in _MEDIA_TYPES

    def parse(  # type: ignore[override]
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> UploadBody:
        """Return the upload; raises RequestTooLarge, FaultyRequest, and ValidationFailed for its JSON."""
        context = parser_context or {}
        return parse_upload(media_type, RequestBody(context["request"], settings.MAX_UPLOAD_BYTES))


def parse_upload(content_type: str | None, body: RequestBody) -> UploadBody:
    """Return a body with that content type as an upload."""
    media_type = media_type_of(content_type)
    if media_type.startswith("multipart/"):
        return _sort_parts(read_parts(content_type or "", body))
    if media_type in ("application/base64", "application/x-base64"):
        return UploadBody(media=[_read_base64(body)])
    return UploadBody(media=[_spool(media_type, _chunks(body))])


def _sort_parts(parts: list[Part]) -> UploadBody:
    """Sort parts by their content types: JSON is an envelope or the bare object, everything else is media."""
    upload = UploadBody()
    for part in parts:
        if part.content_type in ("application/json", "text/json") or (
            part.content_type == "text/plain" and part.filename is None
        ):
            upload.json = _parse_json(part)
        else:
            upload.media.append(part)
    return upload


def _parse_json(part: Part) -> dict[str, Any]:
    limit: int = settings.JSON_BODY_LIMIT
    if part.length > limit:
        raise RequestTooLarge(limit)
    members = parse_object(part.file.read())
    return envelope_of(members).data if "data" in members else members


def _chunks(body: ByteStream) -> Iterator[bytes]:
    return iter(lambda: body.read(_CHUNK), b"")


def _spool(media_type: str, chunks: Iterator[bytes]) -> Part:
    """Write media to a temporary file."""
    part = Part(content_type=media_type)
    for chunk in chunks:
        part.file.write(chunk)
        part.length += len(chunk)
    part.file.seek(0)
    return part


def _read_base64(body: ByteStream) -> Part:
    """Read media in base64, with an optional ``data:audio/mpeg;base64,`` in front that states its type."""
    media_type, start = "application/octet-stream", body.read(_MAX_PREFIX)
    if start.startswith(b"data:"):
        prefix, comma, start = start.partition(b",")
        if not comma:
            raise FaultyRequest("invalid base64 body")
        media_type = media_type_of(prefix.removeprefix(b"data:").decode("latin-1")) or media_type
    return _spool(media_type, decode_base64(chain((start,), _chunks(body))))
