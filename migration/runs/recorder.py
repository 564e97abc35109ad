"""Write a run's progress to the database once a second, which is also its process's sign of life."""

import logging
import threading
import time
from collections import Counter
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from migration import report
from migration.models import MigrationRow, MigrationRun, State
from migration.progress import Progress, Row, Tally

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
_PATIENCE_SECONDS = 300.0
_ROWS_PER_INSERT = 500
_MAX_ERROR_LENGTH = 2_000
_MAX_REMARKS = 200


class Recorder:
    """Writes a migration's progress into a run's row, from a thread of its own; a context manager.

    Stops the migration if a stop is requested in the row. If the database is away for a while, nothing is lost: what
    there is to write waits.
    """

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self.progress = Progress(self._on_change, self._on_row)
        self.is_stop_requested = False
        self.is_lost = False
        """Whether the run was marked as interrupted, so that it is no longer this process's."""
        self._lock = threading.Lock()
        self._fields: dict[str, Any] = {}
        self._rows: list[MigrationRow] = []
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._write_regularly, name="recorder", daemon=True)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._finished.set()
        self._thread.join()

    def end(self, state: State, error: str = "") -> None:
        """Write the final progress, and that the run has ended. Call it after the context has ended.

        Waits for a database that is away. Raises DatabaseError if it stays away.
        """
        fields = {
            "state": state,
            "error": error[:_MAX_ERROR_LENGTH],
            "ended_at": Now(),
            "active_account_id": None,
            "waits_for_couchdb": False,
        }
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._write(fields)
            except DatabaseError as failure:
                self._log_failure(failure)
                if time.monotonic() > deadline:
                    raise
            time.sleep(_INTERVAL_SECONDS)

    def _on_change(self, tally: Tally) -> None:
        fields = _progress_fields(tally)
        with self._lock:
            self._fields = fields

    def _on_row(self, row: Row) -> None:
        with self._lock:
            self._rows.append(_migration_row(self.run_id, row))

    def _write_regularly(self) -> None:
        try:
            while not self._finished.wait(_INTERVAL_SECONDS):
                try:
                    self._write({})
                except DatabaseError as failure:
                    self._log_failure(failure)
        finally:
            connection.close()

    def _log_failure(self, failure: DatabaseError) -> None:
        logger.warning("Run %d can't write its progress now: %s", self.run_id, failure)
        connection.close()

    def _write(self, final_fields: dict[str, Any]) -> None:
        """Write all progress since the last time, or nothing, and read whether the run is to stop."""
        with self._lock:
            fields, rows = self._fields, self._rows
            self._rows = []
        try:
            with transaction.atomic():
                # The update comes first: SQLite then waits for other writers, where it would refuse an upgrade.
                own_run = MigrationRun.objects.filter(pk=self.run_id, state=State.RUNNING)
                self.is_lost = not own_run.update(**{"last_seen_at": Now(), **fields, **final_fields})
                if not self.is_lost:
                    MigrationRow.objects.bulk_create(rows, batch_size=_ROWS_PER_INSERT)
                stopping_run = MigrationRun.objects.filter(pk=self.run_id, stop_requested=True)
                self.is_stop_requested = stopping_run.exists()
        except DatabaseError:
            with self._lock:
                self._rows = rows + self._rows
            raise
        if self.is_lost or self.is_stop_requested:
            self.progress.stop()


def _progress_fields(tally: Tally) -> dict[str, Any]:
    """A tally as the fields of a run."""
    problems = [problem.sentence for problem in tally.problems[:_MAX_REMARKS]]
    counts = [*tally.outcomes.items(), *tally.greetings.items()]
    faults = sum(count for (outcome, _), count in counts if outcome in report.FAULTS)
    return {
        "phase": tally.phase,
        "waits_for_couchdb": tally.is_waiting,
        "messages_total": max(tally.messages_total, tally.messages_done),
        "messages_done": tally.messages_done,
        "bytes": tally.bytes,
        "seconds": round(tally.seconds, 1),
        "faults": faults + len(tally.problems),
        "outcomes": _list_counts(tally.outcomes),
        "greetings": _list_counts(tally.greetings),
        "remarks": [*tally.warnings[:_MAX_REMARKS], *problems][:_MAX_REMARKS],
    }


def _list_counts(counts: Counter[tuple[str, str]]) -> list[list[str | int]]:
    return [[outcome, reason, count] for (outcome, reason), count in sorted(counts.items())]


def _migration_row(run_id: int, row: Row) -> MigrationRow:
    ids = {name: str(getattr(row, name) or "")[:250] for name in ("box_id", "media_id", "message_id")}
    return MigrationRow(
        run_id=run_id,
        **ids,
        outcome=row.outcome[:20],
        reason=row.reason[:100],
        bytes=row.bytes,
        kind=row.kind,
    )
