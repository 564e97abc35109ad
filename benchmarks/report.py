"""The report of the measurements: a table, and JSON."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks.measuring import Row

_COLUMNS = (
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
    """The table's heading."""
    first, *columns = _COLUMNS
    return f"{first[0]:<{first[1]}}" + "".join(f" {name:>{width}}" for name, width in columns) + "  targets"


def format_row(row: Row) -> str:
    """A row of the table."""
    numbers = (
        f"{row.concurrency}",
        format_number(row.api.per_second),
        format_number(row.bare.per_second),
        f"{row.figure('throughput'):.2f}",
        format_number(row.api.p50),
        format_number(row.bare.p50),
        f"{row.figure('p50'):.2f}",
        format_number(row.api.p99),
        format_number(row.bare.p99),
        format_number(row.cpu),
        f"{row.rss:.0f}",
        f"{row.growth:.1f}",
    )
    cells = "".join(f" {text:>{width}}" for text, (_, width) in zip(numbers, _COLUMNS[1:], strict=True))
    targets = ", ".join(f"{name} {'met' if met else 'MISSED'}" for name, met in row.targets.items())
    return f"{row.call:<{_COLUMNS[0][1]}}{cells}  {targets}".rstrip()


def format_number(value: float) -> str:
    """A number with three significant digits, or all digits before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine() -> dict[str, Any]:
    """The time, the machine and its load."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": list(os.getloadavg()),
    }


def describe(about: dict[str, Any]) -> str:
    """The line above the table: workers, cores, load and CouchDB."""
    workers = f"{about['workers']} workers (processes {', '.join(map(str, about['pids']))})"
    return f"{workers}, {about['cores']} cores, load {about['load'][0]:.1f}, CouchDB: {about['couchdb']}"


def print_progress(text: str) -> None:
    """Print what the benchmark is doing between two lines of the table."""
    print(f"  ({text} ...)", flush=True)


def target_summary(rows: Sequence[Row]) -> str:
    """A sentence with the number of targets met."""
    results = [met for row in rows for met in row.targets.values()]
    return f"{sum(results)} of {len(results)} targets met."


def save_json(file: Path, about: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """Save the report as JSON."""
    report = {"about": about, "rows": list(rows)}
    file.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
