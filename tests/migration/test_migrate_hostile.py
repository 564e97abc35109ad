"""Backups whose content is hostile or damaged, and what verifying says of them: nothing is lost, nothing crashes."""

import json
from pathlib import Path
from typing import Any

import pytest

from migration.backups import attachments, parsing
from tests.support.kazoo3 import MAY_2016, Kazoo3, Maker, migrate, new_id, snapshot, speech


def backup(old: Kazoo3, folder: Path, *, one_line: bool = False) -> str:
    """A backup of an account, spelled in ASCII, broken characters as escapes."""
    folder.mkdir(exist_ok=True)
    docs = [json.dumps(doc) for doc in old.docs.values()]
    text = '{"docs":[' + ",".join(docs) + "]}" if one_line else "\n".join(docs)
    (folder / f"{old.id}.json").write_text(text)
    return str(folder)


def statuses(source: str) -> list[int]:
    """Of a migration, and of verifying it."""
    return [migrate("--source", source, *arguments).status for arguments in ((), ("--verify",))]


@pytest.mark.parametrize("one_line", [False, True], ids=["lines", "one line"])
def test_a_long_text_that_looks_like_an_attachment_stays_a_text(old: Kazoo3, tmp_path: Path, one_line: bool) -> None:
    box = old.box("3000", notes={"A" * 9000: ["B" * 9000, "C" * 9000 + "\\/"]})
    entry = old.message(box, "hello", caller_id_name="x" * 100_000)
    assert statuses(backup(old, tmp_path / "b", one_line=one_line)) == [0, 0]
    assert old.stored_message(entry["media_id"])["metadata"]["caller_id_name"] == "x" * 100_000
    assert old.stored_box(box)["notes"] == box["notes"]


def test_halves_of_characters_are_no_end_of_a_backup(old: Kazoo3, tmp_path: Path) -> None:
    box = old.box("3000")
    names = ["high \ud800", "low \udfff", "whole \U0001f600", "spelled \\ud800", "both \udc00\ud800"]
    entries = [old.message(box, name.encode("utf-8", "replace").decode(), caller_id_name=name) for name in names]
    # Longer than what is looked at to tell how a file is written.
    old.add("callflow", text="x " * 600_000)
    assert statuses(backup(old, tmp_path / "b", one_line=True)) == [0, 0]
    found = [old.stored_message(entry["media_id"])["metadata"]["caller_id_name"] for entry in entries]
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


def test_numbers_that_nothing_can_store_are_no_end_of_a_backup(old: Kazoo3, tmp_path: Path) -> None:
    box = old.box("3000", huge=10**30, broken="\ud800")
    entry = old.message(box, timestamp=10**30)
    old.docs[entry["media_id"]]["pvt_modified"] = MAY_2016
    assert statuses(backup(old, tmp_path / "b")) == [0, 0]
    assert old.stored_message(entry["media_id"])["utc_seconds"] == MAY_2016
    assert old.stored_box(box)["huge"] == 1e30


def test_entries_that_are_one_message_are_verified_as_one(old: Kazoo3, tmp_path: Path) -> None:
    """Whichever of them became it: they differ in folder, and the later one comes first."""
    box = old.box("3000")
    later = old.message(box, "hello", folder="saved", timestamp=MAY_2016 + 5)
    box["messages"] += [{**later, "folder": "new", "timestamp": MAY_2016}, {**later, "folder": "deleted"}]
    assert statuses(backup(old, tmp_path / "b")) == [0, 0]
    (doc,) = old.messages().values()
    assert (doc["metadata"]["folder"], doc["utc_seconds"]) == ("new", MAY_2016)


def test_a_deleted_account_is_no_fault(old: Kazoo3, old_account: Maker, tmp_path: Path) -> None:
    old.account["pvt_deleted"] = True
    old.message(old.box("3000"))
    source = backup(old, tmp_path / "b")
    assert statuses(source) == [0, 0]
    ran = migrate("--source", source, "--verify")
    assert f"Account {old.id} is deleted" in ran.out
    here = old_account(pvt_deleted=True)
    here.message(here.box("3000"))
    assert migrate("--account", here.store().id, "--verify").status == 0


@pytest.mark.parametrize("odd", [{"0": {"media_id": "a"}}, "text", 5])
def test_what_is_no_array_is_told_and_kept(old: Kazoo3, tmp_path: Path, odd: Any) -> None:
    box = old.box("3000", messages=odd)
    source = backup(old, tmp_path / "b")
    assert statuses(source) == [0, 0]
    assert old.stored_box(box)["messages"] == odd
    told = f"Box {box['_id']} of account {old.id} has `messages` that are no array"
    assert told in migrate("--source", source, "--dry-run").out
    before = snapshot([old.id])
    assert told in migrate("--account", old.id).out
    assert snapshot([old.id]) == before


def test_two_accounts_of_a_backup_share_nothing(old: Kazoo3, old_account: Maker, tmp_path: Path) -> None:
    """An entry that names another account's media document has no audio here."""
    foreign = new_id()
    other = old_account()
    other.media(speech("foreign"), foreign)
    box = old.box("3000", [old.entry(foreign)])
    backup(other, tmp_path / "b")
    assert statuses(backup(old, tmp_path / "b")) == [1, 0]
    assert old.stored_box(box)["messages"][0]["migration_error"] == "no_audio"


def test_of_two_accounts_with_one_realm_the_first_by_id_has_it(old_account: Maker, tmp_path: Path) -> None:
    """Whichever is looked at first, and however often it is done."""
    first, second = sorted((old_account(), old_account()), key=lambda one: one.id)
    second.account["realm"] = first.realm.upper()
    for one in (first, second):
        one.message(one.box("3000"))
        source = backup(one, tmp_path / "b")
    for _ in range(2):
        ran = migrate("--source", source)
        assert ran.status == 1
        assert f"Account {second.id} is left out: its realm {first.realm} belongs to account {first.id}" in ran.out
    assert len(first.messages()) == 1
    assert not second.db.exists()


def test_a_file_that_is_no_backup_is_told(old: Kazoo3, tmp_path: Path) -> None:
    old.message(old.box("3000"))
    source = backup(old, tmp_path / "b")
    (tmp_path / "b" / "README").write_text("Backups of Monday")
    ran = migrate("--source", source)
    assert ran.status == 0
    assert "README: it holds no documents in JSON" in ran.out
