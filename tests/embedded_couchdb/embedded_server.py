"""Starting the server as a process of its own, the way people start it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

ADMIN = ("admin", "pass word")
PROJECT = Path(__file__).parents[2]


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def stop(self) -> None:
        """End it as an operator would, and wait for it."""
        self.process.terminate()
        self.process.wait(timeout=20)

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.process.wait(timeout=20)


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
