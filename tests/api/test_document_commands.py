"""Each curl command of the API document, run by curl as it is printed there, answers what is printed there.

Only what the document leaves to its reader is filled in: host, token, ids, and the two files.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couch.database import Database
from storage import gregorian, modbs, view_names
from tests.support import documented_commands as document
from tests.support.api_client import Account, Api
from tests.support.audio import Audio, Studio
from tests.support.curl import Answer, Shell
from tests.support.kazoo_messages import audio_of, database, leave, leave_spoken, stored

Run = Callable[..., Answer]
UNKNOWN_ID = f"{gregorian.month_of(gregorian.now())}-49be0985ea3a33046f8073083517d27b"
#: The halves of the two addresses, and the id that every single document's data has.
BESIDE_MESSAGE = {"id", "from_user", "from_realm", "to_user", "to_realm"}


@pytest.fixture
def voice(tmp_path: Path, audio: Studio) -> Audio:
    """A recording; the file ``voice.mp3`` of the commands holds it."""
    recording = audio("mp3")
    (tmp_path / "voice.mp3").write_bytes(recording.content)
    return recording


@pytest.fixture
def run(api: Api, tmp_path: Path) -> Run:
    """Runs a command: ``run(command, box_id, "message id", "another")``."""

    def run(command: str, box_id: str = "", *message_ids: str) -> Answer:
        filled_in = {
            "{SERVER}:8000": api.url.removeprefix("http://"),
            "{AUTH_TOKEN}": str(api.token),
            "{ACCOUNT_ID}": api.account_id,
            "{VM_BOX_ID}": box_id,
            "{VM_MSG_ID}": message_ids[0] if message_ids else "",
            **{f"MSG_ID{number}": message_id for number, message_id in enumerate(message_ids, 1)},
        }
        return Shell(tmp_path)(command, filled_in)

    return run


@pytest.fixture
def box(run: Run) -> dict[str, Any]:
    """The document's box, made by its command."""
    created: dict[str, Any] = run(document.CREATE_BOX).json()["data"]
    return created


def open_envelope(answer: Answer, api: Api, status: int = 200) -> Any:
    """The data of an answer whose envelope is the document's."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    envelope = answer.json()
    assert document.ENVELOPE <= envelope.keys() <= document.ENVELOPE | document.BESIDE
    assert envelope["status"] == "success"
    assert envelope["auth_token"] == api.token
    assert envelope["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["etag"] == f'"{envelope["revision"]}"'
    return envelope["data"]


def entry(timestamp: int, message_id: str) -> dict[str, Any]:
    """The document's message as listings show it."""
    return {**document.MESSAGE, "timestamp": timestamp, "media_id": message_id, "transcribed": False}


def check_message(shown: dict[str, Any], doc: dict[str, Any], **differing: Any) -> None:
    """What is shown of a message has the document's fields and values, and the stored ones."""
    expected = {**document.MESSAGE, "media_id": doc["_id"], "timestamp": doc["utc_seconds"], **differing}
    assert shown.keys() == expected.keys() | BESIDE_MESSAGE
    assert {key: shown[key] for key in expected} == expected
    assert shown["id"] == doc["_id"]
    assert {**doc["metadata"], "folder": expected["folder"]}.items() <= shown.items()


