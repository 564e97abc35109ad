"""Bodies of uploads: media as it is or in base64, and in parts together with JSON."""

import base64
import io
from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings
from rest_framework.request import Request

from crossbar.body import UNKNOWN_LENGTH
from crossbar.errors import ApiError, FaultyRequest, RequestTooLarge, UnsupportedMediaType, ValidationFailed
from crossbar.negotiation import Negotiation
from crossbar.upload import UploadBody, UploadParser

SOUND = bytes(range(256)) * 1_000


def parse(body: bytes, content_type: str, **meta: Any) -> UploadBody:
    """The body of a request, as DRF has it parsed."""
    request = RequestFactory().generic("PUT", "/", body, content_type=content_type, **meta)
    parsed = Request(request, parsers=[UploadParser()], negotiator=Negotiation()).data
    assert isinstance(parsed, UploadBody)
    return parsed


def parts(*contents: tuple[str, bytes]) -> bytes:
    pieces = [
        b"--b\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + content + b"\r\n" for kind, content in contents
    ]
    return b"".join(pieces) + b"--b--\r\n"


@pytest.mark.parametrize("kind", ["audio/mpeg", "Audio/Ogg; codecs=opus", "video/mp4", "application/octet-stream"])
def test_bare_media_is_kept_as_it_is(kind: str) -> None:
    (part,) = parse(SOUND, kind).media
    assert (part.content_type, part.length) == (kind.split(";")[0].lower(), len(SOUND))
    assert part.file.read() == SOUND


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        (b"", "application/octet-stream"),
        (b"data:audio/mp3;base64,", "audio/mp3"),
        (b"data:;base64,", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_base64_is_decoded_with_and_without_line_ends(prefix: bytes, kind: str, cut: int) -> None:
    sound = SOUND[cut:]
    for encoded in (base64.b64encode(sound), base64.encodebytes(sound), base64.b64encode(sound).rstrip(b"=")):
        (part,) = parse(prefix + encoded, "application/base64").media
        assert (part.content_type, part.length) == (kind, len(sound))
        assert part.file.read() == sound


@pytest.mark.parametrize("body", [b"***", b"A", b"data:audio/mp3;base64" + b"A" * 2_000])
def test_malformed_base64_is_refused(body: bytes) -> None:
    with pytest.raises(FaultyRequest):
        parse(body, "application/base64")


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
@pytest.mark.parametrize("content", [b'{"data": {"folder": "new"}}', b'{"folder": "new"}'])
def test_parts_are_sorted_by_their_types(kind: str, content: bytes) -> None:
    upload = parse(parts((kind, content), ("audio/mpeg", SOUND)), "multipart/mixed; boundary=b")
    assert upload.json == {"folder": "new"}
    assert [(part.content_type, part.file.read()) for part in upload.media] == [("audio/mpeg", SOUND)]


@pytest.mark.parametrize(
    ("content", "member"),
    [
        (b"nope", "json"),
        (b"[]", "json"),
        (b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", "json"),
        (b'{"data": 1}', "data"),
    ],
)
def test_json_of_a_part_is_checked_like_a_body(content: bytes, member: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        parse(parts(("application/json", content)), "multipart/mixed; boundary=b")
    assert list(raised.value.data) == [member]


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/json", "application/zip", "video/webm"])
def test_other_types_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        parse(b"x", kind)


@pytest.mark.parametrize("kind", ["audio/mpeg", "application/base64", "multipart/mixed; boundary=b"])
def test_an_upload_over_the_limit_is_refused(kind: str, settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 1_000
    with pytest.raises(RequestTooLarge) as raised:
        parse(parts(("audio/mpeg", SOUND)), kind)
    assert raised.value.data["limit"] == 1_000


@pytest.mark.parametrize(
    ("meta", "error"),
    [
        ({"HTTP_CONTENT_ENCODING": "gzip"}, UnsupportedMediaType),
        ({"CONTENT_LENGTH": "+4"}, FaultyRequest),
        ({"CONTENT_LENGTH": "-1"}, FaultyRequest),
        ({"CONTENT_LENGTH": "999", "wsgi.input": io.BytesIO(b"OggS")}, FaultyRequest),
    ],
)
def test_a_compressed_or_incomplete_body_is_refused(meta: dict[str, Any], error: type[ApiError]) -> None:
    with pytest.raises(error):
        parse(b"OggS", "audio/ogg", **meta)
    assert parse(b"OggS", "audio/ogg", HTTP_CONTENT_ENCODING="identity").media[0].length == 4


def test_a_chunked_body_over_the_limit_is_refused(settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 1_000
    with pytest.raises(RequestTooLarge):
        parse(b"x", "audio/ogg", CONTENT_LENGTH=UNKNOWN_LENGTH, **{"wsgi.input": io.BytesIO(SOUND)})
    settings.MAX_UPLOAD_BYTES = len(SOUND)
    upload = parse(b"x", "audio/ogg", CONTENT_LENGTH=UNKNOWN_LENGTH, **{"wsgi.input": io.BytesIO(SOUND)})
    assert upload.media[0].length == len(SOUND)
