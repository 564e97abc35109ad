"""What the doctor says: of an account in this process, and of a whole installation as a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from doctor.examination import Examination
from doctor.outcome import Entry
from doctor.scope import Scope
from doctor.subjects import DATA, SUBJECTS
from tests.support.api_client import Account
from tests.support.servers import PROJECT, Running, Service, start_couchdb


@dataclass
class Diagnosis:
    """The exit status, the JSON, and the findings by their keys."""

    status: int
    members: dict[str, Any]

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        """The findings by their keys."""
        return {finding["key"]: finding for finding in self.members["findings"]}


def run_doctor(service: Service, *arguments: str) -> Diagnosis:
    """The doctor's JSON about an installation."""
    ended = run_process(service, "--json", *arguments)
    assert ended.stdout, ended.stderr
    return Diagnosis(ended.returncode, json.loads(ended.stdout))


def run_process(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The doctor as a process."""
    command = [sys.executable, "manage.py", "doctor", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=service.environment(), capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def own_couchdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An embedded CouchDB with nothing in it."""
    running = start_couchdb(tmp_path_factory.mktemp("couchdb") / "data")
    yield running
    running.stop()


@pytest.fixture
def examine(account: Account) -> Callable[..., dict[str, Entry]]:
    """What is found of subjects of the test's account, by key: ``examine("views")``."""

    def run(*names: str) -> dict[str, Entry]:
        subjects = [subject for subject in (*SUBJECTS, DATA) if subject.name in names]
        assert len(subjects) == len(names)
        reports = Examination(Scope(account.id)).examine(subjects)
        assert not [report.reason_unchecked for report in reports if report.reason_unchecked]
        entries = {entry.finding.key: entry for report in reports for entry in report.entries}
        assert "check_failed" not in entries, entries["check_failed"].finding.problem
        return entries

    return run
