"""Bodies of uploads: media as it is or in base64, parts, and JSON alone."""

import base64
import io
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from crossbar.errors import ApiError, FaultyRequest, RequestTooLarge, UnsupportedMediaType, ValidationFailed
from crossbar.upload import Upload, read_upload

SOUND = bytes(range(256)) * 1_000


def sent(body: bytes, content_type: str, **meta: Any) -> Request:
    return Request(RequestFactory().generic("PUT", "/", body, content_type=content_type, **meta))


def read(body: bytes, content_type: str, limit: int = 1_000_000) -> Upload:
    return read_upload(sent(body, content_type), limit)


def parts(*found: tuple[str, bytes]) -> bytes:
    pieces = [b"--b\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + content + b"\r\n" for kind, content in found]
    return b"".join(pieces) + b"--b--\r\n"


@pytest.mark.parametrize("kind", ["audio/mpeg", "Audio/Ogg; codecs=opus", "video/mp4", "application/octet-stream"])
def test_media_comes_as_it_is(kind: str) -> None:
    (part,) = read(SOUND, kind).media
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
def test_media_comes_in_base64_with_and_without_line_ends(prefix: bytes, kind: str, cut: int) -> None:
    sound = SOUND[cut:]
    for encoded in (base64.b64encode(sound), base64.encodebytes(sound), base64.b64encode(sound).rstrip(b"=")):
        (part,) = read(prefix + encoded, "application/base64").media
        assert (part.content_type, part.length) == (kind, len(sound))
        assert part.file.read() == sound


@pytest.mark.parametrize("body", [b"***", b"A", b"data:audio/mp3;base64" + b"A" * 2_000])
def test_what_is_no_base64_is_told(body: bytes) -> None:
    with pytest.raises(FaultyRequest):
        read(body, "application/base64")


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
@pytest.mark.parametrize("content", [b'{"data": {"folder": "new"}}', b'{"folder": "new"}'])
def test_parts_are_told_apart_by_their_types(kind: str, content: bytes) -> None:
    found = read(parts((kind, content), ("audio/mpeg", SOUND)), "multipart/mixed; boundary=b")
    assert found.json == {"folder": "new"}
    assert [(part.content_type, part.file.read()) for part in found.media] == [("audio/mpeg", SOUND)]


def test_json_alone_is_an_upload_without_media() -> None:
    assert read(b'{"data": {"a": 1}}', "application/json") == Upload(json={"a": 1})
    assert read(b"", "") == Upload()


@pytest.mark.parametrize(
    ("content", "member"),
    [
        (b"nope", "json"),
        (b"[]", "json"),
        (b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", "json"),
        (b'{"data": 1}', "data"),
    ],
)
def test_json_of_a_part_is_read_as_carefully_as_a_body(content: bytes, member: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        read(parts(("application/json", content)), "multipart/mixed; boundary=b")
    assert list(raised.value.data) == [member]


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/zip", "video/webm"])
def test_other_types_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read(b"x", kind)


@pytest.mark.parametrize("kind", ["audio/mpeg", "application/base64", "multipart/mixed; boundary=b"])
def test_what_is_too_large_is_refused_with_the_limit(kind: str) -> None:
    with pytest.raises(RequestTooLarge) as raised:
        read(parts(("audio/mpeg", SOUND)), kind, limit=1_000)
    assert raised.value.data["limit"] == 1_000


@pytest.mark.parametrize(
    ("meta", "error"),
    [
        ({"HTTP_CONTENT_ENCODING": "gzip"}, UnsupportedMediaType),
        ({"CONTENT_LENGTH": "many"}, FaultyRequest),
        ({"CONTENT_LENGTH": "-1"}, FaultyRequest),
        ({"CONTENT_LENGTH": "999", "wsgi.input": io.BytesIO(b"OggS")}, FaultyRequest),
    ],
)
def test_a_body_must_be_plain_and_whole(meta: dict[str, Any], error: type[ApiError]) -> None:
    with pytest.raises(error):
        read_upload(sent(b"OggS", "audio/ogg", **meta), 1_000)
    assert read_upload(sent(b"OggS", "audio/ogg", HTTP_CONTENT_ENCODING="identity"), 1_000).media[0].length == 4
