"""The report of a run as a file: a row per entry, message or media document, and in JSON what it came to."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from crossbar.csv_renderer import format_cell
from migration.models import MigrationRow, MigrationRun
from migration.progress import Row

_CHUNK = 1_000
_FIELDS = tuple(field.name for field in fields(Row))


def as_csv(run: MigrationRun) -> Iterator[bytes]:
    """The report as CSV, in pieces; columns as those of ``migrate_kazoo3 --report``."""
    yield _csv([list(_FIELDS)])
    for some in _chunks(run):
        yield _csv([[format_cell(row[name]) for name in _FIELDS] for row in some])


def as_json(run: MigrationRun) -> Iterator[bytes]:
    """The report as JSON, in pieces: ``{"entries": [...], "summary": {...}}``."""
    yield b'{"entries": ['
    separator = "\n"
    for some in _chunks(run):
        yield (separator + ",\n".join(json.dumps(row) for row in some)).encode()
        separator = ",\n"
    yield ('\n], "summary": ' + json.dumps(summary(run), indent=2) + "}\n").encode()


def summary(run: MigrationRun) -> dict[str, Any]:
    """What a run came to, as JSON."""
    return {
        "account_id": run.account_id,
        "what": run.what,
        "state": run.state,
        "error": run.error,
        "processed": run.done,
        "bytes": run.bytes,
        "seconds": run.seconds,
        "outcomes": [
            {"outcome": outcome, "reason": reason, "count": count} for outcome, reason, count in run.outcomes
        ],
        "remarks": run.remarks,
    }


def _chunks(run: MigrationRun) -> Iterator[list[dict[str, Any]]]:
    """The rows as dictionaries, some at a time, however many there are."""
    last = 0
    while True:
        some = list(run.rows.filter(pk__gt=last)[:_CHUNK])
        if not some:
            return
        last = some[-1].pk
        yield [_spelled(run, row) for row in some]


def _spelled(run: MigrationRun, row: MigrationRow) -> dict[str, Any]:
    """A row as the command's report has it: what isn't known is null."""
    ids = {name: getattr(row, name) or None for name in ("box_id", "media_id", "message_id")}
    told = {"outcome": row.outcome, "reason": row.reason, "bytes": row.bytes}
    return {"account_id": run.account_id, **ids, **told}


def _csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")
