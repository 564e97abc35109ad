"""Hostile and damaged backups, and how they are verified: nothing is lost, and nothing crashes."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import backup_formats
from tests.support.kazoo3 import (
    MAY_2016,
    AccountMaker,
    Kazoo3Account,
    list_revisions,
    migrate_kazoo3,
    new_id,
    speech,
)


def write_ascii_backup(kazoo3: Kazoo3Account, folder: Path, *, one_line: bool = False) -> str:
    """Write a backup of an account in ASCII, so with escapes for broken characters; the folder's path."""
    folder.mkdir(exist_ok=True)
    docs = [json.dumps(doc) for doc in kazoo3.docs.values()]
    text = '{"docs":[' + ",".join(docs) + "]}" if one_line else "\n".join(docs)
    (folder / f"{kazoo3.id}.json").write_text(text)
    return str(folder)


def migrate_and_verify(source: str) -> list[int]:
    """The exit statuses of a migration and of its verification."""
    return [migrate_kazoo3("--source", source, *arguments).status for arguments in ((), ("--verify",))]


def test_hostile_content_harms_nothing(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box()
    entry = kazoo3.add_message(box, "between the rubbish")
    media = kazoo3.add_media(speech("odd name"))
    data = base64.b64encode(speech("odd name")).decode()
    media["_attachments"] = {"_../../x": {"content_type": 7, "data": data}}
    box["messages"].append(kazoo3.make_entry(media["_id"]))
    text = '"' + "A" * 9000 + '" quoted'
    rubbish: list[Any] = [
        None,
        7,
        [[]],
        {"_id": 5},
        {"_id": "x", "_attachments": []},
        {"_id": "y", "_attachments": {"a": None, "b": {"data": 7}, "c": {"data": "=!"}}, "pvt_type": ["media"]},
        {"_id": "z", "pvt_type": "vmbox", "messages": {"0": 1}, "text": text},
        {"_id": "../../../etc/passwd", "pvt_type": "user"},
        {"id": "row", "doc": None},
        {"_id": "gone", "_deleted": True},
    ]
    lines = backup_formats.json_lines([*rubbish, *kazoo3.docs.values()])
    (tmp_path / f"{kazoo3.id}.jsonl").write_bytes(b"not json\n" + b"[" * 5000 + b"\n" + lines)
    (tmp_path / "README.txt").write_text("nothing here")
    result = migrate_kazoo3("--source", str(tmp_path))
    assert "line 1 is no JSON" in result.out
    assert kazoo3.read_audio(kazoo3.stored_message(entry["media_id"])) == speech("between the rubbish")
    assert kazoo3.read_audio(kazoo3.stored_message(media["_id"])) == speech("odd name")
    assert result.status == 0, result
    assert (kazoo3.database.get("z") or {})["text"] == text


@pytest.mark.parametrize("one_line", [False, True], ids=["lines", "one line"])
def test_long_text_that_looks_like_an_attachment_stays_a_text(
    kazoo3: Kazoo3Account, tmp_path: Path, one_line: bool
) -> None:
    box = kazoo3.add_box("3000", notes={"A" * 9000: ["B" * 9000, "C" * 9000 + "\\/"]})
    entry = kazoo3.add_message(box, "hello", caller_id_name="x" * 100_000)
    assert migrate_and_verify(write_ascii_backup(kazoo3, tmp_path / "b", one_line=one_line)) == [0, 0]
    assert kazoo3.stored_message(entry["media_id"])["metadata"]["caller_id_name"] == "x" * 100_000
    assert kazoo3.stored_box(box)["notes"] == box["notes"]


def test_lone_surrogates_are_replaced(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box("3000")
    names = ["high \ud800", "low \udfff", "whole \U0001f600", "escaped \\ud800", "both \udc00\ud800"]
    texts = [name.encode("utf-8", "replace").decode() for name in names]
    entries = [kazoo3.add_message(box, text, caller_id_name=name) for text, name in zip(texts, names, strict=True)]
    # Longer than the beginning from which the format of a file is recognised.
    kazoo3.add("callflow", text="x " * 600_000)
    assert migrate_and_verify(write_ascii_backup(kazoo3, tmp_path / "b", one_line=True)) == [0, 0]
    stored_names = [kazoo3.stored_message(entry["media_id"])["metadata"]["caller_id_name"] for entry in entries]
    assert stored_names == ["high \ufffd", "low \ufffd", "whole \U0001f600", "escaped \\ud800", "both \ufffd\ufffd"]


def test_empty_objects_that_a_tool_wrote_as_arrays_are_objects(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box("3000", media=[], notify={"callback": []}, flags=[], notify_email_addresses=[])
    user = kazoo3.add("user", username="a", caller_id=[])
    assert migrate_and_verify(write_ascii_backup(kazoo3, tmp_path / "b")) == [0, 0]
    stored = kazoo3.database.server.resource(kazoo3.database.name)
    _, _, content = stored.get([box["_id"]])
    assert b'"media":{}' in (body := content.read())
    assert (b'"notify":{"callback":{}}' in body, b'"flags":[]' in body) == (True, True)
    assert b'"caller_id":{}' in stored.get([user["_id"]])[2].read()


def test_numbers_that_are_too_large_become_floats(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box("3000", huge=10**30, broken="\ud800")
    entry = kazoo3.add_message(box, timestamp=10**30)
    kazoo3.docs[entry["media_id"]]["pvt_modified"] = MAY_2016
    assert migrate_and_verify(write_ascii_backup(kazoo3, tmp_path / "b")) == [0, 0]
    assert kazoo3.stored_message(entry["media_id"])["utc_seconds"] == MAY_2016
    assert kazoo3.stored_box(box)["huge"] == 1e30


def test_entries_of_one_message_are_verified_as_one(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    """The entries differ in folder and time, and the one that becomes the message isn't the first in the array."""
    box = kazoo3.add_box("3000")
    entry = kazoo3.add_message(box, "hello", folder="saved", timestamp=MAY_2016 + 5)
    box["messages"] += [{**entry, "folder": "new", "timestamp": MAY_2016}, {**entry, "folder": "deleted"}]
    assert migrate_and_verify(write_ascii_backup(kazoo3, tmp_path / "b")) == [0, 0]
    (message,) = kazoo3.stored_messages().values()
    assert (message["metadata"]["folder"], message["utc_seconds"]) == ("new", MAY_2016)


def test_deleted_account_is_no_fault(new_kazoo3_account: AccountMaker, tmp_path: Path) -> None:
    imported, served = (new_kazoo3_account(pvt_deleted=True) for _ in range(2))
    imported.add_message(imported.add_box("3000"))
    source = write_ascii_backup(imported, tmp_path / "b")
    assert migrate_and_verify(source) == [0, 0]
    result = migrate_kazoo3("--source", source, "--verify")
    assert f"Account {imported.id} is deleted" in result.out
    served.add_message(served.add_box("3000"))
    assert migrate_kazoo3("--account", served.store().id, "--verify").status == 0


@pytest.mark.parametrize("messages", [{"0": {"media_id": "a"}}, "text", 5])
def test_messages_that_are_no_array_are_reported_and_kept(
    kazoo3: Kazoo3Account, tmp_path: Path, messages: Any
) -> None:
    box = kazoo3.add_box("3000", messages=messages)
    source = write_ascii_backup(kazoo3, tmp_path / "b")
    assert migrate_and_verify(source) == [0, 0]
    assert kazoo3.stored_box(box)["messages"] == messages
    warning = f"Box {box['_id']} of account {kazoo3.id} has `messages` that are no array"
    assert warning in migrate_kazoo3("--source", source, "--dry-run").out
    revisions = list_revisions(kazoo3.id)
    assert warning in migrate_kazoo3("--account", kazoo3.id).out
    assert list_revisions(kazoo3.id) == revisions


def test_media_of_another_account_is_not_used(new_kazoo3_account: AccountMaker, tmp_path: Path) -> None:
    account, media_owner = new_kazoo3_account(), new_kazoo3_account()
    media_id = new_id()
    media_owner.add_media(speech("of the other account"), media_id)
    box = account.add_box("3000", [account.make_entry(media_id)])
    write_ascii_backup(media_owner, tmp_path / "b")
    assert migrate_and_verify(write_ascii_backup(account, tmp_path / "b")) == [1, 0]
    assert account.stored_box(box)["messages"][0]["migration_error"] == "no_audio"


def test_first_of_two_accounts_by_id_gets_their_realm(new_kazoo3_account: AccountMaker, tmp_path: Path) -> None:
    """Whichever is surveyed first, and however often they are imported."""
    first, second = sorted((new_kazoo3_account(), new_kazoo3_account()), key=lambda account: account.id)
    second.account["realm"] = first.realm.upper()
    for account in (first, second):
        account.add_message(account.add_box("3000"))
        source = write_ascii_backup(account, tmp_path / "b")
    for _ in range(2):
        result = migrate_kazoo3("--source", source)
        assert result.status == 1
        assert f"Account {second.id} is left out: its realm {first.realm} belongs to account {first.id}" in result.out
    assert len(first.stored_messages()) == 1
    assert not second.database.exists()


def test_file_that_is_no_backup_is_reported(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    kazoo3.add_message(kazoo3.add_box("3000"))
    source = write_ascii_backup(kazoo3, tmp_path / "b")
    (tmp_path / "b" / "README").write_text("Backups of Monday")
    result = migrate_kazoo3("--source", source)
    assert result.status == 0
    assert "README: it holds no documents in JSON" in result.out
