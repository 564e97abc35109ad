"""Messages in the format of Kazoo 3.x: listed, counted, and moved to their MODb by the request that touches them."""

import io
import zipfile
from typing import Any

import pytest

from couch.client import couch
from storage import gregorian
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import leave, stored

DAY = 86_400
AUDIO = b"ID3" + bytes(range(256)) * 300


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000")


@pytest.fixture
def now() -> int:
    return gregorian.now()


def new_id(seconds: int, media_id: str) -> str:
    return f"{gregorian.month_of(seconds)}-{media_id}"


def listed(api: Api, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["data"]
    return entries


# --- listed and counted ---


def test_old_messages_are_listed_among_the_others_by_time(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    early, late = leave(account, box, [now - 3 * DAY, now - DAY])
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - 2 * DAY)])
    entries = listed(api, f"vmboxes/{box['id']}/messages")
    assert [entry["media_id"] for entry in entries] == [late, old, early]
    assert entries[1] == {
        "timestamp": now - 2 * DAY,
        "from": "1001@old.example.com",
        "to": "3000@old.example.com",
        "caller_id_number": "1001",
        "caller_id_name": "Ada",
        "call_id": entries[1]["call_id"],
        "folder": "new",
        "length": 3140,
        "media_id": old,
        "transcribed": False,
    }
    in_account = listed(api, "vmboxes/messages", ascending="true")
    assert [entry[box["id"]]["media_id"] for entry in in_account] == [early, old, late]


def test_listing_leaves_old_messages_where_they_are(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)])
    listed(api, f"vmboxes/{box['id']}/messages")
    listed(api, "vmboxes/messages")
    assert len(old_messages.array(account, box["id"])) == 1


def test_old_messages_are_counted(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    leave(account, box, [now - DAY])
    old_messages.leave(account, box["id"], [old_messages.entry(), old_messages.entry()])
    (summary,) = api.get("vmboxes").json()["data"]
    assert summary["messages"] == 3


def test_an_old_message_past_the_retention_is_listed_as_deleted(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    old_messages.leave(account, box["id"], [old_messages.entry()])
    (entry,) = listed(api, f"vmboxes/{box['id']}/messages")
    assert entry["folder"] == "deleted"
    assert entry["retention"] == "enforced"


def test_a_range_of_time_holds_for_old_messages(api: Api, account: Account, box: dict[str, Any]) -> None:
    first, second = old_messages.leave(
        account, box["id"], [old_messages.entry(timestamp=63630000000), old_messages.entry(timestamp=63630100000)]
    )
    for path in (f"vmboxes/{box['id']}/messages", "vmboxes/messages"):
        found = listed(api, path, created_from=63630050000, created_to=63630200000)
        assert second in str(found)
        assert first not in str(found)


@pytest.mark.parametrize("of_account", [False, True])
@pytest.mark.parametrize("ascending", ["true", "false"])
def test_pages_lose_and_repeat_no_old_message(
    api: Api, account: Account, box: dict[str, Any], now: int, of_account: bool, ascending: str
) -> None:
    times = [now - day * DAY for day in (1, 1, 2, 40, 80, 1500, 1500)]
    old = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=time) for time in times])
    new = leave(account, box, [now - DAY, now - 40 * DAY, now - 40 * DAY])
    path = "vmboxes/messages" if of_account else f"vmboxes/{box['id']}/messages"
    seen: list[str] = []
    key: str | None = ""
    while key is not None:
        answer = api.get(path, params={"page_size": 2, "start_key": key, "ascending": ascending}).json()
        entries = [entry[box["id"]] if of_account else entry for entry in answer["data"]]
        seen += [entry["media_id"] for entry in entries]
        key = answer.get("next_start_key")
        assert len(entries) == 2 or key is None
    assert sorted(seen) == sorted(old + new)


