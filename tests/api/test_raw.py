"""/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}/raw: the audio of a message."""

import base64
import json
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from api_client import Account, Api
from audio import Studio
from running import Running, Service

from accounts import databases, gregorian
from accounts.couch import Database, couch

MAY_2016 = 63_630_058_722  # 2016-05-10 00:18:42 UTC
CONTENT = bytes(range(256)) * 40
MP3 = {"Content-Type": "audio/mpeg"}
NO_AUDIO = "voicemail message does not have any audio file"
LINKED_ID = "d" * 32


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A box in Los Angeles."""
    return api.new_box("3000", timezone="America/Los_Angeles")


@pytest.fixture
def path(api: Api, box: dict[str, Any]) -> str:
    """The path of a new message's audio, of which there is none yet."""
    return f"{new_message(api, box)}/raw"


def new_message(api: Api, box: dict[str, Any], **sent: Any) -> str:
    answer = api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "1001", **sent})
    assert answer.status_code == 201, answer.text
    return f"vmboxes/{box['id']}/messages/{answer.json()['data']['media_id']}"


def old_message(api: Api, box: dict[str, Any], **sent: Any) -> str:
    """The path of the audio of a message of 2016, stored with it: it is too old to get another one."""
    described = (None, "application/json", json.dumps({"timestamp": MAY_2016, **sent}).encode())
    body = parts(described, ("voice.mp3", "audio/mpeg", CONTENT))
    answer = api.request("PUT", f"vmboxes/{box['id']}/messages", **body)
    assert answer.status_code == 201, answer.text
    return f"vmboxes/{box['id']}/messages/{answer.json()['data']['media_id']}/raw"


def modb_and_id(account: Account, path: str) -> tuple[Database, str]:
    message_id = path.split("/")[3]
    month = databases.month_of_message(message_id)
    assert month is not None
    return couch().database(databases.modb(account.id, month)), message_id


def stored(account: Account, path: str) -> dict[str, Any]:
    modb, message_id = modb_and_id(account, path)
    doc = modb.get(message_id)
    assert doc is not None
    return doc


def change(account: Account, path: str, **fields: Any) -> None:
    """Change a message's document as another program would; a field given as None is dropped."""
    modb, message_id = modb_and_id(account, path)
    modb.update(message_id, lambda doc: {k: v for k, v in {**doc, **fields}.items() if v is not None})


def attachment(account: Account, path: str) -> tuple[str, dict[str, Any]]:
    """The name and stub of a message's one attachment."""
    ((name, stub),) = stored(account, path)["_attachments"].items()
    return name, stub


def parts(*parts: tuple[str | None, str | None, bytes]) -> dict[str, Any]:
    """A multipart body of parts (file name, content type, content), as the options of a request."""
    body = b""
    for filename, content_type, content in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        body += f'--frontier\r\nContent-Disposition: form-data; name="content"{named}\r\n'.encode()
        body += f"Content-Type: {content_type}\r\n".encode() if content_type else b""
        body += b"\r\n" + content + b"\r\n"
    body += b"--frontier--\r\n"
    return {"data": body, "headers": {"Content-Type": "multipart/mixed; boundary=frontier"}}


