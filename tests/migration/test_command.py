"""The command as an operator meets it: what it says, how it ends, and what happens beside those who use mailboxes."""

import csv
import json
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from couch.client import couch
from migration.backups.folder import BackupFolder
from migration.backups.source import FolderSource
from migration.couchdb_source import served_source
from migration.migrate import migrate as run_migration
from migration.progress import Progress, Row, Tally
from migration.samples import systems, writers
from migration.survey import RunOptions
from tests.support.cutting import CuttingProxy
from tests.support.kazoo3 import MAY_2016, AccountMaker, Kazoo3Account, migrate_kazoo3, new_id, speech
from tests.support.servers import PROJECT, SECRET_KEY, Service, wait_until


def test_only_the_named_boxes_are_migrated(kazoo3: Kazoo3Account) -> None:
    one, other = kazoo3.add_box("3000"), kazoo3.add_box("3001")
    entry, left = kazoo3.add_message(one, "one"), kazoo3.add_message(other, "other")
    assert migrate_kazoo3("--box", one["_id"], "--account", kazoo3.store().id).status == 0
    assert list(kazoo3.stored_messages()) == [f"201605-{entry['media_id']}"]
    assert kazoo3.stored_box(other)["messages"] == [left]


def test_an_unknown_account_or_box_is_told(kazoo3: Kazoo3Account) -> None:
    unknown = new_id()
    assert migrate_kazoo3("--account", unknown).err.endswith(f"There is no account {unknown}.")
    ran = migrate_kazoo3("--account", kazoo3.store().id, "--box", unknown)
    assert ran.err.endswith(f"There is no box {unknown} in these accounts.")
    assert ran.status == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
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
def test_what_makes_no_sense_is_refused(couchdb: str, arguments: list[str], told: str) -> None:
    ran = migrate_kazoo3(*arguments)
    assert ran.status in (1, 2)
    assert told in ran.err


def test_a_source_that_can_t_be_read_is_told(couchdb: str, tmp_path: Path) -> None:
    assert "does not answer" in migrate_kazoo3("--source", "http://127.0.0.1:9").err
    assert "neither a URL nor a folder" in migrate_kazoo3("--source", str(tmp_path / "nowhere")).err
    assert "holds no backup" in migrate_kazoo3("--source", str(tmp_path)).err
    assert "leave it out" in migrate_kazoo3("--source", settings.COUCHDB_URL).err


def test_a_source_that_lets_us_not_in_is_told(couchdb: str) -> None:
    with CuttingProxy(settings.COUCHDB_URL) as proxy:
        wrong = proxy.url.replace("admin:secret", "admin:wrong")
        assert "it takes an administrator" in migrate_kazoo3("--source", wrong).err


