"""Multipart bodies, as clients send them and as nobody should."""

import io
import tempfile
import tracemalloc
from typing import IO, Any

import pytest

from crossbar.errors import FaultyRequest
from crossbar.multipart import read_parts

MIXED = 'multipart/mixed; boundary="a b"'


def body(*parts: tuple[str, bytes], boundary: str = "a b", end: str = "--") -> bytes:
    pieces = [f"--{boundary}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n" for headers, content in parts]
    return b"".join(pieces) + f"--{boundary}{end}\r\n".encode()


def read(content: bytes, kind: str = MIXED) -> list[tuple[Any, ...]]:
    parts = read_parts(kind, io.BytesIO(content))
    return [(part.content_type, part.name, part.filename, part.file.read(), part.length) for part in parts]


def test_parts_come_in_order_with_their_types_and_names() -> None:
    content = body(
        (
            'Content-Disposition: form-data; name="content"; filename="m.json"\r\nContent-Type: application/json',
            b"{}",
        ),
        ('Content-Disposition: attachment; name="content"; filename="v.mp3"\r\nContent-Type: audio/mp3', b"\r\n--a"),
    )
    assert read(content) == [
        ("application/json", "content", "m.json", b"{}", 2),
        ("audio/mp3", "content", "v.mp3", b"\r\n--a", 5),
    ]


def test_parts_need_no_disposition_and_boundaries_no_quotes() -> None:
    content = body(("Content-Type: audio/ogg", b"OggS"), boundary="xyz")
    assert read(content, "multipart/form-data; boundary=xyz") == [("audio/ogg", None, None, b"OggS", 4)]


def test_names_with_other_letters_than_ascii_are_read() -> None:
    encoded = (
        "Content-Disposition: attachment; filename*=UTF-8''na%C3%AFve%20%E2%98%8E.mp3\r\nContent-Type: audio/mpeg"
    )
    plain = 'Content-Disposition: attachment; filename="naïve ☎.mp3"\r\nContent-Type: audio/mpeg'
    names = [name for _, _, name, _, _ in read(body((encoded, b"1"), (plain, b"2")))]
    assert names == ["naïve ☎.mp3", "naïve ☎.mp3"]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=undefined''x", None),
        ("attachment; filename*=idna''%ff", None),
        ("attachment; filename*=utf-7''a%2B2AA-", "a?"),
        ("attachment; filename*=no-such-charset''a%ff", "aÿ"),
        ("attachment; filename*0*=utf-8''na%C3%AF; filename*1=ve.mp3", "naïve.mp3"),
        ('attachment; filename="a\\"b;c.mp3"', 'a"b;c.mp3'),
        ("attachment; name=content", None),
        ("attachment; filename", ""),
        (";;;=;filename*9=x", "x"),
    ],
)
def test_a_hostile_name_is_read_or_ignored(disposition: str, name: str | None) -> None:
    content = body((f"Content-Disposition: {disposition}\r\nContent-Type: audio/mpeg", b"1"))
    assert [filename for _, _, filename, _, _ in read(content)] == [name]


def test_unread_parts_are_removed_from_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[IO[bytes]] = []

    def spooled(size: int) -> IO[bytes]:
        files.append(tempfile.SpooledTemporaryFile(size))  # noqa: SIM115 - read_parts closes it
        return files[-1]

    monkeypatch.setattr("crossbar.multipart.SpooledTemporaryFile", spooled)
    with pytest.raises(FaultyRequest):
        read(body(("Content-Type: audio/mpeg", bytes(100_000)), end=""))
    assert [file.closed for file in files] == [True]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no parts at all",
        body(("Content-Type: audio/mpeg", b"1"), end=""),
        body(("Content-Type: audio/mpeg", b"1"))[:-10],
        body(("X-Long: " + "x" * 9_000, b"1")),
        body(("X-Long: " + "x" * 90_000, b"1")),
        body(("no header", b"1")),
        body((" folded: nothing", b"1")),
        body(*[("Content-Type: audio/mpeg", b"1")] * 21),
    ],
)
def test_an_incomplete_or_malformed_body_is_refused(content: bytes) -> None:
    with pytest.raises(FaultyRequest):
        read(content)


