"""POST vmboxes/{BOX}/messages/raw: the audio of many messages as a ZIP."""

import io
import secrets
import zipfile
from typing import Any

import pytest

from couch.database import Database
from storage import database_names, gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import database, leave, leave_spoken
from tests.support.zip_stream import read_forwards


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


def download(api: Api, box: dict[str, Any], ids: list[str]) -> zipfile.ZipFile:
    answer = api.post(f"vmboxes/{box['id']}/messages/raw", {"messages": ids}, headers={"Accept": "application/zip"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert read_forwards(answer.content) == {name: archive.read(name) for name in archive.namelist()}
    return archive


def test_the_zip_holds_the_audio_of_each_message(api: Api, account: Account, box: dict[str, Any], audio: Any) -> None:
    now = gregorian.now()
    first, second = audio("mp3", "The first message."), audio("mp3", "The second and longer message.")
    ids = [
        leave_spoken(account, box, now - 60, first.content),
        leave_spoken(account, box, now - 50, second.content),
    ]
    archive = download(api, box, ids)
    assert sorted(map(archive.read, archive.namelist())) == sorted([first.content, second.content])


def test_messages_of_one_second_get_different_names(
    api: Api, account: Account, box: dict[str, Any], audio: Any
) -> None:
    now = gregorian.now()
    recording = audio("mp3")
    ids = [leave_spoken(account, box, now - 60, recording.content) for _ in range(3)]
    names = download(api, box, ids).namelist()
    assert len(set(names)) == 3
    assert all(name.startswith("1001_") and name.endswith(".mp3") for name in names)


@pytest.mark.parametrize(
    ("stored_as", "extension"),
    [("audio/x-wave", "wav"), ("audio/GSM", "gsm"), ("audio/AMR-WB; octet-align=1", "awb"), ("audio/x-caf", "caf")],
)
def test_file_names_end_in_what_players_know(
    api: Api, account: Account, box: dict[str, Any], stored_as: str, extension: str
) -> None:
    message_id = leave_spoken(account, box, gregorian.now() - 60, b"sound", "message", stored_as)
    (name,) = download(api, box, [message_id]).namelist()
    assert name.endswith(f".{extension}")
    answer = api.get(f"vmboxes/{box['id']}/messages/{message_id}/raw")
    assert answer.headers["Content-Disposition"].endswith(f".{extension}")
    assert answer.headers["Content-Type"] == stored_as


def test_a_hostile_caller_id_makes_a_safe_file_name(
    api: Api, account: Account, box: dict[str, Any], audio: Any
) -> None:
    recording = audio("mp3")
    message_id = leave_spoken(
        account, box, gregorian.now() - 60, recording.content, caller_id_number='../../etc/"x\r\n'
    )
    (name,) = download(api, box, [message_id]).namelist()
    assert not set(name) & set('/\\"\r\n')
    assert not name.startswith(".")


def test_messages_without_audio_and_unknown_ids_are_listed_in_a_file(
    api: Api, account: Account, box: dict[str, Any], audio: Any
) -> None:
    now = gregorian.now()
    spoken = leave_spoken(account, box, now - 60, audio("mp3").content)
    (silent,) = leave(account, box, [now - 50])
    absent = f"{spoken[:7]}{'0' * 32}"
    archive = download(api, box, [spoken, silent, absent])
    assert len(archive.namelist()) == 2
    missing = archive.read("missing.txt").decode()
    assert silent in missing
    assert absent in missing


def test_many_messages_of_several_months_are_all_in_the_zip_in_the_order_of_their_ids(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    now = gregorian.now()
    sounds = [secrets.token_bytes(1_000 * (n % 40)) or b"-" for n in range(230)]
    ids = [leave_spoken(account, box, now - 86_400 * (n % 70), sound) for n, sound in enumerate(sounds)]
    unknown = [f"{message_id[:7]}{secrets.token_hex(16)}" for message_id in (ids[0], ids[1])]
    archive = download(api, box, [unknown[0], *ids, unknown[1]])
    (*files, missing) = archive.namelist()
    assert [archive.read(name) for name in files] == sounds
    assert [line.partition(":")[0] for line in archive.read(missing).decode().splitlines()] == unknown


def test_long_recordings_among_short_ones_are_whole(api: Api, account: Account, box: dict[str, Any]) -> None:
    now = gregorian.now()
    lengths = (10, 3_000_000, 20, 500_000, 30_000, 400_000, 1_200_000, 1)
    sounds = [secrets.token_bytes(length) for length in lengths]
    archive = download(api, box, [leave_spoken(account, box, now - 60, sound) for sound in sounds])
    assert [archive.read(name) for name in archive.namelist()] == sounds


def test_a_client_that_hangs_up_midway_leaves_the_service_as_it_was(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    sounds = [secrets.token_bytes(200_000) for _ in range(100)]
    ids = [leave_spoken(account, box, gregorian.now() - 60, sound) for sound in sounds]
    for _ in range(20):
        answer = api.post(f"vmboxes/{box['id']}/messages/raw", {"messages": ids}, stream=True)
        assert next(answer.iter_content(1_000))[:2] == b"PK"
        answer.close()
    archive = download(api, box, ids)
    assert [archive.read(name) for name in archive.namelist()] == sounds


def test_linked_audio_is_in_the_zip_and_broken_links_are_listed(
    api: Api, account: Account, box: dict[str, Any], db: Database
) -> None:
    db.put_with_attachment({"_id": "old-media"}, "old.mp3", "audio/mpeg", io.BytesIO(b"once spoken"), 11)
    found_one, lost_one, elsewhere = leave(account, box, [gregorian.now() - n for n in (30, 20, 10)])
    link(
        account, found_one, {"kz_att_link": {"att_dbname": database_names.encode(db.name), "att_docid": "old-media"}}
    )
    link(account, lost_one, {"kz_att_link": {"att_dbname": database_names.encode(db.name), "att_docid": "gone"}})
    link(account, elsewhere, {"kz_att_s3": {"bucket": "b"}})
    archive = download(api, box, [elsewhere, lost_one, found_one])
    missing = archive.read("missing.txt").decode().splitlines()
    assert [line.partition(":")[0] for line in missing] == [elsewhere, lost_one]
    assert "kz_att_s3" in missing[0]
    (name,) = set(archive.namelist()) - {"missing.txt"}
    assert archive.read(name) == b"once spoken"


def link(account: Account, message_id: str, handler: dict[str, Any]) -> None:
    linked = {"voice.mp3": {"content_type": "audio/mpeg", "length": 0, "stub": False, "handler": handler}}
    database(account, message_id).update(message_id, lambda doc: {**doc, "pvt_attachments": linked})


def test_a_repeated_id_is_in_the_zip_once(api: Api, account: Account, box: dict[str, Any], audio: Any) -> None:
    message_id = leave_spoken(account, box, gregorian.now() - 60, audio("mp3").content)
    assert len(download(api, box, [message_id, message_id]).namelist()) == 1


def test_without_any_audio_the_answer_is_not_found(api: Api, account: Account, box: dict[str, Any]) -> None:
    (silent,) = leave(account, box, [gregorian.now() - 60])
    answer = api.post(f"vmboxes/{box['id']}/messages/raw", {"messages": [silent]})
    assert answer.status_code == 404
    assert answer.json()["message"] == "bad_identifier"


def test_a_request_without_ids_is_refused(api: Api, box: dict[str, Any]) -> None:
    answer = api.post(f"vmboxes/{box['id']}/messages/raw", {"messages": []})
    assert answer.status_code == 400
    assert list(answer.json()["data"]["messages"]) == ["required"]


def test_messages_of_another_mailbox_are_not_in_the_zip(
    api: Api, account: Account, box: dict[str, Any], audio: Any
) -> None:
    other = api.new_box()
    foreign = leave_spoken(account, other, gregorian.now() - 60, audio("mp3").content)
    answer = api.post(f"vmboxes/{box['id']}/messages/raw", {"messages": [foreign]})
    assert answer.status_code == 404
