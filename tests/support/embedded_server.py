"""Starting the server as a process of its own, the way people start it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ADMIN = ("admin", "pass word")
PROJECT = Path(__file__).parents[2]


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def stop(self) -> int:
        """End it as an operator would; the exit status."""
        self.process.terminate()
        return self.process.wait(timeout=20)

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.process.wait(timeout=20)

    def new_database(self) -> Database:
        """An empty database with a name of its own."""
        database = Database(f"{self.url}/test-{uuid.uuid4().hex}", session())
        assert database.client.put(database.url).status_code == 201
        return database


@dataclass
class Database:
    """A database as a client sees it."""

    url: str
    client: requests.Session

    @property
    def name(self) -> str:
        """Its name."""
        return self.url.rpartition("/")[2]

    def put(self, doc_id: str, document: Any) -> str:
        """Write a document that is sure to be taken; its revision."""
        answer = self.client.put(f"{self.url}/{doc_id}", json=document)
        assert answer.status_code == 201, answer.text
        rev: str = answer.json()["rev"]
        return rev

    def bulk(self, documents: list[dict[str, Any]]) -> None:
        """Write documents that are sure to be taken."""
        answer = self.client.post(f"{self.url}/_bulk_docs", json={"docs": documents})
        assert all("ok" in each for each in answer.json()), answer.text

    def get(self, path: str, **options: Any) -> Any:
        """What a path answers, options being written as JSON."""
        params = {name: json.dumps(value) for name, value in options.items()}
        answer = self.client.get(f"{self.url}/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def design(self, name: str, **views: Any) -> None:
        """Write a design document; a view is its map function or its map and reduce functions."""
        described = {
            view: {"map": each} if isinstance(each, str) else dict(zip(("map", "reduce"), each, strict=True))
            for view, each in views.items()
        }
        self.put(f"_design/{name}", {"views": described})


def start(data: Path, *options: str) -> Server:
    """Start a server on a data directory and wait until it takes requests."""
    log = data.with_name(f"{data.name}.log")
    with log.open("a") as errors:
        process = subprocess.Popen(
            command(data, *options), cwd=PROJECT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:"), log.read_text()
    return Server(process, address.rstrip("/"), log)


def command(data: Path, *options: str) -> list[str]:
    """The command line that starts a server on a free port."""
    account = ":".join(ADMIN)
    program = [sys.executable, "-m", "embedded_couchdb"]
    return [*program, "--port", "0", "--data", str(data), "--admin", account, *options]


def session() -> requests.Session:
    """A client that is logged in."""
    client = requests.Session()
    client.auth = ADMIN
    client.trust_env = False
    return client


def wait_until(happened: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that is sure to happen."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
