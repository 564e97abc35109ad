"""Audio that operators upload: with a new message, and to replace the audio of a message."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.kazoo_messages import audio_of, leave, leave_spoken, stored
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service, children, direct
from tests.support.uploads import error_at, file
from voicemail.messages import bulk, retention

Operator = Callable[..., Desk]
NOW = gregorian.now()
MP3 = b"ID3" + bytes(range(256)) * 40
LIMIT = 100_000


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """An account for all tests here: each has mailboxes of its own."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    box = api.new_box()
    return {**box, "_id": box["id"]}


@pytest.fixture(scope="module")
def small(server_with: Callable[..., Running]) -> Running:
    """A service that takes small uploads only."""
    return server_with(MAX_UPLOAD_BYTES=str(LIMIT))


def page_of(account: Account, box: dict[str, Any], message_id: str, page: str = "") -> str:
    return f"desk/message/{account.id}/{box['id']}/{message_id}/{page}"


def add_page(account: Account, box: dict[str, Any]) -> str:
    return f"desk/message/{account.id}/{box['id']}/add/"


def ids_in(api: Api, box: dict[str, Any]) -> list[str]:
    return [message["media_id"] for message in api.get(f"vmboxes/{box['id']}/messages").json()["data"]]


def test_a_message_is_added_with_its_audio(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], audio: Studio
) -> None:
    spoken = audio("wav").content
    desk = operator("Support")
    assert add_page(account, box) in desk.get(f"desk/message/?account={account.id}&box={box['id']}").text
    response = desk.post(
        add_page(account, box),
        files=file(spoken, "<b>greeting.wav", "audio/wav"),
        caller_id_name="Ada",
        caller_id_number="+4930123",
        folder="saved",
        length="2.5",
    )
    assert f"The message was added to {box['mailbox']}" in response.text
    (message_id,) = ids_in(api, box)
    doc = stored(account, message_id)
    expected = {"caller_id_name": "Ada", "caller_id_number": "+4930123", "folder": "saved", "length": 2500}
    assert {key: doc["metadata"][key] for key in expected} == expected
    assert audio_of(account, message_id) == spoken
    history = desk.get(page_of(account, box, message_id, "history/")).text
    assert "created" in history
    assert f"<b>bytes</b>: {len(spoken)}" in history


def test_the_audio_of_a_message_is_replaced(
    operator: Operator, account: Account, box: dict[str, Any], audio: Studio
) -> None:
    message_id = leave_spoken(account, box, NOW, b"ID3 before")
    desk, path = operator("Support"), page_of(account, box, message_id)
    assert "Replace the audio" in desk.get(path).text
    response = desk.post(path + "upload/", files=file(MP3))
    assert "The audio of the message was replaced." in response.text
    doc = stored(account, message_id)
    assert audio_of(account, message_id) == MP3
    assert doc["metadata"]["length"] == 1000
    assert "uploaded the audio of" in desk.get(path + "history/").text
    desk.post(path + "upload/", files=file(MP3), length="12")
    assert stored(account, message_id)["metadata"]["length"] == 12_000
    for kind in ("wav", "mp3"):
        voice = audio(kind)
        desk.post(path + "upload/", files=file(voice.content))
        assert stored(account, message_id)["metadata"]["length"] == pytest.approx(voice.milliseconds, abs=130)


