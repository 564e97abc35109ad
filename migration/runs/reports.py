"""Export the report of a run: a row per entry, message or media document, and a summary in JSON."""

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


def export_csv(run: MigrationRun) -> Iterator[bytes]:
    """The report as CSV, in pieces, with the columns of ``migrate_kazoo3 --report``."""
    yield _format_csv([list(_FIELDS)])
    for rows in _read_chunks(run):
        yield _format_csv([[format_cell(row[name]) for name in _FIELDS] for row in rows])


def export_json(run: MigrationRun) -> Iterator[bytes]:
    """The report as JSON, in pieces: ``{"entries": [...], "summary": {...}}``."""
    yield b'{"entries": ['
    separator = "\n"
    for rows in _read_chunks(run):
        yield (separator + ",\n".join(json.dumps(row) for row in rows)).encode()
        separator = ",\n"
    yield ('\n], "summary": ' + json.dumps(_summarise(run), indent=2) + "}\n").encode()


def _summarise(run: MigrationRun) -> dict[str, Any]:
    return {
        "account_id": run.account_id,
        "operation": run.operation,
        "state": run.state,
        "error": run.error,
        "processed": run.messages_done,
        "bytes": run.bytes,
        "seconds": run.seconds,
        "outcomes": _name_counts(run.outcomes),
        "greetings": _name_counts(run.greetings),
        "remarks": run.remarks,
    }


def _name_counts(counts: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
    return [{"outcome": outcome, "reason": reason, "count": count} for outcome, reason, count in counts]


def _read_chunks(run: MigrationRun) -> Iterator[list[dict[str, Any]]]:
    """The rows as dictionaries, a chunk at a time, however many there are."""
    last_id = 0
    while rows := list(run.rows.filter(pk__gt=last_id)[:_CHUNK]):
        last_id = rows[-1].pk
        yield [_row_fields(run, row) for row in rows]


def _row_fields(run: MigrationRun, row: MigrationRow) -> dict[str, Any]:
    """A row as the command's report has it; unknown ids are null."""
    ids = {name: getattr(row, name) or None for name in ("box_id", "media_id", "message_id")}
    return {
        "account_id": run.account_id,
        **ids,
        "outcome": row.outcome,
        "reason": row.reason,
        "bytes": row.bytes,
        "kind": row.kind,
    }


def _format_csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")
