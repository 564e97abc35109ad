"""Messages in the format of Kazoo 3.x are listed and counted, and migrated by the request that accesses them."""

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


def test_old_messages_are_listed_in_the_order_of_time(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    early, late = leave(account, box, [now - 3 * DAY, now - DAY])
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - 2 * DAY)])
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


def test_listing_does_not_migrate_old_messages(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)])
    listed(api, f"vmboxes/{box['id']}/messages")
    listed(api, "vmboxes/messages")
    assert len(old_messages.read_array(account, box["id"])) == 1


def test_old_messages_are_counted(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    leave(account, box, [now - DAY])
    old_messages.add(account, box["id"], [old_messages.make_entry(), old_messages.make_entry()])
    (summary,) = api.get("vmboxes").json()["data"]
    assert summary["messages"] == 3


def test_old_message_past_its_retention_is_listed_as_deleted(api: Api, account: Account, box: dict[str, Any]) -> None:
    old_messages.add(account, box["id"], [old_messages.make_entry()])
    (entry,) = listed(api, f"vmboxes/{box['id']}/messages")
    assert entry["folder"] == "deleted"
    assert entry["retention"] == "enforced"


def test_time_range_applies_to_old_messages(api: Api, account: Account, box: dict[str, Any]) -> None:
    first, second = old_messages.add(
        account,
        box["id"],
        [old_messages.make_entry(timestamp=63630000000), old_messages.make_entry(timestamp=63630100000)],
    )
    for path in (f"vmboxes/{box['id']}/messages", "vmboxes/messages"):
        listing = listed(api, path, created_from=63630050000, created_to=63630200000)
        assert second in str(listing)
        assert first not in str(listing)


@pytest.mark.parametrize("of_account", [False, True])
@pytest.mark.parametrize("ascending", ["true", "false"])
def test_pages_skip_and_repeat_no_old_message(
    api: Api, account: Account, box: dict[str, Any], now: int, of_account: bool, ascending: str
) -> None:
    times = [now - day * DAY for day in (1, 1, 2, 40, 80, 1500, 1500)]
    old = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=time) for time in times])
    new = leave(account, box, [now - DAY, now - 40 * DAY, now - 40 * DAY])
    path = "vmboxes/messages" if of_account else f"vmboxes/{box['id']}/messages"
    media_ids: list[str] = []
    key: str | None = ""
    while key is not None:
        answer = api.get(path, params={"page_size": 2, "start_key": key, "ascending": ascending}).json()
        entries = [entry[box["id"]] if of_account else entry for entry in answer["data"]]
        media_ids += [entry["media_id"] for entry in entries]
        key = answer.get("next_start_key")
        assert len(entries) == 2 or key is None
    assert sorted(media_ids) == sorted(old + new)


def test_entries_without_time_are_listed_with_that_of_their_media_document(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    media = [f"{number:032x}" for number in range(3)]
    values = [None, "undefined", "0"]
    for media_id, value in zip(media, values, strict=True):
        old_messages.add(account, box["id"], [old_messages.make_entry(media_id, timestamp=value)])
        doc = old_messages.database(account).get(media_id) or {}
        old_messages.database(account).put({**doc, "pvt_modified": now - DAY})
    for path in (f"vmboxes/{box['id']}/messages", "vmboxes/messages"):
        plain = [entry.get(box["id"], entry) for entry in listed(api, path)]
        assert {entry["media_id"]: entry["timestamp"] for entry in plain} == dict.fromkeys(media, now - DAY)


def test_invalid_entries_hide_no_message(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    (good,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=str(now - DAY), length="3140")])
    dirt: list[Any] = [{}, None, "text", 5, [], {"media_id": None}, {"media_id": ""}, {"timestamp": 63630058722}]
    old_messages.add(account, box["id"], dirt)
    for path in (f"vmboxes/{box['id']}/messages", "vmboxes/messages"):
        (entry,) = listed(api, path)
        assert entry.get(box["id"], entry)["media_id"] == good
        assert entry.get(box["id"], entry)["length"] == 3140


# --- migrated on access ---


def test_getting_an_old_message_migrates_it_and_returns_its_new_id(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], AUDIO)
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
    assert old_messages.read_array(account, box["id"]) == []
    assert old_messages.database(account).get(old) is not None, "the media document stays until it is purged"


def test_old_id_still_finds_the_message(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], AUDIO)
    path = f"vmboxes/{box['id']}/messages/{old}"
    assert api.post(path, {"folder": "saved"}).json()["data"]["media_id"] == new_id(now - DAY, old)
    assert api.get(path).json()["data"]["folder"] == "saved"
    assert api.get(f"{path}/raw").content == AUDIO
    assert api.delete(path).status_code == 200
    assert api.get(path).status_code == 404


def test_old_ids_are_told_from_thousands_that_are_those_of_no_message(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    entries = [old_messages.make_entry(timestamp=now - day * DAY) for day in (1, 2)]
    first, second = old_messages.add(account, box["id"], entries, AUDIO)
    path = f"vmboxes/{box['id']}/messages"
    assert api.post(path, {"messages": [first, second], "folder": "saved"}).status_code == 200
    unknown_ids = [f"{number}" for number in range(3_000)]
    outcome = api.post(path, {"messages": [first, *unknown_ids, second], "folder": "new"}).json()["data"]
    assert sorted(outcome["succeeded"]) == sorted([new_id(now - DAY, first), new_id(now - 2 * DAY, second)])
    assert outcome["failed"] == [{unknown_id: "not_found"} for unknown_id in unknown_ids]


def test_new_id_finds_the_message_before_it_is_migrated(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], AUDIO)
    assert api.get(f"vmboxes/{box['id']}/messages/{new_id(now - DAY, old)}/raw").content == AUDIO


