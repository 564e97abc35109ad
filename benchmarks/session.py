"""A session of measuring: both servers running, their addresses, and the command's options."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from benchmarks import report, servers
from benchmarks.client import Address
from benchmarks.measuring import Plan
from config import environment


@dataclass(frozen=True)
class Options:
    """The options of a run, from the environment; README.md lists them."""

    full: bool
    plan: Plan
    concurrencies: list[int]
    calls: list[str]
    folder: Path

    @classmethod
    def read(cls) -> "Options":
        """Read the options. Raises ImproperlyConfigured if one is invalid."""
        full = environment.flag("FULL")
        seconds = environment.seconds("SECONDS", 5 if full else 1)
        return cls(
            full=full,
            plan=Plan(seconds, environment.integer("ROUNDS", 6 if full else 4, minimum=1)),
            concurrencies=[int(text) for text in environment.text_list("CONCURRENCY", "1,8,32" if full else "1,8")],
            calls=environment.text_list("CALLS"),
            folder=Path(environment.text("OUT", str(servers.PROJECT / "var" / "bench"))),
        )

    def wants(self, name: str) -> bool:
        """Whether a call is to be measured."""
        return not self.calls or any(word in name for word in self.calls)

    def file(self, kind: str) -> Path:
        """The path of a new report, without its suffix."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


@dataclass(frozen=True)
class Session:
    """Both servers, running."""

    service: servers.Service
    bare: Address
    options: Options
    about: dict[str, Any]


@contextmanager
def session(folder: Path, options: Options) -> Iterator[Session]:
    """Run both servers, with their data and logs in `folder`."""
    with servers.couchdb(folder) as url:
        _set_up(folder, url)
        with servers.service(folder) as service:
            about = {
                **report.machine(),
                "couchdb": url.rpartition("@")[2] if os.environ.get("COUCHDB_URL") == url else "embedded",
                "workers": len(service.workers()),
                "pids": [worker.pid for worker in service.workers()],
            }
            yield Session(service, servers.couchdb_address(url), options, about)


def _set_up(folder: Path, url: str) -> None:
    """Set the environment for this process and the service, and create Django's tables."""
    os.environ |= {
        "COUCHDB_URL": url,
        "SECRET_KEY": secrets.token_hex(32),
        "DATABASE_URL": f"sqlite:///{folder / 'django.sqlite3'}",
        "DEBUG": "0",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        # One account gets all the load, from one address, for longer than tokens usually last.
        "REQUEST_LIMIT": "0",
        "SIGN_IN_FAILURES": "0",
        "TOKEN_LIFETIME": "86400",
    }
    # The first query of a view waits until all messages are indexed, however many there are.
    os.environ.setdefault("COUCHDB_READ_TIMEOUT", "300")
    os.environ.setdefault("WEB_CONCURRENCY", str(os.cpu_count() or 1))
    django.setup()
    call_command("migrate", verbosity=0)