class TestGet:
    """GET and HEAD."""

    @pytest.mark.parametrize("kind", ["mp3", "wav", "ogg", "mp4"])
    def test_what_was_uploaded_comes_out(
        self, api: Api, account: Account, path: str, audio: Studio, kind: str
    ) -> None:
        voice = audio(kind)
        assert api.put(path, voice.content, headers={"Content-Type": voice.content_type}).status_code == 200
        answer = api.get(path)
        assert answer.status_code == 200
        assert answer.content == voice.content
        assert answer.headers["Content-Type"] == voice.content_type
        assert answer.headers["Content-Length"] == str(len(voice.content))
        assert attachment(account, path)[1]["content_type"] == voice.content_type

    def test_the_file_is_named_by_caller_and_local_time(self, api: Api, box: dict[str, Any]) -> None:
        path = old_message(api, box, caller_id_number="+15551234567")
        name = "+15551234567_2016-05-09_17-18-42.mp3"
        assert api.get(path).headers["Content-Disposition"] == f"attachment; filename={name}"

    @pytest.mark.parametrize(
        ("number", "named"),
        [
            ('1"; x=y\r\nSet-Cookie: a=b', "filename=1_x_y_Set-Cookie_a_b_2016"),
            ("../../etc/passwd", "filename=etc_passwd_2016"),
            ("..", "filename=anonymous_2016"),
            ("a b\x00c\x7f", "filename=a_b_c_2016"),
            ("Jürgen", "filename=J_rgen_2016-05-09_17-18-42.mp3; filename*=UTF-8''J%C3%BCrgen_2016"),
            ("9" * 500, f"filename={'9' * 80}_2016"),
        ],
    )
    def test_no_number_breaks_out_of_the_file_name(
        self, api: Api, box: dict[str, Any], number: str, named: str
    ) -> None:
        path = old_message(api, box, caller_id_number=number)
        answer = api.get(path)
        assert answer.headers["Content-Disposition"].startswith(f"attachment; {named}")
        assert "Set-Cookie" not in answer.headers

    def test_head_tells_the_same_without_the_audio(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        whole, head = api.get(path), api.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Length", "Content-Type", "Content-Disposition", "ETag", "Accept-Ranges"):
            assert head.headers[name] == whole.headers[name]

    def test_a_message_without_folder_is_put_into_new(self, api: Api, account: Account, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        change(account, path, metadata={"timestamp": MAY_2016})
        answer = api.get(path)
        assert answer.content == CONTENT
        assert "anonymous_2016-05-09" in answer.headers["Content-Disposition"]
        assert stored(account, path)["metadata"]["folder"] == "new"

    def test_without_audio_there_is_nothing(self, api: Api, path: str) -> None:
        for answer in (api.get(path), api.get(path, headers={"Accept": "audio/mpeg"})):
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.json()["data"] == {"message": "bad identifier", "cause": NO_AUDIO}

    def test_it_is_found_in_its_own_box_only(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        message_id = path.split("/")[3]
        other = api.new_box("3001")
        for wrong in (f"vmboxes/{other['id']}/messages/{message_id}/raw", path.replace(message_id, "201605-x")):
            assert api.get(wrong).status_code == 404
            assert api.put(wrong, CONTENT, headers=MP3).status_code == 404

    def test_who_asks_for_another_kind_is_told(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        for accepted in ("audio/mpeg", "audio/mp3", "audio/*", "*/*", "application/json, text/plain, */*", ""):
            assert api.get(path, headers={"Accept": accepted}).status_code == 200
        assert api.get(f"{path}?accept=audio/mpeg", headers={"Accept": "text/html"}).status_code == 200
        for refused in ("text/html", "audio/ogg", "*/*;q=0"):
            answer = api.get(path, headers={"Accept": refused})
            assert answer.status_code == 406
            assert answer.json()["error"] == "406"

    def test_past_its_retention_it_can_still_be_heard(self, api: Api, account: Account, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        change(account, path, utc_seconds=MAY_2016)
        assert api.get(path).content == CONTENT


class TestConditions:
    """Ranges, and audio that the client holds already."""

    @pytest.mark.parametrize(
        ("asked", "part", "told"),
        [
            ("bytes=0-9", slice(0, 10), "bytes 0-9/10240"),
            ("bytes=10-", slice(10, None), "bytes 10-10239/10240"),
            ("bytes=-10", slice(-10, None), "bytes 10230-10239/10240"),
            ("bytes=-99999", slice(None), "bytes 0-10239/10240"),
            ("bytes=10239-10239", slice(-1, None), "bytes 10239-10239/10240"),
            ("bytes=5-99999", slice(5, None), "bytes 5-10239/10240"),
        ],
    )
    def test_a_range_is_a_part(self, api: Api, path: str, asked: str, part: slice, told: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        answer = api.get(path, headers={"Range": asked})
        assert answer.status_code == 206
        assert answer.content == CONTENT[part]
        assert answer.headers["Content-Range"] == told
        assert answer.headers["Content-Length"] == str(len(CONTENT[part]))
        assert answer.headers["Content-Type"] == "audio/mpeg"
        head = api.head(path, headers={"Range": asked})
        assert (head.status_code, head.headers["Content-Range"]) == (206, told)

    def test_a_range_beyond_the_end_is_told(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        for asked in ("bytes=10240-", "bytes=99999-100000", "bytes=-0"):
            answer = api.get(path, headers={"Range": asked})
            assert answer.status_code == 416
            assert answer.headers["Content-Range"] == "bytes */10240"
            assert answer.json()["status"] == "error"
            assert answer.json()["error"] == "416"

    def test_what_is_no_single_range_gets_the_whole(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        for asked in (
            "bytes=0-1,5-6",
            "bytes=9-5",
            "bytes=-",
            "bytes",
            "lines=1-2",
            "bytes=a-b",
            "bytes=" + "9" * 99,
        ):
            answer = api.get(path, headers={"Range": asked})
            assert answer.status_code == 200, asked
            assert answer.content == CONTENT

    def test_the_etag_is_that_of_the_audio(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        etag = api.get(path).headers["ETag"]
        for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            answer = api.get(path, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["ETag"] == etag
        api.post(path.removesuffix("/raw"), {"folder": "saved"})
        assert api.get(path, headers={"If-None-Match": etag}).status_code == 304
        api.put(path, CONTENT + b"x", headers=MP3)
        assert api.get(path, headers={"If-None-Match": etag}).status_code == 200

    def test_a_range_of_another_version_is_the_whole(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        etag = api.get(path).headers["ETag"]
        for condition, status in ((etag, 206), ('"other"', 200)):
            assert api.get(path, headers={"Range": "bytes=0-1", "If-Range": condition}).status_code == status


class TestLinks:
    """Audio that Kazoo's migration left in another document."""

    @pytest.fixture
    def link(self, account: Account, db: Database, path: str) -> Callable[..., None]:
        """Puts audio into a media document of the account, and makes the message link to it or elsewhere."""
        db.put_with_attachment({"_id": LINKED_ID}, "old.mp3", "audio/mpeg", BytesIO(CONTENT), len(CONTENT))

        def make(att_dbname: str = databases.encoded(db.name), doc_id: str = LINKED_ID, handler: Any = None) -> None:
            handler = handler or {"kz_att_link": {"att_dbname": att_dbname, "att_docid": doc_id}}
            entry = {"content_type": "audio/mpeg", "length": 0, "stub": False, "handler": handler}
            change(account, path, pvt_attachments={"voice.mp3": entry}, _attachments=None)

        return make

    @pytest.mark.parametrize("form", [databases.encoded, databases.decoded, str.lower])
    def test_a_link_is_followed(
        self, api: Api, db: Database, path: str, link: Callable[..., None], form: Callable[[str], str]
    ) -> None:
        link(form(databases.encoded(db.name)))
        answer = api.get(path)
        assert answer.status_code == 200, answer.text
        assert (answer.content, answer.headers["Content-Type"]) == (CONTENT, "audio/mpeg")
        part = api.get(path, headers={"Range": "bytes=5-9"})
        assert (part.status_code, part.content) == (206, CONTENT[5:10])
        assert api.head(path).headers["Content-Length"] == str(len(CONTENT))

    def test_a_link_to_nothing_is_no_audio(self, api: Api, path: str, link: Callable[..., None]) -> None:
        link(doc_id="e" * 32)
        assert api.get(path).json()["data"]["cause"] == NO_AUDIO

    def test_no_link_leads_out_of_the_account(
        self, api: Api, path: str, link: Callable[..., None], new_account: Callable[..., Account]
    ) -> None:
        other = couch().database(databases.account_db(new_account().id))
        other.put_with_attachment({"_id": LINKED_ID}, "theirs.mp3", "audio/mpeg", BytesIO(b"secret"), 6)
        for name, doc_id in ((other.name, LINKED_ID), ("system_config", LINKED_ID), ("", ""), (None, "_all_docs")):
            link(*(value for value in (name or databases.ACCOUNTS, doc_id)))
            answer = api.get(path)
            assert answer.status_code == 404
            assert b"secret" not in answer.content

    @pytest.mark.parametrize(
        "handler", [{"kz_att_s3": {"bucket": "b", "key": "s3cr3t"}}, {"kz_att_azure": "x"}, "kz_att_ftp"]
    )
    def test_another_handler_is_named(self, api: Api, path: str, link: Callable[..., None], handler: Any) -> None:
        link(handler=handler)
        answer = api.get(path)
        assert answer.status_code == 404
        name = handler if isinstance(handler, str) else next(iter(handler))
        assert name in answer.json()["data"]["cause"]
        assert "s3cr3t" not in answer.text

    def test_new_audio_drops_the_link(
        self, api: Api, account: Account, db: Database, path: str, link: Callable[..., None]
    ) -> None:
        link()
        assert api.put(path, b"new", headers=MP3).status_code == 200
        assert "pvt_attachments" not in stored(account, path)
        assert api.get(path).content == b"new"
        assert "old.mp3" in (db.get(LINKED_ID) or {})["_attachments"]


class TestPut:
    """PUT."""

    def test_it_answers_the_metadata(self, api: Api, account: Account, path: str) -> None:
        before = api.get(path.removesuffix("/raw")).json()["data"]
        answer = api.put(path, CONTENT, headers=MP3)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"] == before
        doc = stored(account, path)
        assert answer.json()["revision"] == doc["_rev"]
        assert doc["pvt_modified"] >= doc["pvt_created"]

    def test_as_in_the_api_document(self, api: Api, account: Account, path: str, audio: Studio) -> None:
        voice = audio("mp3")
        answer = api.put(path, files=[("content", ("voice.mp3", voice.content, "audio/mp3"))])
        assert answer.status_code == 200, answer.text
        name, stub = attachment(account, path)
        assert (name, stub["content_type"], stub["length"]) == ("voice.mp3", "audio/mp3", len(voice.content))
        assert stored(account, path)["media_filename"] == "voice.mp3"

    def test_new_audio_takes_the_place_of_the_old(self, api: Api, account: Account, path: str) -> None:
        api.request("PUT", path, **parts(("first.mp3", "audio/mpeg", b"first")))
        revision = stored(account, path)["_rev"]
        api.request("PUT", path, **parts(("second.ogg", "audio/ogg", b"second")))
        assert attachment(account, path)[0] == "second.ogg"
        assert stored(account, path)["media_filename"] == "second.ogg"
        assert int(stored(account, path)["_rev"].partition("-")[0]) == int(revision.partition("-")[0]) + 1
        answer = api.get(path)
        assert (answer.content, answer.headers["Content-Type"]) == (b"second", "audio/ogg")

    def test_nothing_else_of_the_message_changes(self, api: Api, account: Account, path: str) -> None:
        change(account, path, transcription={"result": "success"}, pvt_of_kazoos=[1], history=["x"])
        before = stored(account, path)
        api.put(path, CONTENT, headers=MP3)
        after = stored(account, path)
        renewed = {"_rev", "_attachments", "media_filename", "pvt_modified", "pvt_request_id"}
        assert {k: v for k, v in after.items() if k not in renewed} == {
            k: v for k, v in before.items() if k not in renewed
        }

    def test_the_length_stays_unless_it_is_given(self, api: Api, box: dict[str, Any]) -> None:
        path = new_message(api, box, length=3140) + "/raw"
        assert api.put(path, CONTENT, headers=MP3).json()["data"]["length"] == 3140
        told = (None, "application/json", b'{"data": {"length": 777, "folder": "saved"}}')
        data = api.request("PUT", path, **parts(told, ("a.mp3", "audio/mpeg", b"a"))).json()["data"]
        assert (data["length"], data["folder"]) == (777, "new")
        wrong = (None, "application/json", b'{"length": -1}')
        assert api.request("PUT", path, **parts(wrong, ("a.mp3", "audio/mpeg", b"a"))).status_code == 400

    @pytest.mark.parametrize("content_type", ["audio/mpeg", "application/octet-stream", "application/base64", None])
    def test_an_empty_body_leaves_the_old_audio(
        self, api: Api, account: Account, path: str, content_type: str | None
    ) -> None:
        api.put(path, CONTENT, headers=MP3)
        revision = stored(account, path)["_rev"]
        answer = api.put(path, b"", headers={"Content-Type": content_type})
        assert answer.status_code == 400, answer.text
        assert answer.json()["data"] == {"file": {"required": {"message": "Please provide a media file"}}}
        assert stored(account, path)["_rev"] == revision
        assert api.get(path).content == CONTENT

    def test_exactly_one_file(self, api: Api, account: Account, path: str) -> None:
        voice = ("a.mp3", "audio/mpeg", b"abc")
        for sent, rule in (((voice, voice), "maxItems"), (((None, "application/json", b"{}"),), "required")):
            answer = api.request("PUT", path, **parts(*sent))
            assert answer.status_code == 400
            assert list(answer.json()["data"]["file"]) == [rule]
        assert api.put(path, {"folder": "new"}).json()["data"]["file"]["required"]
        assert "_attachments" not in stored(account, path)

    @pytest.mark.parametrize("content_type", ["image/png", "text/html", "application/zip", "audio/", "audio/<b>"])
    def test_what_says_it_is_no_audio_is_refused(
        self, api: Api, account: Account, path: str, content_type: str
    ) -> None:
        assert api.put(path, b"abc", headers={"Content-Type": content_type}).status_code == 415
        assert api.request("PUT", path, **parts(("a.mp3", content_type, b"abc"))).status_code == 415
        assert "_attachments" not in stored(account, path)

    def test_base64_is_decoded(self, api: Api, path: str, audio: Studio) -> None:
        voice = audio("mp3")
        kind = {"Content-Type": "application/base64"}
        for encoded in (base64.b64encode(voice.content), base64.encodebytes(voice.content)):
            api.put(path, b"x", headers=MP3)
            assert api.put(path, b"data:audio/mpeg;base64," + encoded, headers=kind).status_code == 200
            assert api.get(path).content == voice.content
        assert api.get(path).headers["Content-Type"] == "audio/mpeg"
        assert api.put(path, b"!!!!", headers=kind).status_code == 400
        assert api.get(path).content == voice.content

    def test_past_its_retention_it_is_refused(self, api: Api, account: Account, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        change(account, path, utc_seconds=gregorian.now() - 100 * 86_400)
        answer = api.put(path, b"new", headers=MP3)
        assert answer.status_code == 400
        assert answer.json()["message"] == "prior_to_retention_duration"
        assert stored(account, path)["metadata"]["folder"] == "deleted"
        assert api.get(path).content == CONTENT

    def test_only_on_the_revision_that_was_seen(self, api: Api, path: str) -> None:
        seen = api.put(path, CONTENT, headers=MP3).headers["ETag"]
        assert api.put(path, b"b", headers=MP3 | {"If-Match": seen}).status_code == 200
        assert api.put(path, b"c", headers=MP3 | {"If-Match": seen}).status_code == 412
        assert api.get(path).content == b"b"

    def test_a_body_in_chunks_is_whole(self, api: Api, path: str) -> None:
        pieces = [bytes([number]) * 70_000 for number in range(3)]
        assert api.request("PUT", path, data=iter(pieces), headers=MP3).status_code == 200
        assert api.get(path).content == b"".join(pieces)

    @pytest.mark.parametrize("chunked", [False, True])
    def test_who_hangs_up_midway_leaves_the_old_audio(
        self, api: Api, account: Account, path: str, chunked: bool
    ) -> None:
        api.put(path, CONTENT, headers=MP3)
        revision = stored(account, path)["_rev"]
        answer = hang_up_midway(api, path, chunked)
        assert answer.startswith(b"HTTP/1.1 400 ") or answer == b""
        assert stored(account, path)["_rev"] == revision
        assert api.get(path).content == CONTENT

    def test_post_tunnels_put(self, api: Api, path: str) -> None:
        assert api.post(f"{path}?verb=PUT", CONTENT, headers=MP3).status_code == 200
        assert api.get(path).content == CONTENT


class TestNames:
    """What the attachment is called, and what an upload that doesn't say it is taken for."""

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
        assert answer.status_code == 200, answer.text
        assert attachment(account, path)[0] == named
        assert api.get(path).content == CONTENT

    @pytest.mark.parametrize(
        ("kind", "content_type"),
        [("mp3", "audio/mpeg"), ("wav", "audio/x-wav"), ("ogg", "audio/ogg"), ("mp4", "video/mp4")],
    )
    def test_bytes_tell_what_they_are(
        self, api: Api, account: Account, path: str, audio: Studio, kind: str, content_type: str
    ) -> None:
        voice = audio(kind)
        api.put(path, voice.content, headers={"Content-Type": "application/octet-stream"})
        assert attachment(account, path)[1]["content_type"] == content_type
        api.request("PUT", path, **parts(("upload", None, voice.content)))
        name, stub = attachment(account, path)
        assert (name, stub["content_type"]) == (f"upload.{kind}", content_type)

    def test_else_the_file_name_does(self, api: Api, account: Account, path: str) -> None:
        for filename, named, content_type in (
            ("a.wav", "a.wav", "audio/x-wav"),
            ("a.xyz", "a.bin", "application/octet-stream"),
        ):
            api.request("PUT", path, **parts((filename, "application/octet-stream", b"nothing known")))
            name, stub = attachment(account, path)
            assert (name, stub["content_type"]) == (named, content_type)


class TestRaces:
    """Several clients at one message."""

    def test_two_uploads_at_once_leave_one_whole_file(self, api: Api, account: Account, path: str) -> None:
        contents = [bytes([number]) * 200_000 for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda content: _client(api).put(path, content, headers=MP3), contents))
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert 200 in {answer.status_code for answer in answers}
        assert len(stored(account, path)["_attachments"]) == 1
        assert api.get(path).content in contents

    def test_who_listens_meanwhile_hears_one_or_the_other(self, api: Api, path: str) -> None:
        contents = [bytes([number]) * 300_000 for number in range(6)]
        api.put(path, contents[0], headers=MP3)
        with ThreadPoolExecutor(2) as pool:
            uploads = pool.submit(lambda: [api.put(path, content, headers=MP3).status_code for content in contents])
            heard = [_client(api).get(path) for _ in range(12)]
            assert uploads.result() == [200] * 6
        assert all(answer.status_code == 200 and answer.content in contents for answer in heard)


def hang_up_midway(api: Api, path: str, chunked: bool) -> bytes:
    """Promise 100,000 bytes of audio, send 50,000 and no more; what is answered to that."""
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
    """The same user with a connection of its own."""
    return Api(api.url, api.account_id, api.token)


class TestSize:
    """Large uploads, and too large ones."""

    LENGTH = 50 * 1024 * 1024

    def test_fifty_megabytes_pass_through_in_little_memory(self, api: Api, path: str, server: Running) -> None:
        piece = os.urandom(1024 * 1024)
        api.put(path, piece, headers=MP3)
        api.get(path)
        workers = [Memory(pid) for pid in children(server.process.pid)]
        assert workers
        answer = api.put(path, Repeated(piece, 50), headers=MP3)
        assert answer.status_code == 200, answer.text
        received = 0
        with api.get(path, stream=True) as download:
            for chunk in download.iter_content(256 * 1024):
                assert chunk
                received += len(chunk)
        assert received == self.LENGTH
        answer = _streamed_multipart(api, path, Repeated(piece, 50))
        assert answer.status_code == 200, answer.text
        assert max(worker.rise() for worker in workers) < 12 * 1024 * 1024

    def test_more_than_the_limit_is_refused(
        self, service: Service, account: Account, api: Api, path: str, tmp_path: Any
    ) -> None:
        small = Service(service.couchdb_url, service.folder, {**service.settings, "MAX_UPLOAD_BYTES": "100000"})
        running = small.start()
        try:
            limited = Api(running.url, api.account_id, api.token)
            assert limited.put(path, b"x" * 90_000, headers=MP3).status_code == 200
            for answer in (
                limited.put(path, b"x" * 100_001, headers=MP3),
                limited.request("PUT", path, data=iter([b"x" * 60_000, b"x" * 60_000]), headers=MP3),
                limited.request("PUT", path, **parts(("a.mp3", "audio/mpeg", b"x" * 100_001))),
            ):
                assert answer.status_code == 413, answer.text
                assert answer.json()["message"] == "request_too_large"
                assert answer.json()["data"]["limit"] == 100_000
            assert limited.get(path).content == b"x" * 90_000
        finally:
            running.stop()


class Repeated:
    """A file of many equal pieces that is nowhere."""

    def __init__(self, piece: bytes, count: int) -> None:
        self.whole, self.left = BytesIO(piece), count
        self.length = len(piece) * count

    def __len__(self) -> int:
        return self.length

    def read(self, size: int = -1) -> bytes:
        """Some bytes; requests asks for a few at a time."""
        found = self.whole.read(size if size > 0 else 1024 * 1024)
        if not found and self.left > 1:
            self.left -= 1
            self.whole.seek(0)
            return self.read(size)
        return found


def _streamed_multipart(api: Api, path: str, file: Repeated) -> Any:
    def body() -> Any:
        yield b'--frontier\r\nContent-Disposition: form-data; name="content"; filename="voice.mp3"\r\n'
        yield b"Content-Type: audio/mpeg\r\n\r\n"
        while chunk := file.read(256 * 1024):
            yield chunk
        yield b"\r\n--frontier--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=frontier"}
    return api.request("PUT", path, data=body(), headers=kind)


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Memory:
    """How far a process's memory has risen since it was first looked at, in bytes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # makes the kernel forget the highest value so far
        self.before = self._peak()

    def rise(self) -> int:
        return self._peak() - self.before

    def _peak(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