def test_old_message_past_its_retention_can_be_read_but_not_changed(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry()], AUDIO)
    path = f"vmboxes/{box['id']}/messages/{old}"
    assert api.get(f"{path}/raw").content == AUDIO
    answer = api.post(path, {"folder": "new"})
    assert (answer.status_code, answer.json()["message"]) == (400, "prior_to_retention_duration")
    assert stored(account, f"201605-{old}")["metadata"]["folder"] == "deleted"


def test_bulk_change_of_old_messages_returns_their_new_ids(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    first, second, lost = old_messages.add(
        account, box["id"], [old_messages.make_entry(timestamp=now - day * DAY) for day in (1, 2, 3)], AUDIO
    )
    db = old_messages.database(account)
    db.delete(lost, (db.get(lost) or {})["_rev"])
    (recent,) = leave(account, box, [now - DAY])
    ids = [first, recent, second, lost, "a" * 32, first]
    outcome = api.post(f"vmboxes/{box['id']}/messages", {"messages": ids, "folder": "saved"}).json()["data"]
    migrated = [new_id(now - DAY, first), new_id(now - 2 * DAY, second)]
    assert sorted(outcome["succeeded"]) == sorted([*migrated, recent])
    assert {key: reason for failure in outcome["failed"] for key, reason in failure.items()} == {
        lost: "missing_audio",
        "a" * 32: "not_found",
    }
    assert [stored(account, message_id)["metadata"]["folder"] for message_id in migrated] == ["saved", "saved"]
    (remaining,) = old_messages.read_array(account, box["id"])
    assert (remaining["media_id"], remaining["migration_error"], remaining["migration_tries"]) == (
        lost,
        "no_audio",
        1,
    )


def test_old_message_is_moved_to_another_box_with_its_audio(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    other_box = api.new_box("3001")
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], AUDIO)
    change = {"messages": [old], "source_id": other_box["id"]}
    (moved,) = api.post(f"vmboxes/{box['id']}/messages", change).json()["data"]["succeeded"]
    assert api.get(f"vmboxes/{other_box['id']}/messages/{moved}/raw").content == AUDIO
    assert listed(api, f"vmboxes/{box['id']}/messages") == []


def test_zip_contains_the_audio_of_old_messages(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], AUDIO)
    answer = api.post(f"vmboxes/{box['id']}/messages/raw", {"messages": [old]})
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert [archive.read(name) for name in archive.namelist()] == [AUDIO]


def test_deleting_all_messages_deletes_old_ones(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    with_audio, saved = old_messages.add(
        account,
        box["id"],
        [old_messages.make_entry(timestamp=now - DAY), old_messages.make_entry(timestamp=now - DAY, folder="saved")],
        AUDIO,
    )
    (lost,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], None)
    path = f"vmboxes/{box['id']}/messages"
    outcome = api.delete(path, params={"folder": "saved"}).json()["data"]
    assert outcome == {"succeeded": [new_id(now - DAY, saved)], "failed": []}
    assert [entry["media_id"] for entry in listed(api, path)] != []
    outcome = api.delete(path).json()["data"]
    assert sorted(outcome["succeeded"]) == sorted(new_id(now - DAY, media_id) for media_id in (with_audio, lost))
    assert outcome["failed"] == []
    assert listed(api, path) == []
    assert old_messages.read_array(account, box["id"]) == []
    for media_id in (with_audio, saved, lost):
        assert stored(account, new_id(now - DAY, media_id))["pvt_deleted"] is True


def test_new_audio_replaces_lost_audio(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    (lost,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], None)
    path = f"vmboxes/{box['id']}/messages/{lost}/raw"
    assert api.get(path).status_code == 404
    answer = api.put(path, AUDIO, headers={"Content-Type": "audio/mpeg"})
    assert answer.status_code == 201, answer.text
    assert api.get(path).content == AUDIO
    assert old_messages.read_array(account, box["id"]) == []


def test_old_message_of_another_box_is_not_found(api: Api, account: Account, box: dict[str, Any], now: int) -> None:
    other_box = api.new_box("3001")
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], AUDIO)
    assert api.get(f"vmboxes/{other_box['id']}/messages/{old}").status_code == 404
    assert api.delete(f"vmboxes/{other_box['id']}/messages/{old}").status_code == 404
    assert len(old_messages.read_array(account, box["id"])) == 1


def test_account_made_by_kazoo_is_listed_without_setup(
    api: Api, account: Account, box: dict[str, Any], now: int
) -> None:
    db = old_messages.database(account)
    for name in ("_design/vmboxes_legacy", "_design/vmboxes_numbers"):
        db.put_design({**(db.get_design(name) or {}), "_deleted": True})
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - DAY)], AUDIO)
    assert listed(api, "vmboxes/messages")[0][box["id"]]["media_id"] == old
    assert api.new_box("3001")["mailbox"] == "3001"
    assert couch().database(db.name).get_design("_design/vmboxes_numbers") is not None
