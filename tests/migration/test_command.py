"""The command ``migrate_kazoo3``: its options, messages, reports, signals and exit statuses."""

import csv
import json
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from couch.client import couch
from migration.backups.folder import BackupFolder
from migration.backups.source import FolderSource
from migration.couchdb_source import served_source
from migration.migrate import migrate
from migration.progress import Progress, Row, Tally
from migration.samples import systems, writers
from migration.survey import RunOptions
from tests.support.cutting import CuttingProxy
from tests.support.kazoo3 import MAY_2016, Kazoo3Account, migrate_kazoo3, new_id, speech
from tests.support.servers import PROJECT, SECRET_KEY, Service, wait_until


def test_only_named_boxes_are_migrated(kazoo3: Kazoo3Account) -> None:
    named, unnamed = kazoo3.add_box("3000"), kazoo3.add_box("3001")
    migrated_entry, remaining_entry = kazoo3.add_message(named, "named"), kazoo3.add_message(unnamed, "unnamed")
    assert migrate_kazoo3("--box", named["_id"], "--account", kazoo3.store().id).status == 0
    assert list(kazoo3.stored_messages()) == [f"201605-{migrated_entry['media_id']}"]
    assert kazoo3.stored_box(unnamed)["messages"] == [remaining_entry]


def test_unknown_accounts_and_boxes_are_reported(kazoo3: Kazoo3Account) -> None:
    unknown_id = new_id()
    assert migrate_kazoo3("--account", unknown_id).err.endswith(f"There is no account {unknown_id}.")
    result = migrate_kazoo3("--account", kazoo3.store().id, "--box", unknown_id)
    assert result.err.endswith(f"There is no box {unknown_id} in these accounts.")
    assert result.status == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--account", "../x"], "../x is no account id"),
        (["--link-audio", "--source", "/tmp"], "--link-audio"),
        (["--purge", "--source", "/tmp"], "--purge"),
        (["--purge", "--box", "a"], "--purge"),
        (["--verify", "--purge"], "not allowed with"),
        (["--workers", "0"], "must be at least 1"),
        (["--report", "x.pdf"], "must end with .json or .csv"),
    ],
)
def test_options_that_make_no_sense_are_refused(couchdb: str, arguments: list[str], message: str) -> None:
    result = migrate_kazoo3(*arguments)
    assert result.status in (1, 2)
    assert message in result.err


def test_sources_that_cannot_be_read_are_reported(couchdb: str, tmp_path: Path) -> None:
    assert "does not answer" in migrate_kazoo3("--source", "http://127.0.0.1:9").err
    assert "neither a URL nor a folder" in migrate_kazoo3("--source", str(tmp_path / "nowhere")).err
    assert "holds no backup" in migrate_kazoo3("--source", str(tmp_path)).err
    assert "leave it out" in migrate_kazoo3("--source", settings.COUCHDB_URL).err


def test_source_that_refuses_the_user_is_reported(couchdb: str) -> None:
    with CuttingProxy(settings.COUCHDB_URL) as proxy:
        address = urlsplit(proxy.url)
        source = f"http://{address.username}:wrong-password@{address.hostname}:{address.port}"
        assert "it takes an administrator" in migrate_kazoo3("--source", source).err


