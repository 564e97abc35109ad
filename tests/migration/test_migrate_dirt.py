"""What 3.x left is dirty in many ways: whatever can become a message does, and nothing that can't is lost."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from couch.client import couch
from storage import gregorian
from tests.support.kazoo3 import CREATED, MAY_2016, Kazoo3, Maker, migrate, new_id, snapshot, speech


def migrated(old: Kazoo3, expected_status: int = 0) -> Kazoo3:
    ran = migrate("--account", old.id)
    assert ran.status == expected_status, ran
    return old


def left(old: Kazoo3, box: dict[str, Any]) -> list[Any]:
    found: list[Any] = old.stored_box(box)["messages"]
    return found


def test_a_clean_message_becomes_one_in_the_month_it_was_left_in(old: Kazoo3) -> None:
    box = old.box("3000")
    entry = old.message(box, "clean", folder="saved")
    migrated(old.store())
    doc = old.stored_message(entry["media_id"])
    assert doc["metadata"] == {
        **entry,
        "media_id": f"201605-{entry['media_id']}",
        "from_user": "1001",
        "from_realm": old.realm,
        "to_user": "3000",
        "to_realm": old.realm,
    }
    assert (doc["pvt_type"], doc["source_type"], doc["source_id"]) == ("mailbox_message", "voicemail", box["_id"])
    assert (doc["pvt_moved_to_modb"], doc["pvt_previous_id"]) == ("true", entry["media_id"])
    assert (doc["name"], doc["utc_seconds"]) == ("mailbox 3000 message 2016-05-10 0:18:42 UTC"[:-4], MAY_2016)
    assert doc["pvt_account_db"].endswith("-201605")
    assert doc["media_filename"] == "uploaded_file.mp3"
    assert old.audio_of(doc) == speech("clean")
    assert left(old, box) == []


def test_the_media_document_stays(old: Kazoo3) -> None:
    entry = old.message(old.box())
    migrated(old.store())
    media = old.db.get(entry["media_id"])
    assert media is not None
    assert list(media["_attachments"]) == ["uploaded_file.mp3"]


@pytest.mark.parametrize(
    "raw", [{}, {"folder": "new", "timestamp": MAY_2016}, {"media_id": None}, None, "junk", 7, []]
)
def test_an_entry_without_media_id_stays_and_fails(old: Kazoo3, raw: Any) -> None:
    box = old.box(entries=[raw])
    entry = old.message(box, "beside it")
    migrated(old.store(), expected_status=1)
    (kept,) = left(old, box)
    if isinstance(raw, dict):
        assert kept == {**raw, "migration_error": "no_media_id", "migration_tries": 1}
    else:
        assert kept == raw
    assert old.audio_of(old.stored_message(entry["media_id"])) == speech("beside it")


@pytest.mark.parametrize("timestamp", [None, "undefined", "", {}, [1], "soon", -5, 0, 1_463_000_000, True, 1e300])
def test_a_message_without_a_time_has_that_of_its_media_document(old: Kazoo3, timestamp: Any) -> None:
    box = old.box()
    media = old.media(speech("when"), source_id=box["_id"], pvt_modified=MAY_2016, pvt_created=CREATED)
    box["messages"].append(old.entry(media["_id"], timestamp=timestamp))
    migrated(old.store())
    assert old.stored_message(media["_id"])["metadata"]["timestamp"] == MAY_2016


def test_times_fall_back_to_the_creation_of_the_media_document_then_of_the_box_then_to_now(old: Kazoo3) -> None:
    box = old.box(pvt_created=MAY_2016, pvt_modified=None)
    created = old.media(speech("created"), pvt_modified=None, pvt_created=MAY_2016)
    timeless = old.media(speech("timeless"), pvt_modified=None, pvt_created="undefined")
    never = old.box("3001", pvt_created=None, pvt_modified=None)
    nowhere = old.media(speech("nowhere"), pvt_modified=None, pvt_created=None)
    for one, media in ((box, created), (box, timeless), (never, nowhere)):
        entry = old.entry(media["_id"])
        del entry["timestamp"]
        one["messages"].append(entry)
    migrated(old.store())
    assert old.stored_message(created["_id"])["utc_seconds"] == MAY_2016
    assert old.stored_message(timeless["_id"])["utc_seconds"] == MAY_2016
    month = gregorian.month_of(gregorian.now())
    assert abs(old.stored_message(nowhere["_id"], month)["utc_seconds"] - gregorian.now()) < 600


@pytest.mark.parametrize("box_time", [None, MAY_2016], ids=["now", "the box's last change"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_message_without_a_time_is_found_again_in_another_month(
    old: Kazoo3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, box_time: int | None, count: int
) -> None:
    """Killed after a message is stored, before its entry leaves the array; and run again a month later."""
    media = old.media(speech("timeless"), pvt_modified=None, pvt_created=None)
    entry = {"media_id": media["_id"]}
    boxes = [old.box(str(3000 + i), [entry], pvt_created=None, pvt_modified=box_time) for i in range(count)]
    (tmp_path / f"{old.id}.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in old.docs.values()))
    migrated(old.store())
    first = old.messages()
    assert len(first) == count
    now = gregorian.now() + 40 * 86_400
    monkeypatch.setattr(gregorian, "time", SimpleNamespace(time=lambda: now - gregorian.UNIX_OFFSET))
    for box in boxes:
        stored = old.stored_box(box)
        del stored["pvt_modified"]
        changed = {"pvt_modified": box_time + 40 * 86_400} if box_time else {}
        old.db.put({**stored, "messages": [entry], **changed})
    migrated(old)
    assert old.messages() == first
    assert [left(old, box) for box in boxes] == [[]] * count
    assert migrate("--account", old.id, "--source", str(tmp_path), "--verify").status == 0


def test_numbers_as_texts_are_numbers(old: Kazoo3) -> None:
    box = old.box()
    entry = old.message(box, timestamp=str(MAY_2016), length="3140", caller_id_number=1001)
    migrated(old.store())
    doc = old.stored_message(entry["media_id"])
    told = doc["metadata"]
    assert (told["timestamp"], told["length"], told["caller_id_number"]) == (MAY_2016, 3140, "1001")


@pytest.mark.parametrize("length", [1e308, "9" * 300, -1, "long", None, []])
def test_a_length_that_is_none_is_one(old: Kazoo3, length: Any) -> None:
    box = old.box()
    entry = old.message(box, length=length)
    beside = old.message(box, "beside it")
    migrated(old.store())
    assert old.stored_message(entry["media_id"])["metadata"]["length"] == 1
    assert old.stored_message(beside["media_id"])["metadata"]["length"] == 3140


@pytest.mark.parametrize("tries", [1e308, "9" * 300, -1, "often", None])
def test_a_number_of_attempts_that_is_none_is_counted_anew(old: Kazoo3, tries: Any) -> None:
    box = old.box(entries=[{"migration_tries": tries}])
    migrated(old.store(), expected_status=1)
    assert left(old, box) == [{"migration_error": "no_media_id", "migration_tries": 1}]


@pytest.mark.parametrize("folder", [None, "inbox", 5, ""])
def test_a_missing_or_unknown_folder_is_new(old: Kazoo3, folder: Any) -> None:
    entry = old.message(old.box(), folder=folder)
    migrated(old.store())
    assert old.stored_message(entry["media_id"])["metadata"]["folder"] == "new"


def test_the_same_media_twice_in_a_box_is_one_message(old: Kazoo3) -> None:
    box = old.box()
    entry = old.message(box)
    box["messages"] += [dict(entry), {**entry, "folder": "saved"}]
    migrated(old.store())
    assert list(old.messages()) == [f"201605-{entry['media_id']}"]
    assert left(old, box) == []


def test_the_same_media_in_two_boxes_is_a_message_in_each(old: Kazoo3) -> None:
    first, second = sorted([old.box("3000"), old.box("3001")], key=lambda box: str(box["_id"]))
    entry = old.message(first, "shared")
    second["messages"].append(dict(entry))
    migrated(old.store())
    found = old.messages()
    assert {doc["source_id"] for doc in found.values()} == {first["_id"], second["_id"]}
    assert [old.audio_of(doc) for doc in found.values()] == [speech("shared")] * 2
    # The plain id is that of the first box by id, whichever was quicker.
    assert found[f"201605-{entry['media_id']}"]["source_id"] == first["_id"]


@pytest.mark.parametrize("kind", ["missing", "soft-deleted", "deleted", "silent"])
def test_a_message_without_audio_stays_marked(old: Kazoo3, kind: str) -> None:
    box = old.box()
    fields: dict[str, Any] = {"pvt_deleted": True} if kind == "soft-deleted" else {}
    media = old.media(None if kind == "silent" else speech("gone"), **fields)
    box["messages"].append(old.entry(media["_id"]))
    if kind == "missing":
        del old.docs[media["_id"]]
    old.store()
    if kind == "deleted":
        stored = old.db.get(media["_id"])
        assert stored is not None
        old.db.delete(media["_id"], stored["_rev"])
    migrated(old, expected_status=1)
    assert left(old, box) == [{**old.entry(media["_id"]), "migration_error": "no_audio", "migration_tries": 1}]
    assert old.messages() == {}


def test_a_repeat_changes_nothing(old: Kazoo3, created_accounts: list[str]) -> None:
    box = old.box(3000, entries=[{}, old.entry(new_id())], notify_email_address="a@example.com")
    old.message(box)
    migrated(old.store(), expected_status=1)
    before = snapshot([old.id])
    ran = migrate("--account", old.id)
    assert ran.status == 1
    assert snapshot([old.id]) == before


def test_an_entry_that_an_earlier_attempt_marked_is_tried_again(old: Kazoo3) -> None:
    box = old.box()
    entry = old.message(box, migration_error="no_audio", migration_tries=3)
    migrated(old.store())
    assert left(old, box) == []
    assert "migration_error" not in old.stored_message(entry["media_id"])["metadata"]


def test_media_of_either_type_will_do(old: Kazoo3) -> None:
    box = old.box()
    media = old.media(speech("plain media"), pvt_type="media")
    box["messages"].append(old.entry(media["_id"]))
    migrated(old.store())
    assert old.audio_of(old.stored_message(media["_id"])) == speech("plain media")


@pytest.mark.parametrize(
    ("media_id", "expected"),
    [
        ("msg-17", "201605-msg-17"),
        ("vm/17", None),
        ("../../etc/passwd", None),
        ("M\u00fcller 17", None),
        ("A" * 300, None),
        ("ABCDEF0123456789ABCDEF0123456789", "201605-ABCDEF0123456789ABCDEF0123456789"),
    ],
)
def test_odd_media_ids_become_ids_of_messages(old: Kazoo3, media_id: str, expected: str | None) -> None:
    box = old.box()
    old.media(speech(media_id), media_id)
    box["messages"].append(old.entry(media_id))
    migrated(old.store())
    ((message_id, doc),) = old.messages().items()
    assert message_id.startswith("201605-")
    assert expected in (None, message_id)
    assert message_id.isprintable()
    assert "/" not in message_id
    assert doc["pvt_previous_id"] == media_id
    assert old.audio_of(doc) == speech(media_id)


def test_the_old_name_of_the_addresses_becomes_the_new_one(old: Kazoo3) -> None:
    one = old.box("3000", notify_email_address="a@example.com")
    both = old.box("3001", notify_email_address=["a@example.com", "b@example.com"])
    both["notify_email_addresses"] = ["b@example.com", "c@example.com"]
    migrated(old.store())
    assert old.stored_box(one)["notify_email_addresses"] == ["a@example.com"]
    assert old.stored_box(both)["notify_email_addresses"] == ["b@example.com", "c@example.com", "a@example.com"]
    assert not [box for box in (one, both) if "notify_email_address" in old.stored_box(box)]


def test_an_integer_as_number_becomes_text(old: Kazoo3) -> None:
    box = old.box(3000)
    entry = old.message(box, to=None)
    migrated(old.store())
    assert old.stored_box(box)["mailbox"] == "3000"
    assert old.stored_message(entry["media_id"])["metadata"]["to"] == f"3000@{old.realm}"


def test_the_messages_of_a_deleted_box_are_kept_and_in_no_listing(old: Kazoo3) -> None:
    box = old.box(pvt_deleted=True)
    entry = old.message(box, "of a deleted box")
    migrated(old.store())
    doc = old.stored_message(entry["media_id"])
    assert (doc["pvt_deleted"], doc["metadata"]["folder"]) == (True, "deleted")
    assert old.audio_of(doc) == speech("of a deleted box")
    stored = old.stored_box(box)
    assert (stored["messages"], stored["pvt_deleted"]) == ([], True)


def test_a_deleted_account_is_left_alone(old_account: Maker) -> None:
    old = old_account(pvt_deleted=True)
    box = old.box()
    old.message(box)
    old.store()
    ran = migrate("--account", old.id)
    assert ran.status == 0
    assert f"Account {old.id} is deleted: its 1 messages stay" in ran.out
    assert len(left(old, box)) == 1
    assert old.months() == []


def test_a_transcription_comes_along(old: Kazoo3) -> None:
    box = old.box()
    told = {"result": "success", "text": "call me"}
    media = old.media(speech("told"), transcription=told)
    box["messages"].append(old.entry(media["_id"]))
    migrated(old.store())
    assert old.stored_message(media["_id"])["transcription"] == told


def test_a_box_whose_array_is_no_array_is_passed_over(old: Kazoo3) -> None:
    old.box("3000", messages="none")
    old.box("3001", messages={"a": 1})
    entry = old.message(old.box("3002"))
    migrated(old.store())
    assert list(old.messages()) == [f"201605-{entry['media_id']}"]


def test_a_dry_run_writes_nothing_and_tells_the_same(old: Kazoo3) -> None:
    box = old.box(3000, entries=[{}, old.entry(new_id())])
    entry = old.message(box)
    box["messages"].append(dict(entry))
    old.store()
    couch().create(f"{old.db.name}-201605")  # a month of a Kazoo that has none of our views
    before = snapshot([old.id])
    dry = migrate("--account", old.id, "--dry-run", "--batch", "1")
    assert snapshot([old.id]) == before
    real = migrate("--account", old.id, "--batch", "1")
    assert dry.out.splitlines()[:-1] == real.out.splitlines()[:-1]
    assert (dry.status, real.status) == (1, 1)
    assert "dry run: nothing was written" in dry.out
    assert "dry run" not in real.out
