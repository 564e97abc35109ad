"""``make bench``: starts all that is needed, measures, prints a table, and cleans up after itself."""

import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.client import Failed
from config import environment


def main() -> None:
    """Run until done, Ctrl-C or SIGTERM; exits with status 1 and a sentence when something is in the way."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="vmboxes-bench-") as name:
            folder = Path(name)
            try:
                _bench(folder)
            except Failed:
                _tell_of(folder)
                raise
    except KeyboardInterrupt:
        sys.exit("\nStopped; what was made is taken away.")
    except Failed as failure:
        sys.exit(f"Not measured: {failure}")


def _tell_of(folder: Path) -> None:
    """What the service said of its errors, for who wants to know why nothing could be measured."""
    for log in folder.glob("*.log"):
        lines = [line for line in log.read_text(errors="replace").splitlines() if '"INFO"' not in line]
        print(f"--- {log.name} ---", *lines[-20:], sep="\n", file=sys.stderr)


def _bench(folder: Path) -> None:
    with servers.couchdb(folder) as url:
        _set_up(folder, url)
        with servers.service(folder) as service:
            _measure(service, url)


def _set_up(folder: Path, url: str) -> None:
    """The environment that this process and the service have in common, and Django's tables."""
    os.environ["COUCHDB_URL"] = url
    os.environ["SECRET_KEY"] = secrets.token_hex(32)
    os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'django.sqlite3'}"
    os.environ["DEBUG"] = "0"
    # One account, asked by one address, gets all the load, for as long as it takes.
    os.environ |= {"REQUEST_LIMIT": "0", "SIGN_IN_FAILURES": "0", "TOKEN_LIFETIME": "86400"}
    os.environ.setdefault("WEB_CONCURRENCY", str(os.cpu_count() or 1))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


@contextmanager
def _world(service: servers.Service, size: Any) -> Iterator[Any]:
    from benchmarks.data import World

    world = World(service.url, size, lambda text: print(f"  ({text})", flush=True))
    try:
        yield world
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # impatience must not leave accounts behind
            signal.signal(number, signal.SIG_IGN)
        print("Removing what was made ...", flush=True)
        world.remove()


def _measure(service: servers.Service, url: str) -> None:
    from benchmarks import report
    from benchmarks.calls import CALLS
    from benchmarks.data import Size
    from benchmarks.measuring import Plan, Row

    full = environment.flag("FULL")
    plan = Plan(environment.seconds("SECONDS", 6 if full else 1.5), environment.whole("ROUNDS", 6 if full else 3, 2))
    concurrencies = [int(text) for text in environment.text("CONCURRENCY", "1 8 32" if full else "1 8").split()]
    wanted = environment.words("CALLS")
    rows: list[Row] = []
    with _world(service, Size()) as world:
        about = {
            **report.machine(),
            "couchdb": os.environ["COUCHDB_URL"].rpartition("@")[2],
            "workers": len(service.workers()),
            "pids": [worker.pid for worker in service.workers()],
        }
        print(f"gunicorn {service.master.pid}, workers {about['pids']}", flush=True)
        print(report.heading(), flush=True)
        for name, make in CALLS.items():
            if wanted and not any(word in name for word in wanted):
                continue
            call = make(world, servers.bare(url))
            for concurrency in concurrencies:
                row = plan.measure(service, call, concurrency)
                rows.append(row)
                print(report.line(row), flush=True)
        out = Path(environment.text("OUT", "var/bench"))
        out.mkdir(parents=True, exist_ok=True)
        file = out / f"bench-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
        report.save(file, about, rows)
        print(f"Saved {file}")


if __name__ == "__main__":
    main()
