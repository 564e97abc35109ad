"""What is damaged or missing in a backup is found, and is never restored."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backup import layout
from couch.client import Couch
from storage import database_names
from tests.support.api_client import Account
from tests.support.backups import MONTHS, check_backup, dump_account, fill_account, make_backup, restore_into


@pytest.fixture(scope="module")
def account_id(new_account: Callable[..., Account]) -> str:
    created = new_account().id
    fill_account(created)
    return created


@pytest.fixture
def folder(account_id: str, tmp_path: Path) -> Path:
    """A backup of the account."""
    make_backup(tmp_path / "full", account_id)
    return tmp_path / "full"


def _flip_last_byte(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_a_tampered_segment_is_found_and_not_restored(
    new_account: Callable[..., Account], target: Couch, tmp_path: Path
) -> None:
    account_id = new_account().id
    fill_account(account_id)
    make_backup(tmp_path, account_id)
    name = database_names.modb(account_id, MONTHS[0])
    _flip_last_byte(tmp_path / layout.database_folder(name) / "000001.jsonl.zst")
    (fault,) = check_backup(tmp_path).faults
    assert "000001.jsonl.zst" in fault
    tally = restore_into(target, tmp_path, account_id)
    assert len(tally.faults) == 1
    dump = dump_account(target, account_id)
    assert (dump[name], len(dump[database_names.modb(account_id, MONTHS[1])])) == ({}, 7)


def test_a_damaged_recording_is_found_and_its_message_not_restored(
    new_account: Callable[..., Account], target: Couch, tmp_path: Path
) -> None:
    account_id = new_account().id
    fill_account(account_id)
    make_backup(tmp_path, account_id)
    recordings = sorted(file for file in (tmp_path / "recordings").rglob("*") if file.stat().st_size > 20_000)
    damaged, missing = [file for file in recordings if b"0000" not in file.read_bytes()[:20]][:2]
    _flip_last_byte(damaged)
    missing.unlink()
    assert len(check_backup(tmp_path).faults) == 2
    tally = restore_into(target, tmp_path, account_id)
    assert len(tally.faults) == 2
    # Once the files are right again, the same call restores what was left out.
    assert sum(map(len, dump_account(target, account_id).values())) > 0
    _flip_last_byte(damaged)
    assert len(restore_into(target, tmp_path, account_id).faults) == 1


def test_a_dry_run_names_missing_recordings(folder: Path, account_id: str, target: Couch) -> None:
    missing = next(file for file in (folder / "recordings").rglob("*") if file.is_file())
    missing.unlink()
    assert restore_into(target, folder, account_id, dry_run=True).faults


def test_a_list_of_segments_that_was_changed_is_found(folder: Path, account_id: str) -> None:
    path = folder / layout.database_file(database_names.modb(account_id, MONTHS[0]))
    members = json.loads(path.read_text())
    path.write_text(json.dumps({**members, "segments": []}))
    (fault,) = check_backup(folder).faults
    assert "database.json" in fault


def test_commands_say_what_is_wrong_and_exit_with_1(folder: Path, account_id: str, tmp_path: Path) -> None:
    output = StringIO()
    call_command("verify_backup", str(folder), stdout=output, verbosity=0)
    assert "16 recordings" not in output.getvalue()
    assert "15 recordings" in output.getvalue()
    next(file for file in (folder / "recordings").rglob("*") if file.is_file()).unlink()
    with pytest.raises(SystemExit) as exit_info:
        call_command("verify_backup", str(folder), stdout=output, stderr=output, verbosity=0)
    assert exit_info.value.code == 1
    (folder / "manifest.json").unlink()
    for command in ("verify_backup", "restore"):
        with pytest.raises(CommandError, match="no backup"):
            call_command(command, str(folder), verbosity=0)
    with pytest.raises(CommandError, match="There is no account"):
        call_command("backup", str(tmp_path / "other"), account=["0" * 32], verbosity=0)
    assert not (tmp_path / "other").exists()


def test_an_increment_is_nothing_without_what_it_builds_on(folder: Path, account_id: str, tmp_path: Path) -> None:
    make_backup(tmp_path / "next", account_id, since=folder)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(layout.NotABackup):
        check_backup(tmp_path / "next")
    make_backup(tmp_path / "full", account_id)
    with pytest.raises(layout.NotABackup, match="another backup"):
        check_backup(tmp_path / "next")
