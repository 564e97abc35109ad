"""Attachments: any size, in pieces, and several with their document in one request."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.embedded_server import Database, Server, start

MEGABYTE = 1 << 20
DESCRIBED = {
    "mailbox": "3000",
    "_attachments": {
        "first.mp3": {"follows": True, "content_type": "audio/mpeg", "length": 700_000},
        "second.wav": {"follows": True, "content_type": "audio/x-wav", "length": 5},
    },
}
FIRST = os.urandom(350_000) + b"\r\n--bound" + os.urandom(349_991)
SECOND = b"sound"


def related(boundary: str) -> bytes:
    """A document and the attachments that it says follow."""
    line = f"\r\n--{boundary}".encode()
    document = json.dumps(DESCRIBED).encode()
    return b"".join(
        [
            line[2:] + b"\r\nContent-Type: application/json\r\n\r\n" + document,
            line + b'\r\nContent-Disposition: attachment; filename="first.mp3"\r\n\r\n' + FIRST,
            line + b"\r\n\r\n" + SECOND,
            line + b"--",
        ]
    )


def pieces(content: bytes) -> Iterator[bytes]:
    """Content for a request that is sent in chunks."""
    for start_at in range(0, len(content), 10_007):
        yield content[start_at : start_at + 10_007]


@pytest.mark.parametrize("chunked", [False, True], ids=["with-a-length", "chunked"])
@pytest.mark.parametrize("boundary", ["boundary", '"boundary"', '"a=strange:boundary"'])
def test_a_document_and_two_attachments_come_in_one_request(database: Database, boundary: str, chunked: bool) -> None:
    body = related(boundary.strip('"'))
    headers = {"Content-Type": f"multipart/related; boundary={boundary}"}

    written = database.client.put(f"{database.url}/doc", data=pieces(body) if chunked else body, headers=headers)

    assert written.status_code == 201, written.text
    stubs = database.get("doc")["_attachments"]
    assert {name: (stub["content_type"], stub["length"]) for name, stub in stubs.items()} == {
        "first.mp3": ("audio/mpeg", len(FIRST)),
        "second.wav": ("audio/x-wav", len(SECOND)),
    }
    assert database.client.get(f"{database.url}/doc/first.mp3").content == FIRST
    assert database.client.get(f"{database.url}/doc/second.wav").content == SECOND


@pytest.mark.parametrize("spoil", [lambda body: body[:-20], lambda body: body.replace(b"700000", b"700001")])
def test_a_multipart_body_that_is_not_what_it_says_leaves_no_document(database: Database, spoil: object) -> None:
    assert callable(spoil)
    headers = {"Content-Type": "multipart/related; boundary=boundary"}

    refused = database.client.put(f"{database.url}/doc", data=spoil(related("boundary")), headers=headers)

    assert refused.status_code == 400
    assert database.client.get(f"{database.url}/doc").status_code == 404


def test_a_document_is_given_with_its_attachments_in_parts(database: Database) -> None:
    database.client.put(f"{database.url}/doc/a%20b.bin", data=FIRST)

    answer = database.client.get(f"{database.url}/doc?attachments=true")

    boundary = re.fullmatch(r'multipart/related; boundary="(\w+)"', answer.headers["Content-Type"])
    assert boundary is not None
    assert answer.content.count(f"--{boundary[1]}".encode()) == 3
    assert FIRST in answer.content


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 0), (524_287, 524_288), (524_288, 1_048_575), (100, 1_100_000), (1_199_999, 1_199_999)],
)
def test_a_range_is_cut_out_wherever_the_bytes_are_kept(database: Database, first: int, last: int) -> None:
    content = os.urandom(1_200_000)
    database.client.put(f"{database.url}/doc/audio", data=content)

    answer = database.client.get(f"{database.url}/doc/audio", headers={"Range": f"bytes={first}-{last}"})

    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1200000"
    assert answer.content == content[first : last + 1]


def test_a_download_goes_on_while_the_attachment_is_deleted_and_compacted(database: Database) -> None:
    content = os.urandom(MEGABYTE) * 24
    rev = database.client.put(f"{database.url}/doc/audio", data=content).json()["rev"]
    with database.client.get(f"{database.url}/doc/audio", stream=True) as download:
        received = download.raw.read(1000)
        database.client.delete(f"{database.url}/doc/audio?rev={rev}")
        database.client.post(f"{database.url}/_compact", json={})
        received += download.raw.read()

    assert received == content


def test_compaction_gives_up_the_room_of_attachments_that_are_gone(database: Database) -> None:
    rev = database.client.put(f"{database.url}/doc/audio", data=os.urandom(3 * MEGABYTE)).json()["rev"]
    database.client.delete(f"{database.url}/doc/audio?rev={rev}")
    before = database.get("")["sizes"]["active"]

    database.client.post(f"{database.url}/_compact", json={})

    assert database.get("")["sizes"]["active"] < before - 2 * MEGABYTE


def test_a_large_attachment_is_never_held_in_memory(tmp_path: Path) -> None:
    server = start(tmp_path / "data")
    database = server.new_database()
    block = os.urandom(MEGABYTE)
    assert upload_and_download(database, "small", [block] * 2)
    before = peak_memory(server)

    assert upload_and_download(database, "large", [block] * 64)

    grown = peak_memory(server) - before
    server.stop()
    assert grown < 20 * MEGABYTE


def upload_and_download(database: Database, name: str, blocks: list[bytes]) -> bool:
    sent, received = hashlib.sha256(), hashlib.sha256()
    for block in blocks:
        sent.update(block)
    stored = database.client.put(f"{database.url}/{name}/audio", data=iter(blocks))
    assert stored.status_code == 201
    with database.client.get(f"{database.url}/{name}/audio", stream=True) as download:
        for piece in download.iter_content(MEGABYTE):
            received.update(piece)
    return sent.digest() == received.digest()


def peak_memory(server: Server) -> int:
    """The most memory that the server ever had resident, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    kilobytes = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert kilobytes is not None
    return int(kilobytes[1]) * 1024


def test_clients_that_do_not_take_an_attachment_leave_the_server_to_others(database: Database) -> None:
    revision = database.put("slow", {})
    headers = {"Content-Type": "audio/mpeg"}
    address, content = f"{database.url}/slow/audio", bytes(12 * MEGABYTE)
    answer = database.client.put(address, params={"rev": revision}, data=content, headers=headers)
    assert answer.status_code == 201
    with ExitStack() as stack:
        for _ in range(64):
            assert stack.enter_context(database.client.get(address, stream=True, timeout=30)).status_code == 200
        assert database.client.get(f"{database.url}/slow", timeout=30).json()["_id"] == "slow"
