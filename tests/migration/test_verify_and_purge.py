"""Verification finds whatever is not as it was. Purging deletes only what nothing needs."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couch.database import Database
from tests.support.kazoo3 import Document, Kazoo3Account, list_revisions, migrate_kazoo3, speech

Change = Callable[[Database, Document], None]


def change_metadata(**fields: Any) -> Change:
    def change(modb: Database, message: Document) -> None:
        modb.put({**message, "metadata": {**message["metadata"], **fields}})

    return change


def delete(modb: Database, message: Document) -> None:
    modb.delete(message["_id"], message["_rev"])


def replace_audio(modb: Database, message: Document) -> None:
    _put_with_audio(modb, message, speech("something else"))


def remove_audio(modb: Database, message: Document) -> None:
    modb.put({key: value for key, value in message.items() if key != "_attachments"})


def duplicate(modb: Database, message: Document) -> None:
    fields = {key: value for key, value in message.items() if key not in ("_rev", "_attachments")}
    message_id = f"201605-{'b' * 32}"
    metadata = {**message["metadata"], "media_id": message_id}
    _put_with_audio(modb, {**fields, "_id": message_id, "metadata": metadata}, speech("second"))


def _put_with_audio(modb: Database, message: Document, content: bytes) -> None:
    modb.put_with_attachment(message, "uploaded_file.mp3", "audio/mpeg", io.BytesIO(content), len(content))


FAULTS_IN_PLACE = [
    (delete, "missing", "deleted"),
    (replace_audio, "differing", "audio"),
    (remove_audio, "differing", "audio"),
    (change_metadata(timestamp=63_630_058_000), "differing", "timestamp"),
    (change_metadata(**{"from": "nobody@nowhere"}), "differing", "from"),
    (duplicate, "extra", "twice"),
]
FAULTS_OF_IMPORTS = [
    (delete, "missing", "not_migrated"),
    (replace_audio, "differing", "audio"),
    (remove_audio, "differing", "audio"),
    (change_metadata(caller_id_name="Eve"), "differing", "caller_id_name"),
    (change_metadata(length=1), "differing", "length"),
    (change_metadata(folder="saved"), "differing", "folder"),
    (duplicate, "extra", ""),
]

Report = tuple[int, list[tuple[str, str, str | None]]]


def verify(kazoo3: Kazoo3Account, tmp_path: Path, *arguments: str) -> Report:
    """The exit status, and outcome, reason and media id of all that is not verified."""
    path = tmp_path / "report.json"
    result = migrate_kazoo3("--account", kazoo3.id, "--verify", "--report", str(path), *arguments)
    rows = json.loads(path.read_text())["entries"]
    return result.status, [
        (row["outcome"], row["reason"], row["media_id"]) for row in rows if row["outcome"] != "verified"
    ]


@pytest.fixture
def media_id(kazoo3: Kazoo3Account) -> str:
    """The media id of the second of two messages of the account."""
    box = kazoo3.add_box()
    kazoo3.add_message(box, "first")
    return str(kazoo3.add_message(box, "second")["media_id"])


@pytest.mark.parametrize(("change", "outcome", "reason"), FAULTS_IN_PLACE)
def test_fault_after_a_migration_in_place_is_found(
    kazoo3: Kazoo3Account, media_id: str, tmp_path: Path, change: Change, outcome: str, reason: str
) -> None:
    assert migrate_kazoo3("--account", kazoo3.store().id).status == 0
    assert verify(kazoo3, tmp_path) == (0, [])
    change(kazoo3.modb(), kazoo3.stored_message(media_id))
    assert verify(kazoo3, tmp_path) == (1, [(outcome, reason, media_id)])


@pytest.mark.parametrize(("change", "outcome", "reason"), FAULTS_OF_IMPORTS)
def test_fault_after_an_import_is_found(
    kazoo3: Kazoo3Account, media_id: str, tmp_path: Path, change: Change, outcome: str, reason: str
) -> None:
    backup = kazoo3.write_backup(tmp_path / "backup")
    assert migrate_kazoo3("--source", backup).status == 0
    assert verify(kazoo3, tmp_path, "--source", backup) == (0, [])
    change(kazoo3.modb(), kazoo3.stored_message(media_id))
    assert verify(kazoo3, tmp_path, "--source", backup) == (1, [(outcome, reason, media_id)])


def test_change_by_a_user_is_no_fault(kazoo3: Kazoo3Account, media_id: str, tmp_path: Path) -> None:
    migrate_kazoo3("--account", kazoo3.store().id)
    message = kazoo3.stored_message(media_id)
    kazoo3.modb().put({**message, "pvt_modified": message["pvt_modified"] + 5, "pvt_deleted": True})
    assert verify(kazoo3, tmp_path) == (0, [("changed", "removed", media_id)])


def test_remaining_entries_are_missing_unless_they_are_marked(
    kazoo3: Kazoo3Account, media_id: str, tmp_path: Path
) -> None:
    (box,) = (doc for doc in kazoo3.docs.values() if doc["pvt_type"] == "vmbox")
    box["messages"].append({})
    migrate_kazoo3("--account", kazoo3.store().id)
    entry = kazoo3.make_entry("c" * 32)
    kazoo3.database.update(box["_id"], lambda doc: {**doc, "messages": [*doc["messages"], entry]})
    status, rows = verify(kazoo3, tmp_path)
    assert status == 1
    assert sorted(rows, key=str) == [("marked", "no_media_id", None), ("missing", "not_migrated", "c" * 32)]


def test_verification_writes_nothing(kazoo3: Kazoo3Account, media_id: str, tmp_path: Path) -> None:
    migrate_kazoo3("--account", kazoo3.store().id)
    revisions = list_revisions(kazoo3.id)
    verify(kazoo3, tmp_path)
    assert list_revisions(kazoo3.id) == revisions


def purge(kazoo3: Kazoo3Account, tmp_path: Path, *arguments: str) -> dict[str, str]:
    """What became of each media document: the outcome, or the reason why it is kept."""
    path = tmp_path / "report.json"
    assert migrate_kazoo3("--account", kazoo3.id, "--purge", "--report", str(path), *arguments).status == 0
    return {row["media_id"]: row["reason"] or row["outcome"] for row in json.loads(path.read_text())["entries"]}


def test_purging_deletes_verified_media_and_keeps_needed_media(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box, other_box = kazoo3.add_box("3000"), kazoo3.add_box("3001")
    verified, differing, in_entry, in_greeting, of_removed, of_deleted, without_audio = (
        kazoo3.add_message(box, str(number))["media_id"] for number in range(7)
    )
    unclaimed = kazoo3.add_media(speech("unclaimed"))["_id"]
    migrate_kazoo3("--account", kazoo3.store().id)
    modb = kazoo3.modb()
    replace_audio(modb, kazoo3.stored_message(differing))
    remove_audio(modb, kazoo3.stored_message(without_audio))
    delete(modb, kazoo3.stored_message(of_deleted))
    modb.put({**kazoo3.stored_message(of_removed), "pvt_deleted": True})
    needed = {"messages": [kazoo3.make_entry(in_entry)], "media": {"unavailable": in_greeting}}
    kazoo3.database.update(other_box["_id"], lambda doc: {**doc, **needed})
    expected = {
        verified: "purged",
        of_removed: "purged",
        differing: "audio_differs",
        in_entry: "entry",
        in_greeting: "entry",
        without_audio: "not_copied",
    }
    revisions = list_revisions(kazoo3.id)
    assert purge(kazoo3, tmp_path, "--dry-run") == expected
    assert list_revisions(kazoo3.id) == revisions
    assert purge(kazoo3, tmp_path) == expected
    assert kazoo3.database.fetch([verified, of_removed]) == {}
    kept_ids = [differing, in_entry, in_greeting, without_audio, of_deleted, unclaimed]
    assert sorted(kazoo3.database.fetch(kept_ids)) == sorted(kept_ids)
    assert kazoo3.read_audio(kazoo3.stored_message(verified)) == speech("0")


def test_linked_media_is_kept_until_the_link_is_resolved(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    media_id = kazoo3.add_message(kazoo3.add_box(), "linked")["media_id"]
    assert migrate_kazoo3("--account", kazoo3.store().id, "--link-audio").out.startswith("outcome")
    message = kazoo3.stored_message(media_id)
    assert "_attachments" not in message
    link = message["pvt_attachments"]["uploaded_file.mp3"]["handler"]["kz_att_link"]
    assert link == {"att_dbname": message["pvt_account_db"][:-7], "att_docid": media_id}
    assert verify(kazoo3, tmp_path) == (0, [])
    assert purge(kazoo3, tmp_path) == {media_id: "link"}
    assert "resolved" in migrate_kazoo3("--account", kazoo3.id).out
    assert kazoo3.read_audio(kazoo3.stored_message(media_id)) == speech("linked")
    assert "pvt_attachments" not in kazoo3.stored_message(media_id)
    assert purge(kazoo3, tmp_path) == {media_id: "purged"}
    assert verify(kazoo3, tmp_path) == (0, [])


def test_link_of_a_moved_message_is_resolved(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    media_id = kazoo3.add_message(kazoo3.add_box(), "moved")["media_id"]
    migrate_kazoo3("--account", kazoo3.store().id, "--link-audio")
    message = kazoo3.stored_message(media_id)
    moved = {**message, "_id": f"201605-{'d' * 32}", "history": [message["source_id"]], "source_id": "a" * 32}
    moved["metadata"] = {**message["metadata"], "media_id": moved["_id"]}
    del moved["_rev"]
    kazoo3.modb().put(moved)
    delete(kazoo3.modb(), message)
    migrate_kazoo3("--account", kazoo3.id)
    assert kazoo3.read_audio(kazoo3.stored_message("d" * 32)) == speech("moved")
