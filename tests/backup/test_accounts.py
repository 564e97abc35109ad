"""An account that is backed up and restored has the same documents, revisions and recordings."""

import json
from pathlib import Path

import pytest

from backup.backup import BackupOptions, back_up
from backup.layout import Selection
from backup.opening import open_place
from backup.progress import Progress
from backup.restore import InTheWay
from couch.client import Couch, couch
from couch.replication import Replica
from storage import database_names
from tests.support.backups import (
    HUGE,
    MONTHS,
    check_backup,
    dump_account,
    dump_database,
    make_backup,
    recording,
    restore_into,
    store_message,
)


def test_a_restored_account_is_the_same_byte_for_byte(filled_account: str, target: Couch, tmp_path: Path) -> None:
    make_backup(tmp_path / "full", filled_account)
    tally = restore_into(target, tmp_path / "full", filled_account)
    assert (tally.faults, tally.recordings) == ([], 16)
    assert dump_account(target, filled_account) == dump_account(couch(), filled_account)
    listed = dump_database(target, database_names.ACCOUNTS)[filled_account]
    assert listed == dump_database(couch(), database_names.ACCOUNTS)[filled_account]
    odd = Replica(target, database_names.modb(filled_account, MONTHS[0])).get("odd")
    assert odd is not None
    assert (odd["huge"], odd["metadata"]) == (HUGE, [])


def test_a_restored_account_has_its_views(filled_account: str, target: Couch, tmp_path: Path) -> None:
    make_backup(tmp_path / "full", filled_account)
    restore_into(target, tmp_path / "full", filled_account)
    for name in dump_account(target, filled_account):
        ids = {row["id"] for row in target.database(name).all_docs(startkey="_design/", endkey="_design0")}
        assert ids


def test_a_recording_is_stored_once(filled_account: str, tmp_path: Path) -> None:
    make_backup(tmp_path / "full", filled_account)
    copies = [file for file in (tmp_path / "full/recordings").rglob("*") if file.is_file()]
    contents = [file.read_bytes() for file in copies]
    assert contents.count(recording(f"{MONTHS[0]}-0000")) == 1
    assert len(contents) == len(set(contents)) == 15


def test_a_backup_is_readable_by_its_owner_alone(filled_account: str, tmp_path: Path) -> None:
    make_backup(tmp_path / "full", filled_account)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "full").rglob("*") if path.is_dir())
    assert (tmp_path / "full").stat().st_mode & 0o077 == 0


def test_a_backup_of_one_account_holds_nothing_of_others(filled_account: str, target: Couch, tmp_path: Path) -> None:
    for account_id in (filled_account, "0" * 32):
        couch().database(database_names.WEBHOOKS).put(
            {"_id": f"hook-{account_id[:8]}-{filled_account}", "pvt_account_id": account_id}
        )
    manifest = make_backup(tmp_path / "full", filled_account)
    prefix = database_names.account_db(filled_account)
    others = [name for name in manifest.databases if not name.startswith(prefix)]
    assert sorted(others) == [database_names.ACCOUNTS, database_names.WEBHOOKS]
    assert manifest.tables == []
    restore_into(target, tmp_path / "full", filled_account)
    hooks = [doc_id for doc_id in dump_database(target, database_names.WEBHOOKS) if doc_id.endswith(filled_account)]
    assert hooks == [f"hook-{filled_account[:8]}-{filled_account}"]


def test_an_account_that_is_there_is_not_restored(filled_account: str, target: Couch, tmp_path: Path) -> None:
    make_backup(tmp_path / "full", filled_account)
    before = dump_account(couch(), filled_account)
    with pytest.raises(InTheWay, match="have documents already"):
        restore_into(couch(), tmp_path / "full", filled_account)
    assert dump_account(couch(), filled_account) == before


@pytest.mark.parametrize("member", ["realm", "name"])
def test_a_taken_realm_or_name_is_refused(filled_account: str, target: Couch, tmp_path: Path, member: str) -> None:
    make_backup(tmp_path / "full", filled_account)
    listed = couch().database(database_names.ACCOUNTS).get(filled_account) or {}
    rival = {"_id": f"{member}{filled_account}", "pvt_type": "account", "realm": "a.example.com", "name": "a"}
    target.database(database_names.ACCOUNTS).put({**rival, member: listed[member].upper()})
    with pytest.raises(InTheWay, match=f"The {member} .* is taken"):
        restore_into(target, tmp_path / "full", filled_account)
    assert dump_account(target, filled_account) == {}


