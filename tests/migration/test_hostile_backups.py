"""Backups whose content is hostile or damaged, and what verifying says of them: nothing is lost, nothing crashes."""

import json
from pathlib import Path
from typing import Any

import pytest

from migration.backups import attachments, parsing
from tests.support.kazoo3 import MAY_2016, AccountMaker, Kazoo3Account, list_revisions, migrate_kazoo3, new_id, speech


def backup(kazoo3: Kazoo3Account, folder: Path, *, one_line: bool = False) -> str:
    """A backup of an account, spelled in ASCII, broken characters as escapes."""
    folder.mkdir(exist_ok=True)
    docs = [json.dumps(doc) for doc in kazoo3.docs.values()]
    text = '{"docs":[' + ",".join(docs) + "]}" if one_line else "\n".join(docs)
    (folder / f"{kazoo3.id}.json").write_text(text)
    return str(folder)


def statuses(source: str) -> list[int]:
    """Of a migration, and of verifying it."""
    return [migrate_kazoo3("--source", source, *arguments).status for arguments in ((), ("--verify",))]


@pytest.mark.parametrize("one_line", [False, True], ids=["lines", "one line"])
def test_a_long_text_that_looks_like_an_attachment_stays_a_text(
    kazoo3: Kazoo3Account, tmp_path: Path, one_line: bool
) -> None:
    box = kazoo3.add_box("3000", notes={"A" * 9000: ["B" * 9000, "C" * 9000 + "\\/"]})
    entry = kazoo3.add_message(box, "hello", caller_id_name="x" * 100_000)
    assert statuses(backup(kazoo3, tmp_path / "b", one_line=one_line)) == [0, 0]
    assert kazoo3.stored_message(entry["media_id"])["metadata"]["caller_id_name"] == "x" * 100_000
    assert kazoo3.stored_box(box)["notes"] == box["notes"]