def test_reports_have_a_line_per_entry(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box(entries=[{}])
    entry = kazoo3.add_message(box)
    kazoo3.add_message(box, media_id="=HYPERLINK(1)")
    told = tmp_path / "told.json"
    migrate_kazoo3("--account", kazoo3.store().id, "--report", str(told), "--dry-run")
    found = json.loads(told.read_text())
    good = next(one for one in found["entries"] if one["outcome"] == "migrated")
    assert good == {
        "account_id": kazoo3.id,
        "box_id": box["_id"],
        "media_id": entry["media_id"],
        "message_id": f"201605-{entry['media_id']}",
        "outcome": "migrated",
        "reason": "",
        "bytes": len(speech("hello")),
    }
    assert found["summary"]["processed"] == 3
    assert found["summary"]["reasons"] == {"failed": {"no_audio": 1, "no_media_id": 1}}
    table = tmp_path / "told.csv"
    migrate_kazoo3("--account", kazoo3.id, "--report", str(table))
    rows = list(csv.DictReader(table.open()))
    assert sorted(row["outcome"] for row in rows) == ["failed", "failed", "migrated"]
    assert "'=HYPERLINK(1)" in {row["media_id"] for row in rows}


def test_a_message_that_arrives_in_an_array_meanwhile_is_not_lost(kazoo3: Kazoo3Account) -> None:
    box = kazoo3.add_box()
    for number in range(12):
        kazoo3.add_message(box, f"message {number}")
    late = [kazoo3.add_media(speech(f"late {number}"))["_id"] for number in range(4)]
    kazoo3.store()
    arrived: list[str] = []

    def arrive(row: Row) -> None:
        """A Kazoo 3.x leaves a message, and somebody renames the box."""
        if late:
            media_id = late.pop()
            added = kazoo3.make_entry(media_id)
            kazoo3.database.update(
                box["_id"], lambda doc: {**doc, "messages": [*doc["messages"], added], "name": f"Renamed {media_id}"}
            )
            arrived.append(media_id)

    run_migration(served_source(), RunOptions(accounts=(kazoo3.id,), batch=2), Progress(on_row=arrive))
    stored = kazoo3.stored_box(box)
    assert {entry["media_id"] for entry in stored["messages"]} == set(arrived)
    assert stored["name"] == f"Renamed {arrived[-1]}"
    assert len(kazoo3.stored_messages()) == 12
    assert migrate_kazoo3("--account", kazoo3.id).status == 0
    assert len(kazoo3.stored_messages()) == 16


def test_two_runs_at_once_end_as_one(kazoo3: Kazoo3Account) -> None:
    boxes = [kazoo3.add_box(str(3000 + number)) for number in range(3)]
    for number in range(24):
        kazoo3.add_message(boxes[number % 3], f"message {number}")
    kazoo3.store()
    options = RunOptions(accounts=(kazoo3.id,), batch=3, workers=3)
    tallies: list[Tally] = []

    def run() -> None:
        tallies.append(run_migration(served_source(), options, Progress()))

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
def test_a_signal_ends_it_after_the_running_batches(
    service: Service, created_accounts: list[str], number: signal.Signals
) -> None:
    plan = systems.Plan(accounts=1, boxes=4, messages=40, until=MAY_2016, seed=f"signal {new_id()}")
    (account,) = systems.make_accounts(plan)
    account_id = account.doc["_id"]
    created_accounts.append(account_id)
    writers.write_to_couchdb([account], lambda done: None)
    with CuttingProxy(settings.COUCHDB_URL) as proxy:
        environment = {**service.environment(), "COUCHDB_URL": proxy.url, "SECRET_KEY": SECRET_KEY}
        command = [sys.executable, "manage.py", "migrate_kazoo3", "--account", account_id, "--batch", "5"]
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: proxy.requests > 80 or process.poll() is not None, 60)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number, err
    assert "Run the same command again to continue" in out
    assert "messages" in err
    boxes = [row["doc"] for row in couch().database(account.database).all_docs(include_docs=True)]
    left = sum(len(doc.get("messages", [])) for doc in boxes)
    assert 0 < left < 160
    assert migrate_kazoo3("--account", account_id).status == 0
    assert migrate_kazoo3("--account", account_id, "--verify").status == 0


def test_progress_counts_up_to_the_end(new_kazoo3_account: AccountMaker) -> None:
    kazoo3 = new_kazoo3_account()
    for number in range(3):
        box = kazoo3.add_box(str(3000 + number))
        for index in range(5):
            kazoo3.add_message(box, f"{number} {index}")
    seen: list[tuple[int, int, int]] = []
    rows: list[Any] = []

    def changed(tally: Tally) -> None:
        seen.append((tally.messages_done, tally.messages_total, tally.accounts_done))

    tally = run_migration(served_source(), RunOptions(accounts=(kazoo3.store().id,)), Progress(changed, rows.append))
    assert seen[-1] == (15, 15, 1)
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert tally.bytes == 15 * len(speech("0 0"))
    assert len(rows) == 15


def test_memory_does_not_grow_with_the_backup(created_accounts: list[str], couchdb: str, tmp_path: Path) -> None:
    """48 MB of recordings, one of them 24 MB long, are read and checked in a few megabytes."""
    kazoo3 = Kazoo3Account()
    created_accounts.append(kazoo3.id)
    box = kazoo3.add_box()
    with (tmp_path / f"{kazoo3.id}.jsonl").open("w") as file:
        for number in range(48):
            size = 18_000 if number == 0 else 400
            media = kazoo3.add_media(speech(str(number)) * size)
            box["messages"].append(kazoo3.make_entry(media["_id"]))
            file.write(json.dumps(kazoo3.docs.pop(media["_id"])) + "\n")
            del media
        for doc in kazoo3.docs.values():
            file.write(json.dumps(doc) + "\n")
    assert (tmp_path / f"{kazoo3.id}.jsonl").stat().st_size > 48_000_000
    tracemalloc.start()
    try:
        source = FolderSource(BackupFolder(tmp_path))
        account = source.account(kazoo3.id).library
        for media_id, doc in account.fetch(entry["media_id"] for entry in box["messages"]).items():
            stream = account.open(doc, "uploaded_file.mp3")
            assert stream is not None
            read = 0
            while piece := stream.read(65_536):
                read += len(piece)
            stream.close()
            assert read == doc["_attachments"]["uploaded_file.mp3"]["length"], media_id
        source.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000