def test_missing_documents_are_added_and_others_stay(filled_account: str, tmp_path: Path) -> None:
    make_backup(tmp_path / "full", filled_account)
    database = couch().database(database_names.modb(filled_account, MONTHS[0]))
    message = database.get(f"{MONTHS[0]}-0001") or {}
    database.delete(message["_id"], message["_rev"])
    database.update("soft deleted", lambda doc: {**doc, "changed": True})
    before = dump_account(couch(), filled_account)
    tally = restore_into(couch(), tmp_path / "full", filled_account, add_missing=True)
    after = dump_account(couch(), filled_account)
    text, attachments = after[database.name].pop(message["_id"])
    assert json.loads(text)["metadata"] == message["metadata"]
    assert attachments == {"audio.wav": ("audio/x-wav", recording(message["_id"]))}
    assert after == before
    assert any("soft deleted" in note for note in tally.notes)


def test_progress_ends_at_its_total(filled_account: str, tmp_path: Path) -> None:
    place, totals = open_place(str(tmp_path / "full")), []
    progress = Progress(lambda tally: totals.append((tally.documents, tally.documents_total)))
    options = BackupOptions(Selection((filled_account,), with_keys=False), segment_documents=3)
    manifest = back_up(couch(), place, options, progress)
    assert progress.tally.documents == progress.tally.documents_total > 18
    assert progress.tally.databases_done == progress.tally.databases_total == len(manifest.databases)
    assert all(total >= 0 for _, total in totals)


def test_a_dry_run_writes_nothing(filled_account: str, target: Couch, tmp_path: Path) -> None:
    make_backup(tmp_path / "full", filled_account)
    tally = restore_into(target, tmp_path / "full", filled_account, dry_run=True)
    assert (tally.faults, tally.recordings) == ([], 16)
    assert dump_account(target, filled_account) == {}


def test_a_finished_restore_brings_back_nothing_that_was_deleted_since(
    filled_account: str, target: Couch, tmp_path: Path
) -> None:
    make_backup(tmp_path / "full", filled_account)
    restore_into(target, tmp_path / "full", filled_account)
    database = target.database(database_names.modb(filled_account, MONTHS[0]))
    message = database.get(f"{MONTHS[0]}-0001") or {}
    database.delete(message["_id"], message["_rev"])
    restore_into(target, tmp_path / "full", filled_account)
    assert database.get(message["_id"]) is None


def test_increments_hold_what_changed_and_restore_the_latest_state(
    filled_account: str, target: Couch, tmp_path: Path
) -> None:
    make_backup(tmp_path / "full", filled_account)
    database = couch().database(database_names.modb(filled_account, MONTHS[1]))
    for number in (0, 1):
        database.update(f"{MONTHS[1]}-{number:04}", lambda doc: {**doc, "metadata": {"folder": "saved"}})
    gone = database.get(f"{MONTHS[1]}-0002") or {}
    database.delete(gone["_id"], gone["_rev"])
    make_backup(tmp_path / "first", filled_account, since=tmp_path / "full")
    assert not (tmp_path / "first/recordings").exists()
    store_message(filled_account, MONTHS[1], f"{MONTHS[1]}-later")
    database.update(f"{MONTHS[1]}-0000", lambda doc: {**doc, "metadata": {"folder": "new"}})
    make_backup(tmp_path / "second", filled_account, since=tmp_path / "first")
    assert len([file for file in (tmp_path / "second/recordings").rglob("*") if file.is_file()]) == 1
    # The chain is found where it lies, also after it was moved as a whole.
    (tmp_path / "moved").mkdir()
    for name in ("full", "first", "second"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    assert check_backup(tmp_path / "moved/second").faults == []
    assert restore_into(target, tmp_path / "moved/second", filled_account).faults == []
    assert dump_account(target, filled_account) == dump_account(couch(), filled_account)


def test_a_database_that_was_created_anew_is_read_from_its_beginning(
    filled_account: str, target: Couch, tmp_path: Path
) -> None:
    make_backup(tmp_path / "full", filled_account)
    name = database_names.modb(filled_account, MONTHS[1])
    couch().drop(name)
    couch().create(name)
    store_message(filled_account, MONTHS[1], f"{MONTHS[1]}-0000", content=b"another")
    couch().drop(database_names.modb(filled_account, MONTHS[0]))
    make_backup(tmp_path / "next", filled_account, since=tmp_path / "full")
    restore_into(target, tmp_path / "next", filled_account)
    assert dump_account(target, filled_account) == dump_account(couch(), filled_account)
    assert list(dump_account(target, filled_account)[name]) == [f"{MONTHS[1]}-0000"]
