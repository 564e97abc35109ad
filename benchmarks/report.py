"""What was measured, as a table and as JSON."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks.measuring import Row

_HEADS = (
    ("call", 26),
    ("conc", 4),
    ("API/s", 8),
    ("bare/s", 8),
    ("ratio", 6),
    ("p50 ms", 8),
    ("bare", 8),
    ("ratio", 6),
    ("p99 ms", 8),
    ("bare", 8),
    ("CPU ms", 7),
    ("RSS MB", 7),
    ("+peak", 6),
)


def heading() -> str:
    """The table's first line."""
    first, *rest = _HEADS
    return f"{first[0]:<{first[1]}}" + "".join(f" {name:>{width}}" for name, width in rest) + "  targets"


def line(row: Row) -> str:
    """A row of the table."""
    numbers = (
        f"{row.concurrency}",
        number(row.api.per_second),
        number(row.bare.per_second),
        f"{row.figure('throughput'):.2f}",
        number(row.api.p50),
        number(row.bare.p50),
        f"{row.figure('p50'):.2f}",
        number(row.api.p99),
        number(row.bare.p99),
        number(row.cpu),
        f"{row.rss:.0f}",
        f"{row.growth:.1f}",
    )
    cells = "".join(f" {text:>{width}}" for text, (_, width) in zip(numbers, _HEADS[1:], strict=True))
    targets = ", ".join(f"{name} {'met' if met else 'MISSED'}" for name, met in row.targets.items())
    return f"{row.call:<{_HEADS[0][1]}}{cells}  {targets}".rstrip()


def number(value: float) -> str:
    """A number with as many digits as tell something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine() -> dict[str, Any]:
    """What was measured on, and when."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": list(os.getloadavg()),
    }


def about(facts: dict[str, Any]) -> str:
    """What was measured on, as a line."""
    workers = f"{facts['workers']} workers (processes {', '.join(map(str, facts['pids']))})"
    return f"{workers}, {facts['cores']} cores, load {facts['load'][0]:.1f}, CouchDB: {facts['couchdb']}"


def aside(text: str) -> None:
    """Say what is going on beside the table."""
    print(f"  ({text} ...)", flush=True)


def summary(rows: Sequence[Row]) -> str:
    """How many targets are met."""
    told = [met for row in rows for met in row.targets.values()]
    return f"{sum(told)} of {len(told)} targets met."


def save(file: Path, about: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """The report as JSON."""
    report = {"about": about, "rows": list(rows)}
    file.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
