"""``make run`` as a newcomer meets it: start it, paste what it prints, stop it, start it again."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.operators import Desk
from tests.support.servers import PROJECT, direct, free_port, wait_until

pytestmark = pytest.mark.long

RECORDINGS = PROJECT / "voicemail" / "recordings"


class Run:
    """A running ``make run`` (less make), with a data directory of its own."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        inherited = {name: value for name, value in os.environ.items() if name not in ("COUCHDB_URL", "SECRET_KEY")}
        self.output = data.with_name(f"output-{self.port}")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.run"],
                cwd=PROJECT,
                env={**inherited, "DATA_DIR": str(data), "PORT": str(self.port), "WEB_CONCURRENCY": "1", **settings},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def printed(self) -> str:
        return self.output.read_text()

    def wait_for_welcome(self) -> str:
        wait_until(lambda: "leave a message" in self.printed() or self.process.poll() is not None)
        assert self.process.poll() is None, self.printed()
        return self.printed()

    def end(self, by: signal.Signals) -> int:
        self.process.send_signal(by)
        return self.process.wait(timeout=30)

    def servers(self) -> list[int]:
        """The ids of all processes that work for this run, by the data directory in their environment."""
        variable = f"DATA_DIR={self.data}".encode()
        process_ids = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if variable in environment.read_bytes().split(b"\0"):
                    process_ids.append(int(environment.parent.name))
            except OSError:
                continue  # it ended meanwhile
        return process_ids


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(scope="module")
def reused_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory for the runs of several tests, one after the other."""
    return tmp_path_factory.mktemp("reused") / "data"


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run that has printed what to try."""
    run = Run(tmp_path_factory.mktemp("trial") / "data")
    run.wait_for_welcome()
    yield run
    run.end(signal.SIGINT)


def test_the_printed_commands_can_be_pasted(trial: Run, tmp_path: Path) -> None:
    commands = trial.printed().partition("Try these, from this directory:")[2]
    (tmp_path / "voicemail").symlink_to(PROJECT / "voicemail")
    bash = [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", commands]
    pasted = subprocess.run(bash, cwd=tmp_path, capture_output=True, text=True)
    assert pasted.returncode == 0, pasted.stderr
    boxes, messages, message = _objects(pasted.stdout)
    assert [(box["mailbox"], box["messages"]) for box in boxes["data"]] == [("4000", 4), ("4001", 1)]
    assert [entry["caller_id_name"] for entry in messages["data"]] == [
        "Dr Miller",
        "Front desk",
        "Grace",
        "Charles",
    ]
    assert len({entry["media_id"].partition("-")[0] for entry in messages["data"]}) > 1
    assert (tmp_path / "message.mp3").read_bytes() == (RECORDINGS / "dentist.mp3").read_bytes()
    assert message["data"]["caller_id_name"] == "Me"


def test_the_demo_user_can_sign_in_as_monster_ui_does(trial: Run) -> None:
    line = re.search(r" account +(.+)\n.*\n.*\n +user +(\S+)\n +password +(\S+)", trial.printed())
    assert line
    credentials = hashlib.md5(f"{line[2]}:{line[3]}".encode()).hexdigest()
    body = {"data": {"credentials": credentials, "account_name": line[1]}}
    answer = direct().put(f"http://127.0.0.1:{trial.port}/v2/user_auth", json=body, timeout=60)
    assert answer.json()["data"]["account_id"] == _account(trial.printed())


def test_the_operator_can_log_in(trial: Run) -> None:
    username, password = _operator(trial.printed())
    desk = Desk(f"http://127.0.0.1:{trial.port}", username)
    assert "Log out" in desk.post("login/?next=/admin/", username=username, password=password).text


def test_stopping_it_stops_both_servers_and_keeps_account_and_operator(reused_data: Path) -> None:
    accounts, operators = set(), set()
    for by in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        run = Run(reused_data)
        printed = run.wait_for_welcome()
        accounts.add(_account(printed))
        operators.add(_operator(printed))
        assert len(run.servers()) >= 4
        assert run.end(by) == 0
        assert run.servers() == []
    assert (len(accounts), len(operators)) == (1, 1)


def test_killing_it_ends_both_servers_and_leaves_files_that_nobody_else_can_read(reused_data: Path) -> None:
    run = Run(reused_data)
    run.wait_for_welcome()
    run.end(signal.SIGKILL)
    wait_until(lambda: run.servers() == [])
    files = [reused_data, *reused_data.rglob("*")]
    assert {"django.sqlite3", "secret-key", "service.log", "operator.json"} <= {file.name for file in files}
    assert [file for file in files if file.stat().st_mode & 0o077] == []  # for nobody else on the machine


def test_a_follower_and_workers_run_beside_it_and_start_again_when_they_die(reused_data: Path) -> None:
    run = Run(reused_data)
    run.wait_for_welcome()

    def followers() -> list[int]:
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in run.servers()}
        return [pid for pid, command in commands.items() if b"follow_changes" in command]

    (follower,) = followers()
    os.kill(follower, signal.SIGKILL)
    wait_until(lambda: len(followers()) == 1 and followers() != [follower])
    assert run.end(signal.SIGINT) == 0
    assert run.servers() == []