def test_reports_have_a_line_per_entry(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box(entries=[{}])
    entry = kazoo3.add_message(box)
    kazoo3.add_message(box, media_id="=HYPERLINK(1)")
    json_report = tmp_path / "report.json"
    migrate_kazoo3("--account", kazoo3.store().id, "--report", str(json_report), "--dry-run")
    report = json.loads(json_report.read_text())
    assert {
        "account_id": kazoo3.id,
        "box_id": box["_id"],
        "media_id": entry["media_id"],
        "message_id": f"201605-{entry['media_id']}",
        "outcome": "migrated",
        "reason": "",
        "bytes": len(speech("hello")),
        "kind": "message",
    } in report["entries"]
    assert report["summary"]["processed"] == 3
    assert report["summary"]["reasons"] == {"failed": {"no_audio": 1, "no_media_id": 1}}
    csv_report = tmp_path / "report.csv"
    migrate_kazoo3("--account", kazoo3.id, "--report", str(csv_report))
    rows = list(csv.DictReader(csv_report.open()))
    assert sorted(row["outcome"] for row in rows) == ["failed", "failed", "migrated"]
    # A spreadsheet must not take it for a formula.
    assert "'=HYPERLINK(1)" in {row["media_id"] for row in rows}


def test_messages_that_arrive_during_a_migration_are_not_lost(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box()
    for number in range(12):
        kazoo3.add_message(box, f"message {number}")
    pending_ids = [kazoo3.add_media(speech(f"late {number}"))["_id"] for number in range(4)]
    kazoo3.store()
    arrived_ids: list[str] = []

    def leave_message(row: Row) -> None:
        """A Kazoo 3.x leaves a message, and somebody renames the mailbox."""
        if pending_ids:
            media_id = pending_ids.pop()
            entry, name = kazoo3.make_entry(media_id), f"Renamed {media_id}"
            kazoo3.database.update(
                box["_id"], lambda doc: {**doc, "messages": [*doc["messages"], entry], "name": name}
            )
            arrived_ids.append(media_id)

    migrate(served_source(), RunOptions(accounts=(kazoo3.id,), batch=2), Progress(on_row=leave_message))
    stored = kazoo3.stored_box(box)
    assert {entry["media_id"] for entry in stored["messages"]} == set(arrived_ids)
    assert stored["name"] == f"Renamed {arrived_ids[-1]}"
    assert len(kazoo3.stored_messages()) == 12
    assert migrate_kazoo3("--account", kazoo3.id).status == 0
    assert len(kazoo3.stored_messages()) == 16


def test_two_runs_at_once_store_each_message_once(kazoo3: Kazoo3Account) -> None:
    boxes = [kazoo3.add_box(str(3000 + number)) for number in range(3)]
    for number in range(24):
        kazoo3.add_message(boxes[number % 3], f"message {number}")
    kazoo3.store()
    options = RunOptions(accounts=(kazoo3.id,), batch=3, workers=3)
    tallies: list[Tally] = []

    def run() -> None:
        tallies.append(migrate(served_source(), options, Progress()))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [tally.problems for tally in tallies] == [[], []]
    assert sum(tally.count("failed") for tally in tallies) == 0
    assert len(kazoo3.stored_messages()) == 24
    assert [kazoo3.stored_box(box)["messages"] for box in boxes] == [[], [], []]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_migration_after_the_batches_under_way(
    service: Service, created_accounts: list[str], number: signal.Signals
) -> None:
    plan = systems.Plan(accounts=1, boxes=4, messages=40, until=MAY_2016, seed=f"signal {new_id()}")
    (account,) = systems.make_accounts(plan)
    account_id = account.doc["_id"]
    created_accounts.append(account_id)
    writers.write_to_couchdb([account], lambda account: None)
    is_under_way, is_signalled = threading.Event(), threading.Event()

    def hold(request: int) -> None:
        if request == 80:
            is_under_way.set()
            is_signalled.wait(60)

    with CuttingProxy(settings.COUCHDB_URL, before=hold) as proxy:
        environment = {**service.environment(), "COUCHDB_URL": proxy.url, "SECRET_KEY": SECRET_KEY}
        command = [sys.executable, "manage.py", "migrate_kazoo3", "--account", account_id, "--batch", "5"]
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: is_under_way.is_set() or process.poll() is not None)
        process.send_signal(number)
        is_signalled.set()
        out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number, err
    assert "Run the same command again to continue" in out
    assert "messages" in err
    docs = [row["doc"] for row in couch().database(account.database).all_docs(include_docs=True)]
    assert 0 < sum(len(doc.get("messages", [])) for doc in docs) < 160
    assert migrate_kazoo3("--account", account_id).status == 0
    assert migrate_kazoo3("--account", account_id, "--verify").status == 0


def test_progress_counts_up_to_the_end(kazoo3: Kazoo3Account) -> None:
    for number in range(3):
        box = kazoo3.add_box(str(3000 + number))
        for index in range(5):
            kazoo3.add_message(box, f"{number} {index}")
    counts: list[tuple[int, int, int]] = []
    rows: list[Row] = []

    def on_change(tally: Tally) -> None:
        counts.append((tally.messages_done, tally.messages_total, tally.accounts_done))

    options = RunOptions(accounts=(kazoo3.store().id,))
    tally = migrate(served_source(), options, Progress(on_change, rows.append))
    assert counts[-1] == (15, 15, 1)
    assert [done for done, _, _ in counts] == sorted(done for done, _, _ in counts)
    assert tally.bytes == 15 * len(speech("0 0"))
    assert len(rows) == 15


def test_memory_does_not_grow_with_the_backup(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    """48 MB of recordings, one of them 24 MB long, are read and checked in a few megabytes."""
    box = kazoo3.add_box()
    with (tmp_path / f"{kazoo3.id}.jsonl").open("w") as file:
        for number in range(48):
            size = 18_000 if number == 0 else 400
            media_id = kazoo3.add_media(speech(str(number)) * size)["_id"]
            box["messages"].append(kazoo3.make_entry(media_id))
            file.write(json.dumps(kazoo3.docs.pop(media_id)) + "\n")
        for doc in kazoo3.docs.values():
            file.write(json.dumps(doc) + "\n")
    assert (tmp_path / f"{kazoo3.id}.jsonl").stat().st_size > 48_000_000
    tracemalloc.start()
    try:
        source = FolderSource(BackupFolder(tmp_path))
        library = source.account(kazoo3.id).library
        for media_id, doc in library.fetch(entry["media_id"] for entry in box["messages"]).items():
            stream = library.open(doc, "uploaded_file.mp3")
            assert stream is not None
            length = 0
            while piece := stream.read(65_536):
                length += len(piece)
            stream.close()
            assert length == doc["_attachments"]["uploaded_file.mp3"]["length"], media_id
        source.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000
