"""Backups and other CouchDBs as sources: whole accounts are imported, once, and the source is only read."""

import gzip
from pathlib import Path

import pytest
from django.conf import settings

from couch.client import Couch, couch
from migration.samples import systems, writers
from storage import database_names
from tests.support import backup_formats
from tests.support.backup_formats import FORMATS, Format
from tests.support.bigcouch_front import bigcouch_front
from tests.support.kazoo3 import (
    MAY_2016,
    AccountMaker,
    Kazoo3Account,
    list_revisions,
    migrate_kazoo3,
    new_id,
    speech,
)
from tests.support.servers import start_couchdb


def fill(kazoo3: Kazoo3Account) -> Kazoo3Account:
    """Add whatever may be in an account, with recordings of all sizes."""
    box = kazoo3.add_box(3000, notify_email_address="a@example.com", _rev="7-x")
    for size, text in ((1, "short"), (40, "long"), (4000, "very long")):
        media = kazoo3.add_media(speech(text) * size, source_id=box["_id"])
        box["messages"].append(kazoo3.make_entry(media["_id"], caller_id_name=text))
    box["messages"] += [{}, kazoo3.make_entry("e" * 32)]
    greeting = kazoo3.add_media(speech("greeting"), source_type="call to voicemail greeting", pvt_type="media")
    kazoo3.add_box("3001", media={"unavailable": greeting["_id"]})
    kazoo3.add_message(kazoo3.add_box("3002", pvt_deleted=True), "of a deleted box")
    kazoo3.add("user", first_name="A", username="a", pvt_md5_auth="0" * 32)
    kazoo3.add("user", username="gone", pvt_deleted=True)
    kazoo3.add("callflow", numbers=["3000"])
    kazoo3.add("device", name="phone")
    return kazoo3


def assert_imported(kazoo3: Kazoo3Account) -> None:
    """Assert that all of a filled account is here."""
    rows = kazoo3.database.all_docs(include_docs=True)
    stored = {row["id"]: row["doc"] for row in rows if row["id"][0] != "_"}
    types = sorted(doc["pvt_type"] for doc in stored.values())
    assert types == ["account", "media", "user", "user", "vmbox", "vmbox", "vmbox"]
    for doc_id, doc in stored.items():
        source_doc = kazoo3.docs[doc_id]
        names = [key for key in source_doc if key.startswith("pvt_") and key != "pvt_modified"]
        assert {name: source_doc[name] for name in names}.items() <= doc.items()
    (box,) = (doc for doc in stored.values() if doc.get("mailbox") == "3000")
    assert box["notify_email_addresses"] == ["a@example.com"]
    assert box["messages"] == [
        {"migration_error": "no_media_id", "migration_tries": 1},
        {**kazoo3.make_entry("e" * 32), "migration_error": "no_audio", "migration_tries": 1},
    ]
    messages = {doc["metadata"]["caller_id_name"]: doc for doc in kazoo3.stored_messages().values()}
    for text, size in (("short", 1), ("long", 40), ("very long", 4000)):
        assert kazoo3.read_audio(messages[text]) == speech(text) * size
    assert messages["Ada"]["pvt_deleted"] is True
    listed = couch().database(database_names.ACCOUNTS).get(kazoo3.id)
    assert listed is not None
    assert listed["realm"] == kazoo3.realm


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_backup_becomes_a_working_account(
    kazoo3: Kazoo3Account, tmp_path: Path, write: Format, is_packed: bool
) -> None:
    content = write(list(fill(kazoo3).docs.values()))
    name = database_names.encode(database_names.account_db(kazoo3.id)) + ".json"
    path = tmp_path / (f"{name}.gz" if is_packed else name)
    path.write_bytes(gzip.compress(content) if is_packed else content)
    result = migrate_kazoo3("--source", str(tmp_path))
    assert result.status == 1, result
    assert "left out, as it is no voicemail: 1 callflow, 1 device" in result.out
    assert_imported(kazoo3)
    revisions = list_revisions(kazoo3.id)
    second_result = migrate_kazoo3("--source", str(tmp_path))
    assert list_revisions(kazoo3.id) == revisions
    assert "migrated" not in second_result.out
    assert migrate_kazoo3("--source", str(tmp_path), "--verify").status == 0


