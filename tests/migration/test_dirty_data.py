"""Dirty data of 3.x: whatever can become a message does, and nothing that can't is lost."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from couch.client import couch
from storage import gregorian
from tests.support.kazoo3 import (
    CREATED,
    MAY_2016,
    AccountMaker,
    Kazoo3Account,
    list_revisions,
    migrate_kazoo3,
    new_id,
    speech,
)


def migrate(kazoo3: Kazoo3Account, expected_status: int = 0) -> None:
    result = migrate_kazoo3("--account", kazoo3.id)
    assert result.status == expected_status, result


def remaining_entries(kazoo3: Kazoo3Account, box: dict[str, Any]) -> list[Any]:
    entries: list[Any] = kazoo3.stored_box(box)["messages"]
    return entries


def test_valid_entry_becomes_a_message_in_its_month(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box("3000")
    entry = kazoo3.add_message(box, "clean", folder="saved")
    migrate(kazoo3.store())
    doc = kazoo3.stored_message(entry["media_id"])
    assert doc["metadata"] == {
        **entry,
        "media_id": f"201605-{entry['media_id']}",
        "from_user": "1001",
        "from_realm": kazoo3.realm,
        "to_user": "3000",
        "to_realm": kazoo3.realm,
    }
    assert (doc["pvt_type"], doc["source_type"], doc["source_id"]) == ("mailbox_message", "voicemail", box["_id"])
    assert (doc["pvt_moved_to_modb"], doc["pvt_previous_id"]) == ("true", entry["media_id"])
    assert (doc["name"], doc["utc_seconds"]) == ("mailbox 3000 message 2016-05-10 0:18:42 UTC"[:-4], MAY_2016)
    assert doc["pvt_account_db"].endswith("-201605")
    assert doc["media_filename"] == "uploaded_file.mp3"
    assert kazoo3.read_audio(doc) == speech("clean")
    assert remaining_entries(kazoo3, box) == []


def test_media_document_stays_after_migration(kazoo3: Kazoo3Account) -> None:
    entry = kazoo3.add_message(kazoo3.add_box())
    migrate(kazoo3.store())
    media = kazoo3.database.get(entry["media_id"])
    assert media is not None
    assert list(media["_attachments"]) == ["uploaded_file.mp3"]


@pytest.mark.parametrize(
    "raw", [{}, {"folder": "new", "timestamp": MAY_2016}, {"media_id": None}, None, "junk", 7, []]
)
def test_entry_without_media_id_fails_and_stays_in_the_array(kazoo3: Kazoo3Account, raw: Any) -> None:
    box = kazoo3.add_box(entries=[raw])
    entry = kazoo3.add_message(box, "beside it")
    migrate(kazoo3.store(), expected_status=1)
    (remaining,) = remaining_entries(kazoo3, box)
    if isinstance(raw, dict):
        assert remaining == {**raw, "migration_error": "no_media_id", "migration_tries": 1}
    else:
        assert remaining == raw
    assert kazoo3.read_audio(kazoo3.stored_message(entry["media_id"])) == speech("beside it")


@pytest.mark.parametrize("timestamp", [None, "undefined", "", {}, [1], "soon", -5, 0, 1_463_000_000, True, 1e300])
def test_entry_without_time_takes_that_of_its_media_document(kazoo3: Kazoo3Account, timestamp: Any) -> None:
    box = kazoo3.add_box()
    media = kazoo3.add_media(speech("dated"), source_id=box["_id"], pvt_modified=MAY_2016, pvt_created=CREATED)
    box["messages"].append(kazoo3.make_entry(media["_id"], timestamp=timestamp))
    migrate(kazoo3.store())
    assert kazoo3.stored_message(media["_id"])["metadata"]["timestamp"] == MAY_2016


def test_time_of_an_entry_falls_back_to_media_document_then_box_then_now(kazoo3: Kazoo3Account) -> None:
    dated_box = kazoo3.add_box(pvt_created=MAY_2016, pvt_modified=None)
    undated_box = kazoo3.add_box("3001", pvt_created=None, pvt_modified=None)
    dated_media = kazoo3.add_media(speech("dated"), pvt_modified=None, pvt_created=MAY_2016)
    media_in_dated_box = kazoo3.add_media(speech("dated box"), pvt_modified=None, pvt_created="undefined")
    undated_media = kazoo3.add_media(speech("undated"), pvt_modified=None, pvt_created=None)
    for box, media in ((dated_box, dated_media), (dated_box, media_in_dated_box), (undated_box, undated_media)):
        entry = kazoo3.make_entry(media["_id"])
        del entry["timestamp"]
        box["messages"].append(entry)
    migrate(kazoo3.store())
    assert kazoo3.stored_message(dated_media["_id"])["utc_seconds"] == MAY_2016
    assert kazoo3.stored_message(media_in_dated_box["_id"])["utc_seconds"] == MAY_2016
    month = gregorian.month_of(gregorian.now())
    assert abs(kazoo3.stored_message(undated_media["_id"], month)["utc_seconds"] - gregorian.now()) < 600


@pytest.mark.parametrize("box_time", [None, MAY_2016], ids=["now", "the box's last change"])
@pytest.mark.parametrize("count", [1, 2])
def test_undated_message_is_found_again_by_a_run_in_another_month(
    kazoo3: Kazoo3Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, box_time: int | None, count: int
) -> None:
    """A run is killed after a message is stored, before its entry leaves the array. The next one is a month later."""
    media = kazoo3.add_media(speech("undated"), pvt_modified=None, pvt_created=None)
    entry = {"media_id": media["_id"]}
    boxes = [kazoo3.add_box(str(3000 + i), [entry], pvt_created=None, pvt_modified=box_time) for i in range(count)]
    backup = kazoo3.write_backup(tmp_path / "backup")
    migrate(kazoo3.store())
    messages = kazoo3.stored_messages()
    assert len(messages) == count
    now = gregorian.now() + 40 * 86_400
    monkeypatch.setattr(gregorian, "time", SimpleNamespace(time=lambda: now - gregorian.UNIX_OFFSET))
    for box in boxes:
        stored = kazoo3.stored_box(box)
        del stored["pvt_modified"]
        changes = {"pvt_modified": box_time + 40 * 86_400} if box_time else {}
        kazoo3.database.put({**stored, "messages": [entry], **changes})
    migrate(kazoo3)
    assert kazoo3.stored_messages() == messages
    assert [remaining_entries(kazoo3, box) for box in boxes] == [[]] * count
    assert migrate_kazoo3("--account", kazoo3.id, "--source", backup, "--verify").status == 0


def test_numbers_written_as_text_are_read(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box()
    entry = kazoo3.add_message(box, timestamp=str(MAY_2016), length="3140", caller_id_number=1001)
    migrate(kazoo3.store())
    doc = kazoo3.stored_message(entry["media_id"])
    metadata = doc["metadata"]
    fields = (metadata["timestamp"], metadata["length"], metadata["caller_id_number"])
    assert fields == (MAY_2016, 3140, "1001")


@pytest.mark.parametrize("length", [1e308, "9" * 300, -1, "long", None, []])
def test_invalid_length_becomes_1(kazoo3: Kazoo3Account, length: Any) -> None:
    box = kazoo3.add_box()
    entry = kazoo3.add_message(box, length=length)
    beside = kazoo3.add_message(box, "beside it")
    migrate(kazoo3.store())
    assert kazoo3.stored_message(entry["media_id"])["metadata"]["length"] == 1
    assert kazoo3.stored_message(beside["media_id"])["metadata"]["length"] == 3140


@pytest.mark.parametrize("tries", [1e308, "9" * 300, -1, "often", None])
def test_invalid_number_of_tries_is_counted_from_1(kazoo3: Kazoo3Account, tries: Any) -> None:
    box = kazoo3.add_box(entries=[{"migration_tries": tries}])
    migrate(kazoo3.store(), expected_status=1)
    assert remaining_entries(kazoo3, box) == [{"migration_error": "no_media_id", "migration_tries": 1}]


@pytest.mark.parametrize("folder", [None, "inbox", 5, ""])
def test_missing_or_unknown_folder_becomes_new(kazoo3: Kazoo3Account, folder: Any) -> None:
    entry = kazoo3.add_message(kazoo3.add_box(), folder=folder)
    migrate(kazoo3.store())
    assert kazoo3.stored_message(entry["media_id"])["metadata"]["folder"] == "new"


def test_entries_of_a_box_with_the_same_media_become_one_message(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box()
    entry = kazoo3.add_message(box)
    box["messages"] += [dict(entry), {**entry, "folder": "saved"}]
    migrate(kazoo3.store())
    assert list(kazoo3.stored_messages()) == [f"201605-{entry['media_id']}"]
    assert remaining_entries(kazoo3, box) == []


def test_entries_of_two_boxes_with_the_same_media_become_two_messages(kazoo3: Kazoo3Account) -> None:
    first, second = sorted([kazoo3.add_box("3000"), kazoo3.add_box("3001")], key=lambda box: str(box["_id"]))
    entry = kazoo3.add_message(first, "shared")
    second["messages"].append(dict(entry))
    migrate(kazoo3.store())
    messages = kazoo3.stored_messages()
    assert {doc["source_id"] for doc in messages.values()} == {first["_id"], second["_id"]}
    assert [kazoo3.read_audio(doc) for doc in messages.values()] == [speech("shared")] * 2
    # The plain id is that of the first box by id, whichever was quicker.
    assert messages[f"201605-{entry['media_id']}"]["source_id"] == first["_id"]


@pytest.mark.parametrize("kind", ["missing", "soft-deleted", "deleted", "silent"])
def test_entry_without_audio_is_marked_and_stays(kazoo3: Kazoo3Account, kind: str) -> None:
    box = kazoo3.add_box()
    fields: dict[str, Any] = {"pvt_deleted": True} if kind == "soft-deleted" else {}
    media = kazoo3.add_media(None if kind == "silent" else speech("gone"), **fields)
    box["messages"].append(kazoo3.make_entry(media["_id"]))
    if kind == "missing":
        del kazoo3.docs[media["_id"]]
    kazoo3.store()
    if kind == "deleted":
        stored = kazoo3.database.get(media["_id"])
        assert stored is not None
        kazoo3.database.delete(media["_id"], stored["_rev"])
    migrate(kazoo3, expected_status=1)
    assert remaining_entries(kazoo3, box) == [
        {**kazoo3.make_entry(media["_id"]), "migration_error": "no_audio", "migration_tries": 1}
    ]
    assert kazoo3.stored_messages() == {}


def test_second_run_changes_nothing(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box(3000, entries=[{}, kazoo3.make_entry(new_id())], notify_email_address="a@example.com")
    kazoo3.add_message(box)
    migrate(kazoo3.store(), expected_status=1)
    before = list_revisions(kazoo3.id)
    result = migrate_kazoo3("--account", kazoo3.id)
    assert result.status == 1
    assert list_revisions(kazoo3.id) == before


def test_marked_entry_is_tried_again(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box()
    entry = kazoo3.add_message(box, migration_error="no_audio", migration_tries=3)
    migrate(kazoo3.store())
    assert remaining_entries(kazoo3, box) == []
    assert "migration_error" not in kazoo3.stored_message(entry["media_id"])["metadata"]


def test_media_document_of_type_media_is_accepted(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box()
    media = kazoo3.add_media(speech("plain media"), pvt_type="media")
    box["messages"].append(kazoo3.make_entry(media["_id"]))
    migrate(kazoo3.store())
    assert kazoo3.read_audio(kazoo3.stored_message(media["_id"])) == speech("plain media")


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
def test_unusual_media_ids_become_ids_of_messages(kazoo3: Kazoo3Account, media_id: str, expected: str | None) -> None:
    box = kazoo3.add_box()
    kazoo3.add_media(speech(media_id), media_id)
    box["messages"].append(kazoo3.make_entry(media_id))
    migrate(kazoo3.store())
    ((message_id, doc),) = kazoo3.stored_messages().items()
    assert message_id.startswith("201605-")
    assert expected in (None, message_id)
    assert message_id.isprintable()
    assert "/" not in message_id
    assert doc["pvt_previous_id"] == media_id
    assert kazoo3.read_audio(doc) == speech(media_id)


def test_old_address_field_of_a_box_becomes_the_new_one(kazoo3: Kazoo3Account) -> None:
    old_box = kazoo3.add_box("3000", notify_email_address="a@example.com")
    mixed_box = kazoo3.add_box("3001", notify_email_address=["a@example.com", "b@example.com"])
    mixed_box["notify_email_addresses"] = ["b@example.com", "c@example.com"]
    migrate(kazoo3.store())
    assert kazoo3.stored_box(old_box)["notify_email_addresses"] == ["a@example.com"]
    assert kazoo3.stored_box(mixed_box)["notify_email_addresses"] == [
        "b@example.com",
        "c@example.com",
        "a@example.com",
    ]
    assert not [box for box in (old_box, mixed_box) if "notify_email_address" in kazoo3.stored_box(box)]


def test_integer_number_of_a_box_becomes_text(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box(3000)
    entry = kazoo3.add_message(box, to=None)
    migrate(kazoo3.store())
    assert kazoo3.stored_box(box)["mailbox"] == "3000"
    assert kazoo3.stored_message(entry["media_id"])["metadata"]["to"] == f"3000@{kazoo3.realm}"


def test_messages_of_a_deleted_box_are_stored_as_removed(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box(pvt_deleted=True)
    entry = kazoo3.add_message(box, "of a deleted box")
    migrate(kazoo3.store())
    doc = kazoo3.stored_message(entry["media_id"])
    assert (doc["pvt_deleted"], doc["metadata"]["folder"]) == (True, "deleted")
    assert kazoo3.read_audio(doc) == speech("of a deleted box")
    stored = kazoo3.stored_box(box)
    assert (stored["messages"], stored["pvt_deleted"]) == ([], True)


def test_deleted_account_stays_as_it_is(new_kazoo3_account: AccountMaker) -> None:
    kazoo3 = new_kazoo3_account(pvt_deleted=True)
    box = kazoo3.add_box()
    kazoo3.add_message(box)
    kazoo3.store()
    result = migrate_kazoo3("--account", kazoo3.id)
    assert result.status == 0
    assert f"Account {kazoo3.id} is deleted: its 1 messages stay" in result.out
    assert len(remaining_entries(kazoo3, box)) == 1
    assert kazoo3.modb_names() == []


def test_transcription_is_copied(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box()
    transcription = {"result": "success", "text": "call me"}
    media = kazoo3.add_media(speech("call me"), transcription=transcription)
    box["messages"].append(kazoo3.make_entry(media["_id"]))
    migrate(kazoo3.store())
    assert kazoo3.stored_message(media["_id"])["transcription"] == transcription


def test_box_whose_messages_are_no_array_is_skipped(kazoo3: Kazoo3Account) -> None:
    kazoo3.add_box("3000", messages="none")
    kazoo3.add_box("3001", messages={"a": 1})
    entry = kazoo3.add_message(kazoo3.add_box("3002"))
    migrate(kazoo3.store())
    assert list(kazoo3.stored_messages()) == [f"201605-{entry['media_id']}"]


def test_dry_run_reports_the_same_and_writes_nothing(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box(3000, entries=[{}, kazoo3.make_entry(new_id())])
    entry = kazoo3.add_message(box)
    box["messages"].append(dict(entry))
    kazoo3.store()
    couch().create(f"{kazoo3.database.name}-201605")  # a month of a Kazoo that has none of our views
    before = list_revisions(kazoo3.id)
    dry = migrate_kazoo3("--account", kazoo3.id, "--dry-run", "--batch", "1")
    assert list_revisions(kazoo3.id) == before
    real = migrate_kazoo3("--account", kazoo3.id, "--batch", "1")
    assert dry.out.splitlines()[:-1] == real.out.splitlines()[:-1]
    assert (dry.status, real.status) == (1, 1)
    assert "dry run: nothing was written" in dry.out
    assert "dry run" not in real.out
