"""Followers of changes and workers as processes of their own, and the events that a follower told."""

import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.servers import Running, Service, spawn, wait_until


@dataclass
class Following:
    """Followers of a service's changes, whose events go to a file; end them with `stop`."""

    service: Service
    file: Path
    told: tuple[str, ...] = ()
    """The service's own consumers that are told besides the file: others would get what is for other tests."""
    consumer: str = field(default_factory=lambda: f"recording-{secrets.token_hex(4)}")
    """The name of the one that writes the file. Whoever has the same one goes on where the other stopped."""
    running: list[Running] = field(default_factory=list)

    def start(self) -> Running:
        """Start a follower, and wait until it hears changes."""
        follower = self.start_without_waiting()
        wait_until(lambda: "Following changes" in follower.logged() or follower.process.poll() is not None)
        assert follower.process.poll() is None, follower.logged()
        return follower

    def start_without_waiting(self) -> Running:
        """Start a follower, though there may be no CouchDB."""
        log = self.service.folder / f"follower-{len(self.running)}.log"
        environment = {
            **self.service.environment(),
            "DJANGO_SETTINGS_MODULE": "tests.support.events_settings",
            "EVENTS_FILE": str(self.file),
            "EVENTS_CONSUMER": self.consumer,
            "EVENTS_TOLD": ",".join(self.told),
        }
        process = spawn([sys.executable, "manage.py", "follow_changes"], log, environment)
        follower = Running(process, "", log)
        self.running.append(follower)
        return follower

    def start_worker(self) -> Running:
        """Start a worker, which does jobs."""
        log = self.service.folder / f"worker-{len(self.running)}.log"
        command = [sys.executable, "manage.py", "db_worker", "--queue-name", "*", "--interval", "0.1"]
        worker = Running(spawn([*command, "--no-startup-delay"], log, self.service.environment()), "", log)
        self.running.append(worker)
        return worker

    def __enter__(self) -> "Following":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all of them."""
        for process in self.running:
            process.stop()

    def events(self, account_id: str = "") -> list[dict[str, Any]]:
        """The events told so far, of all accounts or of one."""
        if not self.file.exists():
            return []
        lines = self.file.read_text().split("\n")[:-1]
        compact = account_id and f"account/{account_id[:2]}/{account_id[2:4]}/{account_id[4:]}"
        return [event for event in map(json.loads, lines) if event["database"].startswith(compact)]

    def wait_for(
        self, condition: Callable[[list[dict[str, Any]]], bool], account_id: str = ""
    ) -> list[dict[str, Any]]:
        """The events of an account, as soon as they fulfil a condition."""
        wait_until(lambda: condition(self.events(account_id)))
        return self.events(account_id)


def names_of(events: list[dict[str, Any]], doc_id: str) -> list[str]:
    """The names of a document's events, in their order and without repeats of an event."""
    distinct = {event["id"]: event["name"] for event in events if event["document"].get("_id") == doc_id}
    return list(distinct.values())
