"""``make bench``: that it runs, and what it leaves. How fast anything is, no test says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from couch.client import couch

pytestmark = [pytest.mark.alone, pytest.mark.long]

PROJECT = Path(__file__).parents[2]
SHORT = {"SECONDS": "0.1", "ROUNDS": "2", "CONCURRENCY": "1,2", "WEB_CONCURRENCY": "1"}
SMALL = {"BOXES": "3", "MESSAGES": "20"}


def start(couchdb: str, folder: Path, *arguments: str, **options: str) -> "subprocess.Popen[str]":
    """The benchmarks, running."""
    environment = {**os.environ, **SHORT, **SMALL, **options, "COUCHDB_URL": couchdb, "OUT": str(folder)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(couchdb: str, folder: Path, *arguments: str, **options: str) -> dict[str, object]:
    """Runs the benchmarks and returns the report that they saved."""
    with start(couchdb, folder, *arguments, **options) as running:
        printed, _ = running.communicate()
    assert running.returncode == 0, printed
    return report_in(folder)


def report_in(folder: Path) -> dict[str, object]:
    """The one report in a folder, which has a plot beside it."""
    (report,) = folder.glob("*.json")
    assert report.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    content: dict[str, object] = json.loads(report.read_text())
    return content


def test_a_report_has_each_call_at_each_concurrency_and_the_data_is_removed(couchdb: str, tmp_path: Path) -> None:
    before = couch().names()
    report = run(couchdb, tmp_path, CALLS="get box,list messages,create message")
    rows = report["rows"]
    assert isinstance(rows, list)
    assert [(row["call"], row["concurrency"]) for row in rows] == [
        (call, concurrency) for call in ("get box", "list 50 of 20", "create message") for concurrency in (1, 2)
    ]
    assert all(row["api"]["operations"] and row["bare"]["operations"] for row in rows)
    assert set(couch().names()) == set(before)


def test_a_stopped_benchmark_saves_its_measurements_and_removes_its_data(couchdb: str, tmp_path: Path) -> None:
    before = couch().names()
    with start(couchdb, tmp_path, CALLS="get box,list messages,create message", SECONDS="2") as running:
        assert running.stdout is not None
        assert any(line.startswith("get box") for line in running.stdout)
        running.terminate()  # a signal that is heard also where Ctrl-C is ignored, as of what runs in the background
        printed, _ = running.communicate()
    assert running.returncode == 1, printed
    rows = report_in(tmp_path)["rows"]
    assert isinstance(rows, list)
    assert [(row["call"], row["concurrency"]) for row in rows] == [("get box", 1)]
    assert set(couch().names()) == set(before)


def test_growth_is_measured_with_messages_and_with_accounts(couchdb: str, tmp_path: Path) -> None:
    report = run(couchdb, tmp_path, "growth", CALLS="get box", MESSAGE_COUNTS="10,20", ACCOUNT_COUNTS="1,2")
    rows = report["rows"]
    assert isinstance(rows, list)
    assert [(row["part"], [size["size"] for size in row["sizes"]]) for row in rows] == [
        ("messages in the account", [10, 20]),
        ("accounts", [1, 2]),
    ]
