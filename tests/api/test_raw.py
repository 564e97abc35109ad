"""GET and HEAD of .../vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}/raw: the audio of a message."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names, gregorian
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.kazoo_messages import leave_spoken
from tests.support.recordings import CONTENT, MAY_2016, MP3, attachment, change, new_message, old_message, stored

NO_AUDIO = "voicemail message does not have any audio file"
LINKED_ID = "d" * 32


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


class TestGet:
    """GET and HEAD."""

    @pytest.mark.parametrize("kind", ["mp3", "wav", "ogg", "opus", "mp4", "m4a", "webm"])
    def test_the_uploaded_audio_is_returned(
        self, api: Api, account: Account, path: str, audio: Studio, kind: str
    ) -> None:
        voice = audio(kind)
        assert api.put(path, voice.content, headers={"Content-Type": voice.content_type}).status_code == 201
        answer = api.get(path)
        assert answer.status_code == 200
        assert answer.content == voice.content
        assert answer.headers["Content-Type"] == voice.content_type
        assert answer.headers["Content-Length"] == str(len(voice.content))
        assert attachment(account, path)[1]["content_type"] == voice.content_type

    def test_the_file_name_has_the_caller_and_the_local_time(self, api: Api, box: dict[str, Any]) -> None:
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
    def test_the_number_of_the_caller_cannot_break_the_file_name(
        self, api: Api, box: dict[str, Any], number: str, named: str
    ) -> None:
        path = old_message(api, box, caller_id_number=number)
        answer = api.get(path)
        assert answer.headers["Content-Disposition"].startswith(f"attachment; {named}")
        assert "Set-Cookie" not in answer.headers

    def test_head_returns_the_same_headers_without_the_audio(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        whole, head = api.get(path), api.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Length", "Content-Type", "Content-Disposition", "ETag", "Accept-Ranges"):
            assert head.headers[name] == whole.headers[name]

    def test_a_message_without_a_folder_is_put_into_new(self, api: Api, account: Account, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        change(account, path, metadata={"timestamp": MAY_2016})
        answer = api.get(path)
        assert answer.content == CONTENT
        assert "anonymous_2016-05-09" in answer.headers["Content-Disposition"]
        assert stored(account, path)["metadata"]["folder"] == "new"

    def test_a_message_without_audio_is_not_found(self, api: Api, path: str) -> None:
        for answer in (api.get(path), api.get(path, headers={"Accept": "audio/mpeg"})):
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.json()["data"] == {"message": "bad identifier", "cause": NO_AUDIO}

    @pytest.mark.parametrize(
        ("stored_as", "names"),
        [
            ("audio/x-wave", ("audio/x-wave", "audio/wav", "audio/x-wav", "audio/vnd.wav", "audio/wave")),
            ("audio/x-wav", ("audio/x-wave", "audio/vnd.wave", "audio/x-wav")),
            ("audio/mp4a-latm", ("audio/mp4", "audio/x-m4a", "audio/mp4a-latm")),
            ("audio/x-gsm", ("audio/gsm", "audio/x-gsm")),
            ("audio/amr-wb", ("audio/amr-wb", "audio/x-amr-wb")),
            ("audio/x-caf", ("audio/caf", "audio/x-caf")),
        ],
    )
    def test_any_name_of_the_stored_type_is_acceptable(
        self, api: Api, path: str, stored_as: str, names: tuple[str, ...]
    ) -> None:
        assert api.put(path, CONTENT, headers={"Content-Type": stored_as}).status_code == 201
        for name in names:
            answer = api.get(path, headers={"Accept": name})
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, stored_as), name
        assert api.get(path, headers={"Accept": "audio/ogg"}).status_code == 406

    def test_audio_is_found_in_its_own_mailbox_only(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        message_id = path.split("/")[3]
        other_box = api.new_box()
        for wrong in (f"vmboxes/{other_box['id']}/messages/{message_id}/raw", path.replace(message_id, "201605-x")):
            assert api.get(wrong).status_code == 404
            assert api.put(wrong, CONTENT, headers=MP3).status_code == 404

    def test_another_accepted_type_is_refused(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        for accepted in (
            *("audio/mpeg", "audio/mp3", "AUDIO/MPEG", "audio/*", "*/*", "", "application/octet-stream"),
            *("application/json, text/plain, */*", "audio/ogg;q=0.9, audio/mpeg;q=0.1"),
        ):
            assert api.get(path, headers={"Accept": accepted}).status_code == 200, accepted
        assert api.get(f"{path}?accept=audio/mpeg", headers={"Accept": "text/html"}).status_code == 200
        for refused in ("text/html", "audio/ogg", "application/json", "*/*;q=0"):
            answer = api.get(path, headers={"Accept": refused})
            assert answer.status_code == 406
            assert answer.json()["error"] == "406"

    def test_audio_past_its_retention_can_still_be_heard(self, api: Api, account: Account, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        change(account, path, utc_seconds=MAY_2016)
        assert api.get(path).content == CONTENT


class TestTypes:
    """Stored content types, whatever wrote them."""

    @pytest.mark.parametrize(
        "stored_as", ["text/html", "image/svg+xml", "audio/x+xml", "audio/mpeg, text/html", "audio/<b>"]
    )
    def test_what_is_not_audio_by_type_is_a_download_that_no_browser_shows(
        self, api: Api, account: Account, box: dict[str, Any], stored_as: str
    ) -> None:
        content = b"<script>alert(1)</script>"
        message_id = leave_spoken(account, box, gregorian.now() - 60, content, "voice.html", stored_as)
        raw = f"vmboxes/{box['id']}/messages/{message_id}/raw"
        for answer in (api.get(raw), api.head(raw), api.get(raw, headers={"Range": "bytes=0-8"})):
            assert answer.status_code in (200, 206)
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Content-Security-Policy"] == "sandbox"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Disposition"].startswith("attachment; filename=1001_")
            assert answer.headers["Content-Disposition"].endswith(".bin")
        assert api.get(raw).content == content
        assert api.get(raw, headers={"Accept": "text/html"}).status_code == 406


class TestConditions:
    """Ranges, and audio that the client has already."""

    @pytest.mark.parametrize(
        ("range_header", "part", "content_range"),
        [
            ("bytes=0-9", slice(0, 10), "bytes 0-9/10240"),
            ("bytes=10-", slice(10, None), "bytes 10-10239/10240"),
            ("bytes=-10", slice(-10, None), "bytes 10230-10239/10240"),
            ("bytes=-99999", slice(None), "bytes 0-10239/10240"),
            ("bytes=10239-10239", slice(-1, None), "bytes 10239-10239/10240"),
            ("bytes=5-99999", slice(5, None), "bytes 5-10239/10240"),
        ],
    )
    def test_a_range_returns_a_part(
        self, api: Api, path: str, range_header: str, part: slice, content_range: str
    ) -> None:
        api.put(path, CONTENT, headers=MP3)
        answer = api.get(path, headers={"Range": range_header})
        assert answer.status_code == 206
        assert answer.content == CONTENT[part]
        assert answer.headers["Content-Range"] == content_range
        assert answer.headers["Content-Length"] == str(len(CONTENT[part]))
        assert answer.headers["Content-Type"] == "audio/mpeg"
        head = api.head(path, headers={"Range": range_header})
        assert (head.status_code, head.headers["Content-Range"]) == (206, content_range)

    def test_a_range_beyond_the_end_is_refused(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        for range_header in ("bytes=10240-", "bytes=99999-100000", "bytes=-0"):
            answer = api.get(path, headers={"Range": range_header})
            assert answer.status_code == 416
            assert answer.headers["Content-Range"] == "bytes */10240"
            assert answer.json()["status"] == "error"
            assert answer.json()["error"] == "416"

    def test_several_or_malformed_ranges_return_everything(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        for range_header in (
            "bytes=0-1,5-6",
            "bytes=9-5",
            "bytes=-",
            "bytes",
            "lines=1-2",
            "bytes=a-b",
            "bytes=" + "9" * 99,
        ):
            answer = api.get(path, headers={"Range": range_header})
            assert answer.status_code == 200, range_header
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

    def test_a_download_of_another_version_is_refused(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        etag = api.get(path).headers["ETag"]
        for condition in (etag, f'"x", {etag}', "*"):
            assert api.get(path, headers={"If-Match": condition}).content == CONTENT
        api.put(path, CONTENT + b"x", headers=MP3)
        for headers in ({"If-Match": etag}, {"If-Match": etag, "Range": "bytes=0-1"}):
            answer = api.get(path, headers=headers)
            assert (answer.status_code, answer.json()["message"]) == (412, "precondition_failed")
            assert api.head(path, headers=headers).status_code == 412

    def test_a_range_of_another_version_returns_everything(self, api: Api, path: str) -> None:
        api.put(path, CONTENT, headers=MP3)
        etag = api.get(path).headers["ETag"]
        for condition, status in ((etag, 206), ('"other"', 200)):
            assert api.get(path, headers={"Range": "bytes=0-1", "If-Range": condition}).status_code == status


class TestLinks:
    """Audio in another document, where Kazoo's migration leaves it."""

    @pytest.fixture
    def link(self, account: Account, db: Database, path: str) -> Callable[..., None]:
        """Store audio in a media document of the account, and link the message to it or to something else."""
        if db.get(LINKED_ID) is None:
            db.put_with_attachment({"_id": LINKED_ID}, "old.mp3", "audio/mpeg", BytesIO(CONTENT), len(CONTENT))

        def make(
            att_dbname: str = database_names.encode(db.name), doc_id: str = LINKED_ID, handler: Any = None
        ) -> None:
            handler = handler or {"kz_att_link": {"att_dbname": att_dbname, "att_docid": doc_id}}
            entry = {"content_type": "audio/mpeg", "length": 0, "stub": False, "handler": handler}
            change(account, path, pvt_attachments={"voice.mp3": entry}, _attachments=None)

        return make

    @pytest.mark.parametrize("form", [database_names.encode, database_names.decode, str.lower])
    def test_a_link_is_followed(
        self, api: Api, db: Database, path: str, link: Callable[..., None], form: Callable[[str], str]
    ) -> None:
        link(form(database_names.encode(db.name)))
        answer = api.get(path)
        assert answer.status_code == 200, answer.text
        assert (answer.content, answer.headers["Content-Type"]) == (CONTENT, "audio/mpeg")
        part = api.get(path, headers={"Range": "bytes=5-9"})
        assert (part.status_code, part.content) == (206, CONTENT[5:10])
        assert api.head(path).headers["Content-Length"] == str(len(CONTENT))

    def test_a_broken_link_counts_as_no_audio(self, api: Api, path: str, link: Callable[..., None]) -> None:
        link(doc_id="e" * 32)
        assert api.get(path).json()["data"]["cause"] == NO_AUDIO

    def test_a_link_out_of_the_account_is_not_followed(
        self, api: Api, path: str, link: Callable[..., None], new_account: Callable[..., Account]
    ) -> None:
        other_box = couch().database(database_names.account_db(new_account().id))
        other_box.put_with_attachment({"_id": LINKED_ID}, "theirs.mp3", "audio/mpeg", BytesIO(b"secret"), 6)
        for name, doc_id in (
            (other_box.name, LINKED_ID),
            ("system_config", LINKED_ID),
            ("", ""),
            (None, "_all_docs"),
        ):
            link(*(value for value in (name or database_names.ACCOUNTS, doc_id)))
            answer = api.get(path)
            assert answer.status_code == 404
            assert b"secret" not in answer.content

    @pytest.mark.parametrize(
        "handler", [{"kz_att_s3": {"bucket": "b", "key": "s3cr3t"}}, {"kz_att_azure": "x"}, "kz_att_ftp"]
    )
    def test_the_error_names_an_unsupported_handler(
        self, api: Api, path: str, link: Callable[..., None], handler: Any
    ) -> None:
        link(handler=handler)
        answer = api.get(path)
        assert answer.status_code == 404
        name = handler if isinstance(handler, str) else next(iter(handler))
        assert name in answer.json()["data"]["cause"]
        assert "s3cr3t" not in answer.text

    def test_new_audio_replaces_the_link(
        self, api: Api, account: Account, db: Database, path: str, link: Callable[..., None]
    ) -> None:
        link()
        assert api.put(path, b"new", headers=MP3).status_code == 201
        assert "pvt_attachments" not in stored(account, path)
        assert api.get(path).content == b"new"
        assert "old.mp3" in (db.get(LINKED_ID) or {})["_attachments"]