def test_a_port_in_use_is_explained_in_one_sentence(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        run = Run(data, PORT=str(port))
        assert run.process.wait(timeout=30) == 1
    explanation = f"Not started: port {port}: Address already in use; choose another: PORT={port + 1} make run\n"
    assert run.printed() == explanation


@pytest.mark.parametrize(
    ("settings", "explanation"),
    [
        ({"COUCHDB_URL": "http://a:b@127.0.0.1:1"}, "no CouchDB answers at http://127.0.0.1:1 (COUCHDB_URL)"),
        ({"COUCHDB_URL": "127.0.0.1:5984"}, "COUCHDB_URL must be like http://USER:PASSWORD@HOST:5984"),
        ({"PORT": "web"}, "PORT must be a whole number of at least 1, not 'web'."),
    ],
)
def test_unusable_settings_are_explained_in_one_sentence(
    data: Path, settings: dict[str, str], explanation: str
) -> None:
    run = Run(data, **settings)
    assert run.process.wait(timeout=30) == 1
    assert run.printed() == f"Not started: {explanation}\n"


def test_two_runs_do_not_share_their_data(trial: Run) -> None:
    second = Run(trial.data)
    assert second.process.wait(timeout=30) == 1
    assert "Not started: " in second.printed()
    assert str(trial.data / "couchdb") in second.printed()
    assert trial.process.poll() is None


def test_credentials_that_couchdb_refuses_are_explained_in_one_sentence(data: Path, couchdb: str) -> None:
    shown = f"http://{couchdb.rpartition('@')[2]}"
    run = Run(data, COUCHDB_URL=f"http://admin:wrong@{couchdb.rpartition('@')[2]}")
    assert run.process.wait(timeout=30) == 1
    explanation = f"the CouchDB at {shown} (COUCHDB_URL) refuses the user and password"
    assert run.printed() == f"Not started: {explanation}\n"


def test_a_database_in_database_url_gets_no_operator(data: Path, tmp_path: Path) -> None:
    run = Run(data, DATABASE_URL=f"sqlite:///{tmp_path / 'mine.sqlite3'}")
    assert "createsuperuser" in run.wait_for_welcome()
    assert run.end(signal.SIGINT) == 0
    with sqlite3.connect(tmp_path / "mine.sqlite3") as tables:
        assert tables.execute("SELECT count(*) FROM auth_user").fetchone() == (0,)


def _account(printed: str) -> str:
    account_id = re.search(r"account id +([0-9a-f]{32})", printed)
    assert account_id
    return account_id.group(1)


def _operator(printed: str) -> tuple[str, str]:
    """The operator's name and password."""
    operator = re.search(r"operator +(\S+)\n +password +(\S+)", printed)
    assert operator
    return operator[1], operator[2]


def _objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects in a text, one after the other."""
    decoder, values, position = json.JSONDecoder(), [], 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        values.append(value)
        position += len(text[position:]) - len(text[position:].lstrip())
    return values
