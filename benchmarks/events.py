"""What following changes costs the API, and how long after the API's answer a receiver is told."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import psutil

from benchmarks import report, servers
from benchmarks.client import send
from benchmarks.data import Dataset, Size, Tenant
from benchmarks.session import Session
from config import environment
from couch.client import couch
from couch.parallel import in_parallel
from storage import database_names

_WRITERS = 8
_SETTLE_SECONDS = 3.0
_CATCH_UP_SECONDS = 900.0


def measure_events(session: Session, folder: Path) -> None:
    """Print the API's throughput without and with a follower, the lag, and the follower's CPU; save them as JSON."""
    seconds, turns = environment.integer("SECONDS", 5), environment.integer("ROUNDS", 4)
    rate, idle = environment.integer("RATE", 50, minimum=1), environment.integer("IDLE_ACCOUNTS", 1_000)
    os.environ["EVENTS_FILE"] = str(folder / "events")
    with Dataset(session.service.url, Size.read(), report.print_progress) as dataset:
        tenants = [_new_tenant(dataset) for _ in range(_WRITERS)]
        without: list[float] = []
        following: list[float] = []
        for _ in range(turns):
            without.append(len(_write(tenants, seconds)) / seconds)
            with _follower(folder):
                following.append(len(_write(tenants, seconds)) / seconds)
        figures = {"without": sum(without) / turns, "following": sum(following) / turns}
        figures["ratio"] = figures["following"] / figures["without"]
        with _idle_accounts(idle), _follower(folder) as follower:
            figures["catch_up"] = _catch_up(tenants[:1], folder / "events")
            before = sum(follower.cpu_times()[:2])
            answered = _write(tenants, 3 * seconds, rate)
            time.sleep(_SETTLE_SECONDS)
            figures["follower_cpu"] = (sum(follower.cpu_times()[:2]) - before) / (3 * seconds + _SETTLE_SECONDS)
        figures |= _lags(answered, folder / "events")
    ratio, told, p50, p95 = (figures[name] for name in ("ratio", "told", "p50", "p95"))
    print(
        f"create message, {_WRITERS} at a time: {figures['without']:.0f}/s, "
        f"with a follower {figures['following']:.0f}/s: {ratio:.2f}\n"
        f"told after the API's answer, at {rate} messages/s: p50 {p50:.0f} ms, p95 {p95:.0f} ms, "
        f"{told:.0f} of {len(answered)}\n"
        f"the follower's CPU meanwhile, with {idle:,} idle accounts: {figures['follower_cpu']:.1%} "
        f"(once they were created, a message was told after {figures['catch_up']:.1f} s)",
        flush=True,
    )
    file = session.options.file("events").with_suffix(".json")
    file.write_text(json.dumps({"about": session.about, "rate": rate, "idle": idle, **figures}, indent=1))
    print(f"Saved {file}")


def _new_tenant(dataset: Dataset) -> Tenant:
    tenant = dataset.new_tenant()
    tenant.add_boxes(1)
    _ = tenant.api
    return tenant


def _write(tenants: list[Tenant], seconds: float, rate: float | None = None) -> dict[str, float]:
    """Leave messages in all accounts, `rate` a second or as fast as it goes; when each was answered."""
    answered: dict[str, float] = {}
    end = time.monotonic() + seconds

    def write(number: int) -> None:
        tenant, due = tenants[number], time.monotonic() + number / (rate or 1)
        request = tenant.api.request("PUT", f"{tenant.box_path()}/messages", b'{"data": {}}')
        while time.monotonic() < end:
            if rate is not None:
                time.sleep(max(0.0, due - time.monotonic()))
                due += len(tenants) / rate
            message = orjson.loads(send(tenant.api, request).body)["data"]
            answered[message["media_id"]] = time.time()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(tenants))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered


def _catch_up(tenants: list[Tenant], file: Path) -> float:
    """Leave a message now and then until one is told within a second: the follower has seen all that is new.

    Returns the seconds that it took.
    """
    start = time.monotonic()
    while time.monotonic() - start < _CATCH_UP_SECONDS:
        *_, (message_id, answered) = _write(tenants, 0.5, 2).items()
        while message_id not in file.read_text():
            time.sleep(0.1)
        if time.time() - answered < 1:
            return time.monotonic() - start
    raise TimeoutError(f"The follower was still behind after {_CATCH_UP_SECONDS:.0f} seconds.")


def _lags(answered: dict[str, float], file: Path) -> dict[str, float]:
    """Return the milliseconds from the API's answer until a receiver was told."""
    pairs = [line.split() for line in file.read_text().splitlines()]
    told = {message_id: float(moment) for message_id, moment in reversed(pairs)}
    lags = sorted((told[message_id] - moment) * 1000 for message_id, moment in answered.items() if message_id in told)
    return {"p50": lags[len(lags) // 2], "p95": lags[len(lags) * 95 // 100], "max": lags[-1], "told": len(lags)}


@contextmanager
def _follower(folder: Path) -> Iterator[psutil.Process]:
    """Run a follower."""
    settings = {"DJANGO_SETTINGS_MODULE": "benchmarks.recording_settings", "SEND_WEBHOOKS": "0"}
    log = folder / "follower.log"
    log.unlink(missing_ok=True)
    with servers.running(log, {**os.environ, **settings}, "manage", "follow_changes") as process:
        servers.wait_until_ready(process, log, lambda: "Following changes" in log.read_text())
        yield psutil.Process(process.pid)


@contextmanager
def _idle_accounts(count: int) -> Iterator[None]:
    """Create databases of accounts that nobody uses."""
    names = [database_names.account_db(f"1d1e{number:028x}") for number in range(count)]
    report.print_progress(f"creating {count} idle accounts")
    in_parallel(couch().create, names)
    try:
        yield
    finally:
        in_parallel(couch().drop, names)