class TestBoxes:
    """The six commands about boxes."""

    def test_create_a_mailbox(self, run: Run, api: Api, db: Database) -> None:
        start = gregorian.now()
        answer = run(document.CREATE_BOX)
        data = open_envelope(answer, api, 201)
        envelope = answer.json()
        box_id = data["id"]
        assert data == {**document.BOX, "id": box_id}
        assert re.fullmatch("[0-9a-f]{32}", box_id)
        doc = db.get(box_id)
        assert doc is not None
        assert {key: value for key, value in doc.items() if not key.startswith(("_", "pvt_"))} == document.BOX
        assert envelope["metadata"] == {"id": box_id, "created": doc["pvt_created"], "modified": doc["pvt_modified"]}
        assert start <= doc["pvt_created"] == doc["pvt_modified"] <= gregorian.now()
        assert envelope["revision"] == doc["_rev"]
        assert answer.headers["location"].endswith(f"/v2/accounts/{api.account_id}/vmboxes/{box_id}")

    def test_list_the_mailboxes(self, run: Run, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        leave(account, box, [now, now - 1, now - 2], **document.MESSAGE)
        leave(account, box, [now - 3], **{**document.MESSAGE, "folder": "saved"})
        answer = run(document.LIST_BOXES)
        expected = {**document.BOX_ENTRY, "id": box["id"], "folders": {"new": 3, "saved": 1}}
        assert open_envelope(answer, api) == [expected]
        assert answer.json()["metadata"] == {}

    def test_fetch_a_mailbox(self, run: Run, api: Api, box: dict[str, Any], db: Database) -> None:
        answer = run(document.FETCH_BOX, box["id"])
        assert open_envelope(answer, api) == {**document.BOX, "id": box["id"]}
        assert answer.json()["metadata"].keys() == {"id", "created", "modified"}
        assert answer.json()["revision"] == (db.get(box["id"]) or {})["_rev"]

    def test_replace_a_mailbox(self, run: Run, api: Api, box: dict[str, Any], db: Database) -> None:
        run(document.PATCH_BOX, box["id"])
        answer = run(document.CHANGE_BOX, box["id"])
        assert open_envelope(answer, api) == {**document.BOX, "id": box["id"]}
        assert answer.json()["metadata"].keys() == {"id", "created", "modified"}
        doc = db.get(box["id"]) or {}
        assert "some_key" not in doc
        assert doc["_rev"].startswith("3-")
        assert answer.json()["revision"] == doc["_rev"]

    def test_patch_a_mailbox_with_json_that_curl_sends_as_a_form(
        self, run: Run, api: Api, box: dict[str, Any], db: Database
    ) -> None:
        answer = run(document.PATCH_BOX, box["id"])
        assert open_envelope(answer, api) == {**document.BOX, "id": box["id"], "some_key": "some_value"}
        doc = db.get(box["id"]) or {}
        assert doc["some_key"] == "some_value"
        metadata = {"id": box["id"], "created": doc["pvt_created"], "modified": doc["pvt_modified"]}
        assert answer.json()["metadata"] == metadata

    def test_remove_a_mailbox(self, run: Run, api: Api, box: dict[str, Any], db: Database) -> None:
        run(document.PATCH_BOX, box["id"])
        answer = run(document.REMOVE_BOX, box["id"])
        assert open_envelope(answer, api) == {**document.BOX, "id": box["id"], "some_key": "some_value"}
        doc = db.get(box["id"]) or {}
        assert doc["pvt_deleted"] is True
        metadata = {"id": box["id"], "created": doc["pvt_created"], "modified": doc["pvt_modified"], "deleted": True}
        assert answer.json()["metadata"] == metadata


class TestListingMessages:
    """The three commands that list messages."""

    def test_list_the_messages_of_a_mailbox(self, run: Run, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        times = [now - 60, now - 309]
        ids = leave(account, box, times, **document.MESSAGE)
        expected = [entry(*message) for message in zip(times, ids, strict=True)]
        assert open_envelope(run(document.LIST_MESSAGES, box["id"]), api) == expected

    def test_list_the_messages_of_a_mailbox_in_pages(
        self, run: Run, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        times = [now - 60, now - 309]
        ids = leave(account, box, times, **document.MESSAGE)
        answer = run(document.LIST_MESSAGES_IN_PAGES, box["id"])
        assert open_envelope(answer, api) == [
            {box["id"]: entry(*message)} for message in zip(times, ids, strict=True)
        ]
        assert answer.json()["next_start_key"] == []
        assert answer.json()["page_size"] == 50

    def test_list_the_messages_of_the_account(
        self, run: Run, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        other_box = api.new_box("3001")
        (first,) = leave(account, box, [now - 60], **document.MESSAGE)
        (second,) = leave(account, other_box, [now - 309], **document.MESSAGE)
        expected = [{box["id"]: entry(now - 60, first)}, {other_box["id"]: entry(now - 309, second)}]
        assert open_envelope(run(document.LIST_ALL_MESSAGES), api) == expected


class TestCreatingMessages:
    """By JSON, with its audio, and the audio alone."""

    def test_create_a_message_by_json(self, run: Run, api: Api, account: Account, box: dict[str, Any]) -> None:
        # The document leaves out the quotes around the JSON, without which a shell takes those within it away.
        command = document.CREATE_MESSAGE_UNQUOTED.replace("-d {", "-d '{").replace("}} \\", "}}' \\")
        assert command.count("'") == 2
        data = open_envelope(run(command, box["id"]), api, 201)
        doc = stored(account, data["media_id"])
        fields = {"caller_id_name": "someone", "caller_id_number": "6001", "from": "1001@aeac33.sip.2600hz.com"}
        defaults = {"to": f"3000@{account.realm}", "length": 1, "call_id": data["call_id"]}
        check_message(data, doc, **fields, **defaults)
        assert doc["source_id"] == box["id"]
        assert "_attachments" not in doc

    def test_json_that_lost_its_quotes_in_the_shell_is_refused(
        self, run: Run, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        answer = run(document.CREATE_MESSAGE_UNQUOTED, box["id"])
        assert answer.status == 400
        assert answer.json()["message"] == "validation error"
        assert answer.json()["data"]["json"]["invalid"]["target"] == "body"
        assert api.get(f"vmboxes/{box['id']}/messages").json()["data"] == []

    def test_a_message_for_no_mailbox_is_refused_with_the_right_path(
        self, run: Run, account: Account, voice: Audio, tmp_path: Path
    ) -> None:
        # The path that the document prints names no box, so nobody could say whose message it is.
        (tmp_path / "message.json").write_text(json.dumps({"data": document.MESSAGE}))
        answer = run(document.CREATE_MESSAGE_WITH_AUDIO_BESIDE_BOXES)
        assert answer.status == 404
        assert answer.json()["message"] == "not_found"
        assert answer.json()["data"] == {
            "message": "not found",
            "cause": "a message is created in its box: PUT /v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages",
        }
        assert not [
            row for _, modb in modbs.list_existing(account.id) for row in modb.view(*view_names.MESSAGES_BY_MAILBOX)
        ]

    @pytest.mark.parametrize("enveloped", [True, False])
    def test_create_a_message_with_its_audio(
        self,
        run: Run,
        api: Api,
        account: Account,
        box: dict[str, Any],
        voice: Audio,
        tmp_path: Path,
        enveloped: bool,
    ) -> None:
        (tmp_path / "message.json").write_text(
            json.dumps({"data": document.MESSAGE} if enveloped else document.MESSAGE)
        )
        command = document.CREATE_MESSAGE_WITH_AUDIO_BESIDE_BOXES.replace(
            "/messages", "/vmboxes/{VM_BOX_ID}/messages"
        )
        data = open_envelope(run(command, box["id"]), api, 201)
        doc = stored(account, data["media_id"])
        check_message(data, doc)
        (attachment,) = doc["_attachments"].items()
        assert attachment[0] == doc["media_filename"] == "voice.mp3"
        assert attachment[1]["content_type"] == "audio/mp3"
        assert audio_of(account, doc["_id"]) == voice.content

    def test_add_audio_to_a_message(
        self, run: Run, api: Api, account: Account, box: dict[str, Any], voice: Audio
    ) -> None:
        (message_id,) = leave(account, box, [gregorian.now() - 60], **document.MESSAGE)
        data = open_envelope(run(document.CREATE_AUDIO, box["id"], message_id), api, 201)
        doc = stored(account, message_id)
        check_message(data, doc)
        assert doc["_attachments"].keys() == {"voice.mp3"}
        assert audio_of(account, doc["_id"]) == voice.content

    def test_replace_the_audio_of_a_message(
        self, run: Run, api: Api, account: Account, box: dict[str, Any], voice: Audio, audio: Studio
    ) -> None:
        old = audio("mp3", "What was there before.")
        message_id = leave_spoken(account, box, gregorian.now() - 60, old.content, "before.mp3", **document.MESSAGE)
        open_envelope(run(document.CREATE_AUDIO, box["id"], message_id), api, 201)
        doc = stored(account, message_id)
        assert doc["_attachments"].keys() == {"voice.mp3"}
        assert audio_of(account, doc["_id"]) == voice.content


class TestOneMessage:
    """The three commands about the metadata of one message."""

    @pytest.fixture
    def message(self, account: Account, box: dict[str, Any]) -> str:
        """The document's message, with the transcription that Kazoo put there; its id."""
        (message_id,) = leave(account, box, [gregorian.now() - 60], **document.MESSAGE)
        database(account, message_id).update(message_id, lambda doc: {**doc, "transcription": document.TRANSCRIPTION})
        return message_id

    def test_fetch_a_message(self, run: Run, api: Api, account: Account, box: dict[str, Any], message: str) -> None:
        answer = run(document.FETCH_MESSAGE, box["id"], message)
        doc = stored(account, message)
        check_message(open_envelope(answer, api), doc, transcription=document.TRANSCRIPTION)
        assert answer.json()["revision"] == doc["_rev"]

    def test_change_the_folder_with_json_that_curl_sends_as_a_form(
        self, run: Run, api: Api, account: Account, box: dict[str, Any], message: str
    ) -> None:
        answer = run(document.CHANGE_MESSAGE, box["id"], message)
        doc = stored(account, message)
        check_message(open_envelope(answer, api), doc, transcription=document.TRANSCRIPTION, folder="saved")
        assert doc["metadata"]["folder"] == "saved"
        assert answer.json()["revision"] == doc["_rev"]

    def test_remove_a_message(self, run: Run, api: Api, account: Account, box: dict[str, Any], message: str) -> None:
        answer = run(document.REMOVE_MESSAGE, box["id"], message)
        doc = stored(account, message)
        check_message(open_envelope(answer, api), doc, transcription=document.TRANSCRIPTION, folder="deleted")
        assert doc["pvt_deleted"] is True
        assert doc["metadata"]["folder"] == "deleted"
        assert run(document.FETCH_MESSAGE, box["id"], message).status == 404


class TestManyMessages:
    """The two commands that change many."""

    def test_change_the_folder_of_several_messages(
        self, run: Run, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        ids = leave(account, box, [now - 60, now - 309], **document.MESSAGE)
        data = open_envelope(run(document.CHANGE_MESSAGES, box["id"], *ids, UNKNOWN_ID), api)
        assert data.keys() == {"succeeded", "failed"}
        assert sorted(data["succeeded"]) == sorted(ids)
        assert data["failed"] == [{UNKNOWN_ID: "not_found"}]
        assert [stored(account, message_id)["metadata"]["folder"] for message_id in ids] == ["saved", "saved"]

    def test_remove_all_messages(self, run: Run, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        ids = leave(account, box, [now - 60, now - 309], **document.MESSAGE)
        data = open_envelope(run(document.REMOVE_MESSAGES, box["id"]), api)
        assert data.keys() == {"succeeded", "failed"}
        assert sorted(data["succeeded"]) == sorted(ids)
        assert data["failed"] == []
        assert [stored(account, message_id)["pvt_deleted"] for message_id in ids] == [True, True]


class TestAudio:
    """The two commands that fetch audio."""

    def test_fetch_the_audio_of_a_message(
        self, run: Run, account: Account, box: dict[str, Any], voice: Audio
    ) -> None:
        message_id = leave_spoken(account, box, gregorian.now() - 60, voice.content, **document.MESSAGE)
        answer = run(document.FETCH_AUDIO, box["id"], message_id)
        assert answer.status == 200
        assert answer.headers["content-type"] == "audio/mpeg"
        file_name = r"attachment; filename=1001_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.mp3"
        assert re.fullmatch(file_name, answer.headers["content-disposition"])
        assert answer.body == voice.content

    def test_fetch_the_audio_of_several_messages_as_a_zip(
        self, run: Run, account: Account, box: dict[str, Any], audio: Studio
    ) -> None:
        now = gregorian.now()
        recordings = [audio("mp3", text).content for text in ("The first one.", "The second one.", "The third one.")]
        ids = [leave_spoken(account, box, now - 60 - seconds, content) for seconds, content in enumerate(recordings)]
        answer = run(document.FETCH_ZIP, box["id"], *ids)
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/zip"
        archive = zipfile.ZipFile(io.BytesIO(answer.body))
        assert sorted(map(archive.read, archive.namelist())) == sorted(recordings)