def test_listening_to_parts_of_a_message_is_recorded_once(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    message_id = leave_spoken(account, box, NOW, MP3)
    desk, path = operator("Support"), page_of(account, box, message_id)
    for part in ("bytes=1-", "bytes=0-", "bytes=500-600", "bytes=-10"):
        url = f"{desk.url}/admin/{path}audio/"
        assert desk.session.get(url, headers={"Range": part}, timeout=60).status_code == 206
    assert desk.get(path + "audio/", download="1").content == MP3
    history = desk.get(path + "history/").text
    assert (history.count("listened to"), history.count("downloaded")) == (1, 1)
    other_operator = operator("Support")
    other_operator.get(path + "audio/")
    assert desk.get(path + "history/").text.count("listened to") == 2


def test_what_is_not_audio_by_type_is_a_download_that_no_browser_shows(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    message_id = leave_spoken(account, box, NOW, b"<script>alert(1)</script>", "voice.html", "text/html")
    for query in ({}, {"download": "1"}):
        answer = operator("Support").get(page_of(account, box, message_id, "audio/"), **query)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        assert answer.headers["Content-Disposition"].startswith("attachment")


def test_audio_is_uploaded_to_a_message_without_audio(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    (message_id,) = leave(account, box, [NOW])
    desk = operator("Support")
    assert "Upload audio" in desk.get(page_of(account, box, message_id)).text
    desk.post(page_of(account, box, message_id, "upload/"), files=file(MP3))
    assert audio_of(account, message_id) == MP3
    assert desk.get(page_of(account, box, message_id, "audio/")).content == MP3


NOT_AUDIO: list[tuple[dict[str, tuple[str, bytes, str]] | None, str]] = [
    (None, "Choose a file."),
    (file(b""), "The submitted file is empty."),
    (file(b"%PDF-1.7", "a.pdf", "application/pdf"), "This isn&#x27;t audio"),
    (file(b"plain words", "a.txt", "text/plain"), "This isn&#x27;t audio"),
    (file(b"\x7fELF....", "a", "application/octet-stream"), "This isn&#x27;t audio"),
    (file(b"<html>", "a.html", "text/html"), "This isn&#x27;t audio"),
]


def test_a_file_that_is_not_audio_is_refused_at_its_field(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    message_id = leave_spoken(account, box, NOW, b"ID3 before")
    before, desk = stored(account, message_id), operator("Support")
    for path in (page_of(account, box, message_id, "upload/"), add_page(account, box)):
        for files, error in NOT_AUDIO:
            assert error in error_at(desk.post(path, files=files, folder="new").text, "file")
    assert stored(account, message_id) == before
    assert ids_in(api, box) == [message_id]


def test_other_errors_appear_at_their_fields(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    desk = operator("Support")
    page = desk.post(add_page(account, box), files=file(MP3), folder="nowhere", length="-1").text
    assert "nowhere" in error_at(page, "folder")
    assert "greater than or equal to 0" in error_at(page, "length")


def test_audio_is_recognized_by_its_bytes(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    (message_id,) = leave(account, box, [NOW])
    path = page_of(account, box, message_id, "upload/")
    operator("Support").post(path, files=file(MP3, "voice", "application/octet-stream"))
    (stub,) = stored(account, message_id)["_attachments"].values()
    assert stub["content_type"] == "audio/mpeg"


def test_a_file_that_is_too_large_is_refused_at_its_field(
    small: Running, service: Service, account: Account, box: dict[str, Any]
) -> None:
    message_id = leave_spoken(account, box, NOW, b"ID3 before")
    desk, path = new_operator(small.url, service, ("Support",), ()), page_of(account, box, message_id, "upload/")
    just, over = MP3[:3] + b"\0" * (LIMIT - 3), MP3[:3] + b"\0" * (LIMIT - 2)
    page = desk.post(path, files=file(over))
    assert page.status_code == 200
    assert "This is larger than" in error_at(page.text, "file")
    assert audio_of(account, message_id) == b"ID3 before"
    desk.post(path, files=file(just))
    assert audio_of(account, message_id) == just


def test_a_large_upload_is_buffered_on_disk(
    operator: Operator, server: Running, account: Account, box: dict[str, Any]
) -> None:
    message_id = leave_spoken(account, box, NOW, b"ID3 before")
    desk, path = operator("Support"), page_of(account, box, message_id, "upload/")
    desk.post(path, files=file(MP3))
    before = max(resident(pid) for pid in children(server.process.pid))
    content = b"ID3" + os.urandom(1 << 20) * 60
    desk.post(path, files=file(content))
    assert audio_of(account, message_id) == content
    assert max(resident(pid) for pid in children(server.process.pid)) - before < 30 << 20


def resident(pid: int) -> int:
    """The most memory that a process ever had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("group", ["Read only", None])
def test_operators_without_permission_cannot_upload(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], group: str | None, server: Running
) -> None:
    message_id = leave_spoken(account, box, NOW, b"ID3 before")
    before = stored(account, message_id)
    desk = operator(group) if group else Desk(server.url, "nobody", direct())
    assert "upload/" not in desk.get(page_of(account, box, message_id)).text
    for path in (page_of(account, box, message_id, "upload/"), add_page(account, box)):
        response = desk.post(path, files=file(MP3), folder="new")
        assert response.status_code == 403 or "Log in" in response.text
    assert stored(account, message_id) == before
    assert ids_in(api, box) == [message_id]


def test_a_form_without_a_csrf_token_is_refused(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    message_id = leave_spoken(account, box, NOW, b"ID3 before")
    desk = operator("Support")
    url = f"{desk.url}/admin/{page_of(account, box, message_id, 'upload/')}"
    assert desk.session.post(url, files=file(MP3), timeout=60).status_code == 403
    assert audio_of(account, message_id) == b"ID3 before"


def test_removed_and_expired_messages_get_no_audio(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    removed, old = leave(account, box, [NOW, NOW - 200 * 86_400])
    bulk.remove_messages({"_id": account.id}, box, [removed], None, None)
    desk = operator("Support")
    assert "upload/" not in desk.get(page_of(account, box, removed)).text
    assert "upload/" not in desk.get(page_of(account, box, old)).text
    desk.post(page_of(account, box, removed, "upload/"), files=file(MP3))
    page = desk.post(page_of(account, box, old, "upload/"), files=file(MP3)).text
    assert retention.MESSAGE in error_at(page, "file")
    assert "_attachments" not in stored(account, removed)
    assert "_attachments" not in stored(account, old)
