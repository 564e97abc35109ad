"""Verifying finds whatever is not as it was; purging deletes only what nobody needs."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couch.client import Database
from tests.support.kazoo3 import Kazoo3Account, list_revisions, migrate_kazoo3, speech

Change = Callable[[Database, dict[str, Any]], None]


def metadata(**fields: Any) -> Change:
    def change(modb: Database, doc: dict[str, Any]) -> None:
        modb.put({**doc, "metadata": {**doc["metadata"], **fields}})

    return change


def delete(modb: Database, doc: dict[str, Any]) -> None:
    modb.delete(doc["_id"], doc["_rev"])


def other_audio(modb: Database, doc: dict[str, Any]) -> None:
    content = speech("something else")
    modb.put_with_attachment(doc, "uploaded_file.mp3", "audio/mpeg", io.BytesIO(content), len(content))


def no_audio(modb: Database, doc: dict[str, Any]) -> None:
    modb.put({key: value for key, value in doc.items() if key != "_attachments"})


def double(modb: Database, doc: dict[str, Any]) -> None:
    again = {key: value for key, value in doc.items() if key not in ("_rev", "_attachments")}
    other = f"201605-{'b' * 32}"
    described = {**doc["metadata"], "media_id": other}
    whole = {**again, "_id": other, "metadata": described}
    content = speech("second")
    modb.put_with_attachment(whole, "uploaded_file.mp3", "audio/mpeg", io.BytesIO(content), len(content))


IN_PLACE = [
    (delete, "missing", "deleted"),
    (other_audio, "differing", "audio"),
    (no_audio, "differing", "audio"),
    (metadata(timestamp=63_630_058_000), "differing", "timestamp"),
    (metadata(**{"from": "nobody@nowhere"}), "differing", "from"),
    (double, "extra", "twice"),
]
AGAINST_SOURCE = [
    (delete, "missing", "not_migrated"),
    (other_audio, "differing", "audio"),
    (no_audio, "differing", "audio"),
    (metadata(caller_id_name="Eve"), "differing", "caller_id_name"),
    (metadata(length=1), "differing", "length"),
    (metadata(folder="saved"), "differing", "folder"),
    (double, "extra", ""),
]


def verified(kazoo3: Kazoo3Account, tmp_path: Path, *arguments: str) -> tuple[int, list[tuple[str, str, str | None]]]:
    """The exit status, and what is told of all that is not as it should be."""
    report = tmp_path / "report.json"
    ran = migrate_kazoo3("--account", kazoo3.id, "--verify", "--report", str(report), *arguments)
    told = json.loads(report.read_text())["entries"]
    return ran.status, [
        (one["outcome"], one["reason"], one["media_id"]) for one in told if one["outcome"] != "verified"
    ]


@pytest.fixture
def two(kazoo3: Kazoo3Account) -> tuple[Kazoo3Account, str]:
    """An account with two messages; it, and the second's media id."""
    box = kazoo3.add_box()
    kazoo3.add_message(box, "first")
    return kazoo3, kazoo3.add_message(box, "second")["media_id"]


@pytest.mark.parametrize(("change", "outcome", "reason"), IN_PLACE)
def test_a_fault_in_place_is_found(
    two: tuple[Kazoo3Account, str], tmp_path: Path, change: Change, outcome: str, reason: str
) -> None:
    kazoo3, media_id = two
    assert migrate_kazoo3("--account", kazoo3.store().id).status == 0
    assert verified(kazoo3, tmp_path) == (0, [])
    change(kazoo3.modb(), kazoo3.stored_message(media_id))
    assert verified(kazoo3, tmp_path) == (1, [(outcome, reason, media_id)])


@pytest.mark.parametrize(("change", "outcome", "reason"), AGAINST_SOURCE)
def test_a_fault_against_a_backup_is_found(
    two: tuple[Kazoo3Account, str], tmp_path: Path, change: Change, outcome: str, reason: str
) -> None:
    kazoo3, media_id = two
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / f"{kazoo3.id}.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in kazoo3.docs.values()))
    assert migrate_kazoo3("--source", str(folder)).status == 0
    assert verified(kazoo3, tmp_path, "--source", str(folder)) == (0, [])
    change(kazoo3.modb(), kazoo3.stored_message(media_id))
    assert verified(kazoo3, tmp_path, "--source", str(folder)) == (1, [(outcome, reason, media_id)])


def test_what_users_did_since_is_no_fault(two: tuple[Kazoo3Account, str], tmp_path: Path) -> None:
    kazoo3, media_id = two
    migrate_kazoo3("--account", kazoo3.store().id)
    doc = kazoo3.stored_message(media_id)
    kazoo3.modb().put({**doc, "pvt_modified": doc["pvt_modified"] + 5, "pvt_deleted": True})
    assert verified(kazoo3, tmp_path) == (0, [("changed", "removed", media_id)])


