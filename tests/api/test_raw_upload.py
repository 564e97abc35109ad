"""PUT .../vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}/raw: audio for a message, new or in place of the old."""

import base64
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.recordings import CONTENT, MP3, attachment, change, new_message, parts, stored


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox in Los Angeles."""
    return api.new_box(timezone="America/Los_Angeles")


@pytest.fixture
def path(api: Api, box: dict[str, Any]) -> str:
    """The path of the audio of a new message that has none yet."""
    return f"{new_message(api, box)}/raw"


class TestPut:
    """PUT."""

    def test_an_upload_returns_the_metadata(self, api: Api, account: Account, path: str) -> None:
        before = api.get(path.removesuffix("/raw")).json()["data"]
        answer = api.put(path, CONTENT, headers=MP3)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Location"] == api.address(path)
        assert answer.json()["data"] == before
        doc = stored(account, path)
        assert answer.json()["revision"] == doc["_rev"]
        assert doc["pvt_modified"] >= doc["pvt_created"]

    def test_the_api_documents_command_works(self, api: Api, account: Account, path: str, audio: Studio) -> None:
        voice = audio("mp3")
        answer = api.put(path, files=[("content", ("voice.mp3", voice.content, "audio/mp3"))])
        assert answer.status_code == 201, answer.text
        name, stub = attachment(account, path)
        assert (name, stub["content_type"], stub["length"]) == ("voice.mp3", "audio/mp3", len(voice.content))
        assert stored(account, path)["media_filename"] == "voice.mp3"

    def test_new_audio_replaces_the_old(self, api: Api, account: Account, path: str) -> None:
        api.request("PUT", path, **parts(("first.mp3", "audio/mpeg", b"first")))
        revision = stored(account, path)["_rev"]
        api.request("PUT", path, **parts(("second.ogg", "audio/ogg", b"second")))
        assert attachment(account, path)[0] == "second.ogg"
        assert stored(account, path)["media_filename"] == "second.ogg"
        assert int(stored(account, path)["_rev"].partition("-")[0]) == int(revision.partition("-")[0]) + 1
        answer = api.get(path)
        assert (answer.content, answer.headers["Content-Type"]) == (b"second", "audio/ogg")

    def test_an_upload_changes_nothing_else(self, api: Api, account: Account, path: str) -> None:
        change(account, path, transcription={"result": "success"}, pvt_of_kazoos=[1], history=["x"])
        before = stored(account, path)
        api.put(path, CONTENT, headers=MP3)
        after = stored(account, path)
        renewed = {"_rev", "_attachments", "media_filename", "pvt_modified", "pvt_request_id"}
        assert {k: v for k, v in after.items() if k not in renewed} == {
            k: v for k, v in before.items() if k not in renewed
        }

    def test_the_length_stays_unless_it_is_sent(self, api: Api, box: dict[str, Any]) -> None:
        path = new_message(api, box, length=3140) + "/raw"
        assert api.put(path, CONTENT, headers=MP3).json()["data"]["length"] == 3140
        json_part = (None, "application/json", b'{"data": {"length": 777, "folder": "saved"}}')
        data = api.request("PUT", path, **parts(json_part, ("a.mp3", "audio/mpeg", b"a"))).json()["data"]
        assert (data["length"], data["folder"]) == (777, "new")
        wrong = (None, "application/json", b'{"length": -1}')
        assert api.request("PUT", path, **parts(wrong, ("a.mp3", "audio/mpeg", b"a"))).status_code == 400

    @pytest.mark.parametrize("content_type", ["audio/mpeg", "application/octet-stream", "application/base64", None])
    def test_an_empty_body_keeps_the_old_audio(
        self, api: Api, account: Account, path: str, content_type: str | None
    ) -> None:
        api.put(path, CONTENT, headers=MP3)
        revision = stored(account, path)["_rev"]
        answer = api.put(path, b"", headers={"Content-Type": content_type})
        assert answer.status_code == 400, answer.text
        assert answer.json()["data"] == {"file": {"required": {"message": "Please provide a media file"}}}
        assert stored(account, path)["_rev"] == revision
        assert api.get(path).content == CONTENT

    def test_an_upload_must_have_exactly_one_file(self, api: Api, account: Account, path: str) -> None:
        voice = ("a.mp3", "audio/mpeg", b"abc")
        for sent, rule in (((voice, voice), "maxItems"), (((None, "application/json", b"{}"),), "required")):
            answer = api.request("PUT", path, **parts(*sent))
            assert answer.status_code == 400
            assert list(answer.json()["data"]["file"]) == [rule]
        assert api.put(path, {"folder": "new"}).json()["data"]["file"]["required"]
        assert "_attachments" not in stored(account, path)

    @pytest.mark.parametrize("content_type", ["image/png", "text/html", "application/zip", "audio/", "audio/<b>"])
    def test_another_media_type_is_refused(self, api: Api, account: Account, path: str, content_type: str) -> None:
        assert api.put(path, b"abc", headers={"Content-Type": content_type}).status_code == 415
        assert api.request("PUT", path, **parts(("a.mp3", content_type, b"abc"))).status_code == 415
        assert "_attachments" not in stored(account, path)

    def test_base64_is_decoded(self, api: Api, path: str, audio: Studio) -> None:
        voice = audio("mp3")
        kind = {"Content-Type": "application/base64"}
        for encoded in (base64.b64encode(voice.content), base64.encodebytes(voice.content)):
            api.put(path, b"x", headers=MP3)
            assert api.put(path, b"data:audio/mpeg;base64," + encoded, headers=kind).status_code == 201
            assert api.get(path).content == voice.content
        assert api.get(path).headers["Content-Type"] == "audio/mpeg"
        assert api.put(path, b"!!!!", headers=kind).status_code == 400
        assert api.get(path).content == voice.content

    def test_an_upload_to_a_message_past_its_retention_is_refused(
        self, api: Api, account: Account, path: str
    ) -> None:
        api.put(path, CONTENT, headers=MP3)
        change(account, path, utc_seconds=gregorian.now() - 100 * 86_400)
        answer = api.put(path, b"new", headers=MP3)
        assert answer.status_code == 400
        assert answer.json()["message"] == "prior_to_retention_duration"
        assert stored(account, path)["metadata"]["folder"] == "deleted"
        assert api.get(path).content == CONTENT

    def test_an_upload_needs_the_revision_in_if_match(self, api: Api, path: str) -> None:
        etag = api.put(path, CONTENT, headers=MP3).headers["ETag"]
        assert api.put(path, b"b", headers=MP3 | {"If-Match": etag}).status_code == 201
        assert api.put(path, b"c", headers=MP3 | {"If-Match": etag}).status_code == 412
        assert api.get(path).content == b"b"

    def test_a_chunked_body_is_stored_completely(self, api: Api, path: str) -> None:
        pieces = [bytes([number]) * 70_000 for number in range(3)]
        assert api.request("PUT", path, data=iter(pieces), headers=MP3).status_code == 201
        assert api.get(path).content == b"".join(pieces)

    @pytest.mark.parametrize("chunked", [False, True])
    def test_an_interrupted_upload_keeps_the_old_audio(
        self, api: Api, account: Account, path: str, chunked: bool
    ) -> None:
        api.put(path, CONTENT, headers=MP3)
        revision = stored(account, path)["_rev"]
        answer = hang_up_midway(api, path, chunked)
        assert answer.startswith(b"HTTP/1.1 400 ") or answer == b""
        assert stored(account, path)["_rev"] == revision
        assert api.get(path).content == CONTENT

    def test_post_tunnels_put(self, api: Api, path: str) -> None:
        assert api.post(f"{path}?verb=PUT", CONTENT, headers=MP3).status_code == 201
        assert api.get(path).content == CONTENT


class TestNames:
    """The attachment's name, and the type of an upload that doesn't declare a useful one."""

    @pytest.mark.parametrize(
        ("filename", "content_type", "named"),
        [
            ("voice.mp3", "audio/mpeg", "voice.mp3"),
            ("voice.wav", "audio/mpeg", "voice.mp3"),
            ("voice", "audio/x-wav", "voice.wav"),
            ("", "audio/ogg", "message.ogg"),
            (None, "video/mp4", "message.mp4"),
            ("voice.m4a", "audio/mp4", "voice.m4a"),
            ("_design.mp3", "audio/mpeg", "design.mp3"),
            ("__.mp3", "audio/mpeg", "message.mp3"),
            ("../../etc/passwd", "audio/mpeg", "passwd.mp3"),
            ("C:\\\\mail\\\\a b.mp3", "audio/mpeg", "a_b.mp3"),
            ("a\tb\x01c.mp3", "audio/mpeg", "a_b_c.mp3"),
            ("Grüße 寿司.mp3", "audio/mpeg", "Grüße_寿司.mp3"),
            ("x" * 500 + ".mp3", "audio/mpeg", "x" * 80 + ".mp3"),
            ("a%2Fb?c#d.mp3", "audio/mpeg", "a_2Fb_c_d.mp3"),
            (".mp3", "audio/mpeg", "mp3.mp3"),
        ],
    )
    def test_the_file_name_is_made_safe(
        self, api: Api, account: Account, path: str, filename: str | None, content_type: str, named: str
    ) -> None:
        answer = api.request("PUT", path, **parts((filename, content_type, CONTENT)))
        assert answer.status_code == 201, answer.text
        assert attachment(account, path)[0] == named
        assert api.get(path).content == CONTENT

    @pytest.mark.parametrize(
        ("kind", "content_type"),
        [
            ("mp3", "audio/mpeg"),
            ("wav", "audio/x-wav"),
            ("ogg", "audio/ogg"),
            ("mp4", "video/mp4"),
            ("m4a", "audio/x-m4a"),
            ("webm", "audio/webm"),
        ],
    )
    def test_the_type_is_detected_from_the_bytes(
        self, api: Api, account: Account, path: str, audio: Studio, kind: str, content_type: str
    ) -> None:
        voice = audio(kind)
        api.put(path, voice.content, headers={"Content-Type": "application/octet-stream"})
        assert attachment(account, path)[1]["content_type"] == content_type
        api.request("PUT", path, **parts(("upload", None, voice.content)))
        name, stub = attachment(account, path)
        assert (name, stub["content_type"]) == (f"upload.{kind}", content_type)

    @pytest.mark.parametrize(
        ("kind", "content_type"),
        [
            ("mp3", "audio/mp3"),
            ("mp3", "audio/mpeg"),
            ("wav", "audio/wav"),
            ("wav", "audio/x-wav"),
            ("mp4", "audio/mp4"),
            ("mp4", "video/mp4"),
            ("m4a", "audio/mp4"),
            ("m4a", "audio/x-m4a"),
            ("ogg", "audio/ogg"),
            ("ogg", "application/ogg"),
            ("opus", "audio/ogg"),
            ("opus", "audio/opus"),
            ("opus", "application/octet-stream"),
        ],
    )
    def test_each_kind_of_audio_is_accepted_under_all_its_types(
        self, api: Api, account: Account, path: str, audio: Studio, kind: str, content_type: str
    ) -> None:
        voice = audio(kind)
        answer = api.put(path, files=[("content", (f"voice.{kind}", voice.content, content_type))])
        assert answer.status_code == 201, answer.text
        name, stub = attachment(account, path)
        assert (name, stub["length"]) == (f"voice.{kind}", len(voice.content))
        json_part = "audio/ogg" if content_type == "application/octet-stream" else content_type
        raw = api.get(path, headers={"Accept": json_part})
        assert (raw.content, raw.headers["Content-Type"], stub["content_type"]) == (
            voice.content,
            json_part,
            json_part,
        )
        assert raw.headers["Content-Disposition"].endswith(f".{kind}")

    def test_audio_of_an_unknown_type_is_named_by_its_bytes(
        self, api: Api, account: Account, path: str, audio: Studio
    ) -> None:
        api.put(path, audio("wav").content, headers={"Content-Type": "audio/unheard-of"})
        name, stub = attachment(account, path)
        assert (name, stub["content_type"]) == ("message.wav", "audio/unheard-of")
        assert api.get(path).headers["Content-Disposition"].endswith(".wav")

    def test_otherwise_the_type_is_detected_from_the_file_name(self, api: Api, account: Account, path: str) -> None:
        for filename, named, content_type in (
            ("a.wav", "a.wav", "audio/x-wav"),
            ("a.xyz", "a.bin", "application/octet-stream"),
        ):
            api.request("PUT", path, **parts((filename, "application/octet-stream", b"nothing known")))
            name, stub = attachment(account, path)
            assert (name, stub["content_type"]) == (named, content_type)


class TestRaces:
    """Several clients at the same message."""

    def test_concurrent_uploads_leave_one_complete_file(self, api: Api, account: Account, path: str) -> None:
        contents = [bytes([number]) * 200_000 for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda content: _client(api).put(path, content, headers=MP3), contents))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert 201 in {answer.status_code for answer in answers}
        assert len(stored(account, path)["_attachments"]) == 1
        assert api.get(path).content in contents

    def test_a_download_during_an_upload_gets_one_file_or_the_other(self, api: Api, path: str) -> None:
        contents = [bytes([number]) * 300_000 for number in range(6)]
        api.put(path, contents[0], headers=MP3)
        with ThreadPoolExecutor(2) as pool:
            uploads = pool.submit(lambda: [api.put(path, content, headers=MP3).status_code for content in contents])
            heard = [_client(api).get(path) for _ in range(12)]
            assert uploads.result() == [201] * 6
        assert all(answer.status_code == 200 and answer.content in contents for answer in heard)


def hang_up_midway(api: Api, path: str, chunked: bool) -> bytes:
    """The response to an upload of 100,000 bytes that ends after 50,000."""
    address = urlsplit(api.address(path))
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 100000"
    head = f"PUT {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nX-Auth-Token: {api.token}\r\n"
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=30) as connection:
        connection.sendall(f"{head}{length}\r\nContent-Type: audio/mpeg\r\n\r\n".encode())
        connection.sendall(b"186A0\r\n" if chunked else b"")
        connection.sendall(b"x" * 50_000)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            return answer.read()


def _client(api: Api) -> Api:
    """The same user with another connection."""
    return Api(api.url, api.account_id, api.token)