@pytest.mark.parametrize(
    "kind", ["multipart/mixed", 'multipart/mixed; boundary=""', "multipart/mixed; boundary=" + "x" * 300]
)
def test_a_body_needs_a_boundary(kind: str) -> None:
    with pytest.raises(FaultyRequest):
        read(b"--x--", kind)


class Trickle:
    """A body of which each read returns a few bytes."""

    def __init__(self, content: bytes, size: int) -> None:
        self.file, self.size = io.BytesIO(content), size

    def read(self, count: int) -> bytes:
        return self.file.read(min(count, self.size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
def test_a_body_is_read_as_rfc_2046_has_it_however_it_arrives(size: int) -> None:
    content = (
        b"A preamble\r\n--for old\r\n--a bracadabra \r\nclients\r\n"
        b"--a b \t \r\n"
        b"content-TYPE:\r\n audio/mpeg;\r\n\tx=y\r\nContent-Disposition: attachment;\r\n filename=a.mp3\r\n\r\n"
        b"\r\n--a b c\r\n--a\r\n-\r\n\r\n--a b\t\r\n"
        b"\r\nno headers\r\n--a b--\t\r\nan epilogue\r\n--a b\r\n\r\nthat is no part\r\n--a b--"
    )
    parts = read_parts(MIXED, Trickle(content, size))
    assert [(part.content_type, part.filename, part.file.read()) for part in parts] == [
        ("audio/mpeg", "a.mp3", b"\r\n--a b c\r\n--a\r\n-\r\n"),
        ("text/plain", None, b"no headers"),
    ]
    for no_part in (b"--a b--", b"text --a b\r\n\r\n1\r\n--a b--", b"--a b" + b" " * 300 + b"\r\n\r\n1\r\n--a b--"):
        assert read_parts(MIXED, Trickle(no_part, size)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100_000])
@pytest.mark.parametrize(
    ("encoding", "encoded", "decoded"),
    [
        ("base64", b"SUQzBAAAAAAA/w==", b"ID3\x04\0\0\0\0\0\xff"),
        ("BASE64 ", b"SUQz\r\nBAAAAA\r\nAA/w\r\n", b"ID3\x04\0\0\0\0\0\xff"),
        ("base64", b"", b""),
        ("quoted-printable", b"a=3Db=C3=\r\n=A9\r\n=00\r\n", b"a=b\xc3\xa9\r\n\0\r\n"),
        ("Quoted-Printable", b"soft=\r\n break=", b"soft break"),
        ("binary", b"=3D\r\n\xff", b"=3D\r\n\xff"),
        ("8bit", b"SUQz", b"SUQz"),
    ],
)
def test_an_encoded_part_is_decoded(size: int, encoding: str, encoded: bytes, decoded: bytes) -> None:
    content = body((f"Content-Type: audio/mpeg\r\nContent-Transfer-Encoding: {encoding}", encoded))
    (part,) = read_parts(MIXED, Trickle(content, size))
    assert (part.file.read(), part.length) == (decoded, len(decoded))


@pytest.mark.parametrize(("encoding", "encoded"), [("base64", b"SUQ*"), ("base64", b"SUQzB"), ("x-uuencode", b"")])
def test_what_cannot_be_decoded_is_refused(encoding: str, encoded: bytes) -> None:
    with pytest.raises(FaultyRequest):
        read(body((f"Content-Type: audio/mpeg\r\nContent-Transfer-Encoding: {encoding}", encoded)))


@pytest.mark.parametrize("encoding", ["binary", "base64", "quoted-printable"])
def test_a_large_part_is_not_kept_in_memory(encoding: str) -> None:
    headers = f"Content-Type: audio/mpeg\r\nContent-Transfer-Encoding: {encoding}"
    head, _, tail = body((headers, b"CONTENT")).partition(b"CONTENT")
    size = 40_000_000

    class Body:
        def __init__(self) -> None:
            self.head, self.missing, self.tail = head, size, tail

        def read(self, count: int) -> bytes:
            if self.head:
                piece, self.head = self.head, b""
                return piece
            if self.missing:
                piece = b"A" * min(count, self.missing)
                self.missing -= len(piece)
                return piece
            piece, self.tail = self.tail, b""
            return piece

    tracemalloc.start()
    (part,) = read_parts(MIXED, Body())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert part.length == (size * 3 // 4 if encoding == "base64" else size)
    assert peak < 4_000_000