def test_entries_that_are_left_are_missing_unless_they_are_marked(
    two: tuple[Kazoo3Account, str], tmp_path: Path
) -> None:
    kazoo3, _ = two
    box = next(doc for doc in kazoo3.docs.values() if doc["pvt_type"] == "vmbox")
    box["messages"].append({})
    migrate_kazoo3("--account", kazoo3.store().id)
    kazoo3.database.update(
        box["_id"], lambda doc: {**doc, "messages": [*doc["messages"], kazoo3.make_entry("c" * 32)]}
    )
    status, told = verified(kazoo3, tmp_path)
    assert status == 1
    assert sorted(told, key=str) == [("marked", "no_media_id", None), ("missing", "not_migrated", "c" * 32)]


def test_verifying_writes_nothing(two: tuple[Kazoo3Account, str], tmp_path: Path) -> None:
    kazoo3, _ = two
    migrate_kazoo3("--account", kazoo3.store().id)
    before = list_revisions(kazoo3.id)
    verified(kazoo3, tmp_path)
    assert list_revisions(kazoo3.id) == before


def purged(kazoo3: Kazoo3Account, tmp_path: Path, *arguments: str) -> dict[str, str]:
    """What became of each media document: the outcome, or the reason for which it is kept."""
    report = tmp_path / "report.json"
    assert migrate_kazoo3("--account", kazoo3.id, "--purge", "--report", str(report), *arguments).status == 0
    told = json.loads(report.read_text())["entries"]
    return {one["media_id"]: one["reason"] or one["outcome"] for one in told}


def test_purging_deletes_what_is_verified_and_keeps_what_is_needed(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box, other = kazoo3.add_box("3000"), kazoo3.add_box("3001")
    safe, differs, named, played, removed, lost = (kazoo3.add_message(box, str(n))["media_id"] for n in range(6))
    orphan = kazoo3.add_media(speech("orphan"))["_id"]
    silent = kazoo3.add_message(box, "silent")["media_id"]
    migrate_kazoo3("--account", kazoo3.store().id)
    other_audio(kazoo3.modb(), kazoo3.stored_message(differs))
    no_audio(kazoo3.modb(), kazoo3.stored_message(silent))
    delete(kazoo3.modb(), kazoo3.stored_message(lost))
    doc = kazoo3.stored_message(removed)
    kazoo3.modb().put({**doc, "pvt_deleted": True})
    kazoo3.database.update(
        other["_id"], lambda doc: {**doc, "messages": [kazoo3.make_entry(named)], "media": {"unavailable": played}}
    )
    expected = {
        safe: "purged",
        removed: "purged",
        differs: "audio_differs",
        named: "entry",
        played: "entry",
        silent: "not_copied",
    }
    before = list_revisions(kazoo3.id)
    assert purged(kazoo3, tmp_path, "--dry-run") == expected
    assert list_revisions(kazoo3.id) == before
    assert purged(kazoo3, tmp_path) == expected
    assert kazoo3.database.fetch([safe, removed]) == {}
    kept = [differs, named, played, silent, lost, orphan]
    assert sorted(kazoo3.database.fetch(kept)) == sorted(kept)
    assert kazoo3.read_audio(kazoo3.stored_message(safe)) == speech("0")


def test_what_a_link_needs_stays_until_it_is_resolved(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    media_id = kazoo3.add_message(kazoo3.add_box(), "linked")["media_id"]
    linked = migrate_kazoo3("--account", kazoo3.store().id, "--link-audio")
    assert linked.out.startswith("outcome")
    doc = kazoo3.stored_message(media_id)
    assert "_attachments" not in doc
    link = doc["pvt_attachments"]["uploaded_file.mp3"]["handler"]["kz_att_link"]
    assert link == {"att_dbname": doc["pvt_account_db"][:-7], "att_docid": media_id}
    assert verified(kazoo3, tmp_path) == (0, [])
    assert purged(kazoo3, tmp_path) == {media_id: "link"}
    resolved = migrate_kazoo3("--account", kazoo3.id)
    assert "resolved" in resolved.out
    assert kazoo3.read_audio(kazoo3.stored_message(media_id)) == speech("linked")
    assert "pvt_attachments" not in kazoo3.stored_message(media_id)
    assert purged(kazoo3, tmp_path) == {media_id: "purged"}
    assert verified(kazoo3, tmp_path) == (0, [])


def test_a_link_is_resolved_wherever_its_message_went(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    media_id = kazoo3.add_message(kazoo3.add_box(), "moved on")["media_id"]
    migrate_kazoo3("--account", kazoo3.store().id, "--link-audio")
    doc = kazoo3.stored_message(media_id)
    moved = {**doc, "_id": f"201605-{'d' * 32}", "history": [doc["source_id"]], "source_id": "a" * 32}
    moved["metadata"] = {**doc["metadata"], "media_id": moved["_id"]}
    del moved["_rev"]
    kazoo3.modb().put(moved)
    delete(kazoo3.modb(), doc)
    migrate_kazoo3("--account", kazoo3.id)
    assert kazoo3.read_audio(kazoo3.stored_message("d" * 32)) == speech("moved on")