def test_halves_of_characters_are_no_end_of_a_backup(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box("3000")
    names = ["high \ud800", "low \udfff", "whole \U0001f600", "spelled \\ud800", "both \udc00\ud800"]
    entries = [
        kazoo3.add_message(box, name.encode("utf-8", "replace").decode(), caller_id_name=name) for name in names
    ]
    # Longer than what is looked at to tell how a file is written.
    kazoo3.add("callflow", text="x " * 600_000)
    assert statuses(backup(kazoo3, tmp_path / "b", one_line=True)) == [0, 0]
    found = [kazoo3.stored_message(entry["media_id"])["metadata"]["caller_id_name"] for entry in entries]
    assert found == ["high \ufffd", "low \ufffd", "whole \U0001f600", "spelled \\ud800", "both \ufffd\ufffd"]


@pytest.mark.parametrize("piece", [1, 2, 5, 7, 11, 4096])
def test_broken_characters_are_mended_wherever_reads_end(tmp_path: Path, piece: int) -> None:
    escapes = rb"\ud83d\ude00 \ud800 \\ud800 \\\ud800\ud800\udc00 \udfff " + b"\xff" + rb" \n\u0041\"" + rb"\\" * 30
    mended = ['\U0001f600 \ufffd \\ud800 \\\ufffd\U00010000 \ufffd \ufffd \nA"' + "\\" * 30, "ä"]
    path = tmp_path / "file"
    filler = b'{"_id":"filler","text":"' + b"x " * 600_000 + b'"}'
    path.write_bytes(b'{"docs":[' + filler + b',{"_id":"a","text":["' + escapes + '","ä"]}]}'.encode())
    told: list[str] = []
    with path.open("rb") as file:
        _, doc = parsing.parse_documents(Slow(file, piece), told.append)
    assert (doc["text"], told) == (mended, [])


class Slow:
    """A file that gives few bytes at a time, once its beginning is read."""

    def __init__(self, file: Any, piece: int) -> None:
        self._file, self._piece = attachments.AttachmentExtractor(file), piece
        self._held = b""
        self._given = 0

    def read(self, size: int = -1, /) -> bytes:
        if size == 0:
            return b""
        if self._given < 1_100_000:
            piece = self._file.read(65_536)
        else:
            self._held = self._held or self._file.read(65_536)
            piece, self._held = self._held[: self._piece], self._held[self._piece :]
        self._given += len(piece)
        return piece


def test_numbers_that_nothing_can_store_are_no_end_of_a_backup(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box("3000", huge=10**30, broken="\ud800")
    entry = kazoo3.add_message(box, timestamp=10**30)
    kazoo3.docs[entry["media_id"]]["pvt_modified"] = MAY_2016
    assert statuses(backup(kazoo3, tmp_path / "b")) == [0, 0]
    assert kazoo3.stored_message(entry["media_id"])["utc_seconds"] == MAY_2016
    assert kazoo3.stored_box(box)["huge"] == 1e30


def test_entries_that_are_one_message_are_verified_as_one(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    """Whichever of them became it: they differ in folder, and the later one comes first."""
    box = kazoo3.add_box("3000")
    later = kazoo3.add_message(box, "hello", folder="saved", timestamp=MAY_2016 + 5)
    box["messages"] += [{**later, "folder": "new", "timestamp": MAY_2016}, {**later, "folder": "deleted"}]
    assert statuses(backup(kazoo3, tmp_path / "b")) == [0, 0]
    (doc,) = kazoo3.stored_messages().values()
    assert (doc["metadata"]["folder"], doc["utc_seconds"]) == ("new", MAY_2016)


def test_a_deleted_account_is_no_fault(
    kazoo3: Kazoo3Account, new_kazoo3_account: AccountMaker, tmp_path: Path
) -> None:
    kazoo3.account["pvt_deleted"] = True
    kazoo3.add_message(kazoo3.add_box("3000"))
    source = backup(kazoo3, tmp_path / "b")
    assert statuses(source) == [0, 0]
    ran = migrate_kazoo3("--source", source, "--verify")
    assert f"Account {kazoo3.id} is deleted" in ran.out
    here = new_kazoo3_account(pvt_deleted=True)
    here.add_message(here.add_box("3000"))
    assert migrate_kazoo3("--account", here.store().id, "--verify").status == 0


@pytest.mark.parametrize("odd", [{"0": {"media_id": "a"}}, "text", 5])
def test_what_is_no_array_is_told_and_kept(kazoo3: Kazoo3Account, tmp_path: Path, odd: Any) -> None:
    box = kazoo3.add_box("3000", messages=odd)
    source = backup(kazoo3, tmp_path / "b")
    assert statuses(source) == [0, 0]
    assert kazoo3.stored_box(box)["messages"] == odd
    told = f"Box {box['_id']} of account {kazoo3.id} has `messages` that are no array"
    assert told in migrate_kazoo3("--source", source, "--dry-run").out
    before = list_revisions(kazoo3.id)
    assert told in migrate_kazoo3("--account", kazoo3.id).out
    assert list_revisions(kazoo3.id) == before


def test_two_accounts_of_a_backup_share_nothing(
    kazoo3: Kazoo3Account, new_kazoo3_account: AccountMaker, tmp_path: Path
) -> None:
    """An entry that names another account's media document has no audio here."""
    foreign = new_id()
    other = new_kazoo3_account()
    other.add_media(speech("foreign"), foreign)
    box = kazoo3.add_box("3000", [kazoo3.make_entry(foreign)])
    backup(other, tmp_path / "b")
    assert statuses(backup(kazoo3, tmp_path / "b")) == [1, 0]
    assert kazoo3.stored_box(box)["messages"][0]["migration_error"] == "no_audio"


def test_of_two_accounts_with_one_realm_the_first_by_id_has_it(
    new_kazoo3_account: AccountMaker, tmp_path: Path
) -> None:
    """Whichever is looked at first, and however often it is done."""
    first, second = sorted((new_kazoo3_account(), new_kazoo3_account()), key=lambda one: one.id)
    second.account["realm"] = first.realm.upper()
    for one in (first, second):
        one.add_message(one.add_box("3000"))
        source = backup(one, tmp_path / "b")
    for _ in range(2):
        ran = migrate_kazoo3("--source", source)
        assert ran.status == 1
        assert f"Account {second.id} is left out: its realm {first.realm} belongs to account {first.id}" in ran.out
    assert len(first.stored_messages()) == 1
    assert not second.database.exists()


def test_a_file_that_is_no_backup_is_told(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    kazoo3.add_message(kazoo3.add_box("3000"))
    source = backup(kazoo3, tmp_path / "b")
    (tmp_path / "b" / "README").write_text("Backups of Monday")
    ran = migrate_kazoo3("--source", source)
    assert ran.status == 0
    assert "README: it holds no documents in JSON" in ran.out