def test_entries_without_a_time_take_that_of_their_media_document(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    media = [f"{number:032x}" for number in range(3)]
    values = [None, "undefined", "0"]
    for media_id, value in zip(media, values, strict=True):
        old_messages.leave(account, box["id"], [old_messages.entry(media_id, timestamp=value)])
        doc = old_messages.database(account).get(media_id) or {}
        old_messages.database(account).put({**doc, "pvt_modified": now - DAY})
    for path in (f"vmboxes/{box['id']}/messages", "vmboxes/messages"):
        found = listed(api, path)
        plain = [entry.get(box["id"], entry) for entry in found]
        assert {entry["media_id"]: entry["timestamp"] for entry in plain} == dict.fromkeys(media, now - DAY)


def test_dirt_in_an_array_hides_no_message(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    (good,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=str(now - DAY), length="3140")])
    dirt: list[Any] = [{}, None, "text", 5, [], {"media_id": None}, {"media_id": ""}, {"timestamp": 63630058722}]
    old_messages.leave(account, box["id"], dirt)
    for path in (f"vmboxes/{box['id']}/messages", "vmboxes/messages"):
        (entry,) = listed(api, path)
        assert entry.get(box["id"], entry)["media_id"] == good
        assert entry.get(box["id"], entry)["length"] == 3140


# --- touched ---


def test_getting_an_old_message_moves_it_and_answers_under_its_new_id(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], AUDIO)
    answer = api.get(f"vmboxes/{box['id']}/messages/{old}")
    assert answer.status_code == 200, answer.text
    message_id = new_id(now - DAY, old)
    assert answer.json()["data"]["id"] == answer.json()["data"]["media_id"] == message_id
    doc = stored(account, message_id)
    assert doc["pvt_type"] == "mailbox_message"
    assert doc["source_id"] == box["id"]
    assert doc["pvt_moved_to_modb"] == "true"
    assert doc["pvt_previous_id"] == old
    assert doc["metadata"]["media_id"] == message_id
    assert doc["metadata"]["timestamp"] == doc["utc_seconds"] == now - DAY
    (stub,) = doc["_attachments"].values()
    assert (stub["length"], stub["content_type"]) == (len(AUDIO), "audio/mpeg")
    assert old_messages.array(account, box["id"]) == []
    assert old_messages.database(account).get(old) is not None, "the media document stays until it is purged"


def test_the_old_id_goes_on_reaching_the_message(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], AUDIO)
    path = f"vmboxes/{box['id']}/messages/{old}"
    assert api.post(path, {"folder": "saved"}).json()["data"]["media_id"] == new_id(now - DAY, old)
    assert api.get(path).json()["data"]["folder"] == "saved"
    assert api.get(f"{path}/raw").content == AUDIO
    assert api.delete(path).status_code == 200
    assert api.get(path).status_code == 404


def test_the_new_id_reaches_the_message_before_it_has_moved(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], AUDIO)
    assert api.get(f"vmboxes/{box['id']}/messages/{new_id(now - DAY, old)}/raw").content == AUDIO


def test_an_old_message_past_the_retention_can_be_heard_and_not_changed(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry()], AUDIO)
    path = f"vmboxes/{box['id']}/messages/{old}"
    assert api.get(f"{path}/raw").content == AUDIO
    answer = api.post(path, {"folder": "new"})
    assert (answer.status_code, answer.json()["message"]) == (400, "prior_to_retention_duration")
    assert stored(account, f"201605-{old}")["metadata"]["folder"] == "deleted"