def test_another_couchdb_as_a_source_is_only_read(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    source = start_couchdb(tmp_path / "source")
    try:
        server = Couch(source.url, connect_timeout=5, read_timeout=30)
        fill(kazoo3)
        for doc in kazoo3.docs.values():
            doc.pop("_rev", None)
        kazoo3.store(server)
        source_database = server.database(database_names.account_db(kazoo3.id))
        revisions = [(row["id"], row["value"]["rev"]) for row in source_database.all_docs()]
        dry_result = migrate_kazoo3("--source", source.url, "--account", kazoo3.id, "--dry-run")
        assert couch().names(database_names.account_db(kazoo3.id)) == []
        result = migrate_kazoo3("--source", source.url, "--account", kazoo3.id)
        assert result.out.splitlines()[:5] == dry_result.out.splitlines()[:5]
        assert_imported(kazoo3)
        assert [(row["id"], row["value"]["rev"]) for row in source_database.all_docs()] == revisions
        assert migrate_kazoo3("--source", source.url, "--account", kazoo3.id, "--verify").status == 0
    finally:
        source.stop()


@pytest.mark.parametrize("is_told", [True, False], ids=["BigCouch", "older than it says"])
def test_a_bigcouch_is_a_source_like_any_other(
    new_kazoo3_account: AccountMaker, tmp_path: Path, is_told: bool
) -> None:
    """It lists all databases or none, and knows no buffered responses; it is asked for the names once, or twice
    if it says nothing about its age."""
    source = start_couchdb(tmp_path / "source")
    accounts = [new_kazoo3_account() for _ in range(3)]
    try:
        server = Couch(source.url, connect_timeout=5, read_timeout=30)
        for account in accounts:
            fill(account)
            for doc in account.docs.values():
                doc.pop("_rev", None)
            account.store(server)
            month = server.database(database_names.modb(account.id, "201604"))
            server.create(month.name)
            month.put({"_id": f"201604-{new_id()}", "pvt_type": "mailbox_message", "metadata": {"timestamp": 1}})
        with bigcouch_front(source.url, *([] if is_told else [None])) as front:
            results = [migrate_kazoo3("--source", front.url, *arguments) for arguments in ((), ("--verify",))]
            assert [result.status for result in results] == [1, 0]
            assert front.listings == 2 * len(results)
        for account in accounts:
            assert account.modb_names() == [database_names.modb(account.id, month) for month in ("201604", "201605")]
    finally:
        source.stop()


@pytest.mark.parametrize("welcome", [None, {"couchdb": "Welcome", "version": "1.1.1", "bigcouch": "0.4.0"}])
def test_the_served_couchdb_is_no_source_at_another_address(
    kazoo3: Kazoo3Account, welcome: dict[str, str] | None
) -> None:
    """Its uuid tells, or else that both have the same local document."""
    kazoo3.store()
    with bigcouch_front(settings.COUCHDB_URL, welcome) as front:
        result = migrate_kazoo3("--source", front.url)
    assert (result.status, "leave it out to migrate in place" in result.err) == (1, True)
    _, _, local = couch().resource(database_names.ACCOUNTS).get_json("_local_docs")
    assert [row["id"] for row in local["rows"] if "vmboxes-" in row["id"]] == []


def test_documents_that_are_here_are_never_overwritten(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box("3000", name="Old name")
    entry = kazoo3.add_message(box)
    backup = kazoo3.write_backup(tmp_path / "backup")
    entry_here = kazoo3.make_entry("d" * 32)
    box_here = {**box, "name": "New name", "messages": [entry_here]}
    kazoo3.docs = {kazoo3.id: {**kazoo3.account, "name": "Here"}, box["_id"]: box_here}
    kazoo3.store()
    assert migrate_kazoo3("--source", backup).status == 0
    assert kazoo3.stored_box(box)["name"] == "New name"
    assert kazoo3.stored_box(box)["messages"] == [entry_here]
    assert (kazoo3.database.get(kazoo3.id) or {})["name"] == "Here"
    assert kazoo3.read_audio(kazoo3.stored_message(entry["media_id"])) == speech("hello")


def test_failed_entry_leaves_the_array_if_a_better_backup_has_its_audio(
    kazoo3: Kazoo3Account, tmp_path: Path
) -> None:
    box = kazoo3.add_box()
    entry = kazoo3.add_message(box)
    good_backup = kazoo3.write_backup(tmp_path / "good")
    del kazoo3.docs[entry["media_id"]]
    poor_backup = kazoo3.write_backup(tmp_path / "poor")
    assert migrate_kazoo3("--source", poor_backup).status == 1
    assert [raw["migration_error"] for raw in kazoo3.stored_box(box)["messages"]] == ["no_audio"]
    assert migrate_kazoo3("--source", good_backup).status == 0
    assert kazoo3.stored_box(box)["messages"] == []


def test_realm_of_another_account_here_is_refused(new_kazoo3_account: AccountMaker, tmp_path: Path) -> None:
    account_here = new_kazoo3_account().store()
    imported = new_kazoo3_account(realm=account_here.realm)
    result = migrate_kazoo3("--source", imported.write_backup(tmp_path / "backup"))
    assert result.status == 1
    assert f"belongs to account {account_here.id} here" in result.out
    assert couch().names(database_names.account_db(imported.id)) == []


@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_file_that_was_cut_off_is_read_as_far_as_it_goes(
    kazoo3: Kazoo3Account, tmp_path: Path, write: Format
) -> None:
    box = kazoo3.add_box()
    for number in range(6):
        kazoo3.add_message(box, f"message {number}")
    media = (doc for doc in kazoo3.docs.values() if doc["pvt_type"] == "private_media")
    content = write([kazoo3.account, box, *media])
    (tmp_path / f"{kazoo3.id}.json").write_bytes(content[: len(content) - 900])
    result = migrate_kazoo3("--source", str(tmp_path))
    assert result.status == 1
    assert "cut off" in result.out
    remaining = kazoo3.stored_box(box)["messages"] if kazoo3.database.exists() else []
    assert len(kazoo3.stored_messages()) == 5
    assert len(remaining) == 1


@pytest.mark.parametrize("lost_bytes", [1, 9, 200])
def test_packed_file_that_was_cut_off_is_read_as_far_as_it_goes(
    kazoo3: Kazoo3Account, tmp_path: Path, lost_bytes: int
) -> None:
    box = kazoo3.add_box()
    entries = [kazoo3.add_message(box, f"message {number}") for number in range(12)]
    for _ in range(10):  # the end that is lost
        kazoo3.add("callflow", numbers=[new_id() for _ in range(40)])
    packed = gzip.compress(backup_formats.json_lines(list(kazoo3.docs.values())))
    (tmp_path / f"{kazoo3.id}.jsonl.gz").write_bytes(packed[:-lost_bytes])
    result = migrate_kazoo3("--account", kazoo3.id, "--source", str(tmp_path))
    assert result.status == 0
    assert "the packed file ends early or is damaged: read up to there" in result.out
    assert sorted(kazoo3.stored_messages()) == sorted(f"201605-{entry['media_id']}" for entry in entries)


def test_backups_without_attachments_are_reported(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    entry = kazoo3.add_message(kazoo3.add_box())
    stub = {"content_type": "audio/mpeg", "stub": True, "length": 5, "digest": "md5-abc", "revpos": 1}
    kazoo3.docs[entry["media_id"]]["_attachments"] = {"a.mp3": stub}
    result = migrate_kazoo3("--source", kazoo3.write_backup(tmp_path / "backup"))
    assert result.status == 1
    assert "1 attachments are named in the backups, but their audio is not in them" in result.out


def test_database_of_a_file_is_found_by_its_documents(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    entry = kazoo3.add_message(kazoo3.add_box())
    (tmp_path / "monday.json").write_bytes(backup_formats.all_docs(list(kazoo3.docs.values())))
    (tmp_path / "tuesday.json").write_bytes(backup_formats.all_docs([kazoo3.account]))
    assert migrate_kazoo3("--source", str(tmp_path)).status == 0
    assert kazoo3.read_audio(kazoo3.stored_message(entry["media_id"])) == speech("hello")


@pytest.mark.parametrize("file_format", writers.FORMATS)
def test_made_up_backups_are_the_same_for_the_same_seed(
    created_accounts: list[str], couchdb: str, tmp_path: Path, file_format: str
) -> None:
    plan = systems.Plan(accounts=2, boxes=2, messages=10, until=MAY_2016, dirt=0.4, seed=f"seed {new_id()}")
    created_accounts += [account.doc["_id"] for account in systems.make_accounts(plan)]
    folders = (tmp_path / "first", tmp_path / "second")
    for folder in folders:
        writers.write_to_folder(systems.make_accounts(plan), folder, file_format, True, lambda account: None)
    first, second = (sorted((path.name, path.read_bytes()) for path in folder.iterdir()) for folder in folders)
    assert first == second
    assert len(first) == 3
    migrate_kazoo3("--source", str(folders[0]))
    assert migrate_kazoo3("--source", str(folders[1]), "--verify").status == 0