def test_old_messages_change_folder_in_bulk_and_succeed_under_their_new_ids(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    first, second, lost = old_messages.leave(
        account, box["id"], [old_messages.entry(timestamp=now - day * DAY) for day in (1, 2, 3)], AUDIO
    )
    db = old_messages.database(account)
    db.delete(lost, (db.get(lost) or {})["_rev"])
    (recent,) = leave(account, box, [now - DAY])
    ids = [first, recent, second, lost, "a" * 32, first]
    told = api.post(f"vmboxes/{box['id']}/messages", {"messages": ids, "folder": "saved"}).json()["data"]
    moved = [new_id(now - DAY, first), new_id(now - 2 * DAY, second)]
    assert sorted(told["succeeded"]) == sorted([*moved, recent])
    assert {key: reason for one in told["failed"] for key, reason in one.items()} == {
        lost: "missing_audio",
        "a" * 32: "not_found",
    }
    assert [stored(account, one)["metadata"]["folder"] for one in moved] == ["saved", "saved"]
    (left,) = old_messages.array(account, box["id"])
    assert (left["media_id"], left["migration_error"], left["migration_tries"]) == (lost, "no_audio", 1)


def test_an_old_message_is_moved_to_another_box_with_its_audio(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    other = api.new_box("3001")
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], AUDIO)
    told = api.post(f"vmboxes/{box['id']}/messages", {"messages": [old], "source_id": other["id"]}).json()["data"]
    (moved,) = told["succeeded"]
    assert api.get(f"vmboxes/{other['id']}/messages/{moved}/raw").content == AUDIO
    assert listed(api, f"vmboxes/{box['id']}/messages") == []


def test_a_zip_holds_the_audio_of_old_messages(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], AUDIO)
    answer = api.post(f"vmboxes/{box['id']}/messages/raw", {"messages": [old]})
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert [archive.read(name) for name in archive.namelist()] == [AUDIO]


def test_removing_all_messages_removes_the_old_ones(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    with_audio, saved = old_messages.leave(
        account,
        box["id"],
        [old_messages.entry(timestamp=now - DAY), old_messages.entry(timestamp=now - DAY, folder="saved")],
        AUDIO,
    )
    (lost,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], None)
    path = f"vmboxes/{box['id']}/messages"
    told = api.delete(path, params={"folder": "saved"}).json()["data"]
    assert told == {"succeeded": [new_id(now - DAY, saved)], "failed": []}
    assert [entry["media_id"] for entry in listed(api, path)] != []
    told = api.delete(path).json()["data"]
    assert sorted(told["succeeded"]) == sorted(new_id(now - DAY, one) for one in (with_audio, lost))
    assert told["failed"] == []
    assert listed(api, path) == []
    assert old_messages.array(account, box["id"]) == []
    for one in (with_audio, saved, lost):
        assert stored(account, new_id(now - DAY, one))["pvt_deleted"] is True


def test_new_audio_can_take_the_place_of_lost_audio(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    (lost,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], None)
    path = f"vmboxes/{box['id']}/messages/{lost}/raw"
    assert api.get(path).status_code == 404
    answer = api.put(path, AUDIO, headers={"Content-Type": "audio/mpeg"})
    assert answer.status_code == 200, answer.text
    assert api.get(path).content == AUDIO
    assert old_messages.array(account, box["id"]) == []


def test_another_boxs_old_message_is_not_found(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    other = api.new_box("3001")
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], AUDIO)
    assert api.get(f"vmboxes/{other['id']}/messages/{old}").status_code == 404
    assert api.delete(f"vmboxes/{other['id']}/messages/{old}").status_code == 404
    assert len(old_messages.array(account, box["id"])) == 1


def test_an_account_that_kazoo_made_is_listed_without_setting_up(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    db = old_messages.database(account)
    for name in ("_design/vmboxes_legacy", "_design/vmboxes_numbers"):
        db.put_design({**(db.get_design(name) or {}), "_deleted": True})
    (old,) = old_messages.leave(account, box["id"], [old_messages.entry(timestamp=now - DAY)], AUDIO)
    assert listed(api, "vmboxes/messages")[0][box["id"]]["media_id"] == old
    assert api.new_box("3001")["mailbox"] == "3001"
    assert couch().database(db.name).get_design("_design/vmboxes_numbers") is not None
