"""How a run's process writes down its progress: once a second, which is its sign of life, too."""

import logging
import threading
import time
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from migration import reporting
from migration.models import MigrationRow, MigrationRun, State
from migration.progress import Row, Tally, Watch

logger = logging.getLogger(__name__)

_SECONDS = 1.0
_PATIENCE = 300.0
_ROWS_AT_ONCE = 500
_LONGEST_ERROR = 2_000
_MOST_REMARKS = 200


class Recorder:
    """Writes what a watch is told into a run's row, from a thread of its own; stops the watch when asked to there.

    A context manager: while it lasts, the row hears of the process every second. A database that is away for a while
    misses nothing: what there is to write waits.
    """

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self.watch = Watch(self._changed, self._row)
        self.is_asked_to_stop = False
        self.is_lost = False
        """Whether others took the run for dead: then it isn't this process's any more."""
        self._lock = threading.Lock()
        self._progress: dict[str, Any] = {}
        self._rows: list[MigrationRow] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="recorder", daemon=True)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def end(self, state: State, error: str = "") -> None:
        """Write the last of it, once the beat is over, and that the run has ended.

        A database that is away is waited for. Raises DatabaseError when it stays away.
        """
        last = {"state": state, "error": error[:_LONGEST_ERROR], "ended_at": Now(), "active_account_id": None}
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._write({**last, "waits_for_couchdb": False})
            except DatabaseError as error:
                self._warn(error)
                if time.monotonic() > deadline:
                    raise
            time.sleep(_SECONDS)

    def _changed(self, tally: Tally) -> None:
        progress = _progress(tally)
        with self._lock:
            self._progress = progress

    def _row(self, row: Row) -> None:
        with self._lock:
            self._rows.append(_stored(self.run_id, row))

    def _beat(self) -> None:
        try:
            while not self._over.wait(_SECONDS):
                try:
                    self._write({})
                except DatabaseError as error:
                    self._warn(error)
        finally:
            connection.close()

    def _warn(self, error: DatabaseError) -> None:
        logger.warning("Run %d can't write its progress now: %s", self.run_id, error)
        connection.close()

    def _write(self, more: dict[str, Any]) -> None:
        """Write what has come together, all of it or nothing, and see whether the run is to stop."""
        with self._lock:
            progress, rows = self._progress, self._rows
            self._rows = []
        try:
            with transaction.atomic():
                # The row is written first: so SQLite lets others finish, and does not refuse.
                mine = MigrationRun.objects.filter(pk=self.run_id, state=State.RUNNING)
                self.is_lost = not mine.update(**{"last_seen_at": Now(), **progress, **more})
                if not self.is_lost:
                    MigrationRow.objects.bulk_create(rows, batch_size=_ROWS_AT_ONCE)
                asked = MigrationRun.objects.filter(pk=self.run_id, stop_requested=True)
                self.is_asked_to_stop = asked.exists()
        except DatabaseError:
            with self._lock:
                self._rows = rows + self._rows
            raise
        if self.is_lost or self.is_asked_to_stop:
            self.watch.stop()


def _progress(tally: Tally) -> dict[str, Any]:
    """A tally as the fields of a run."""
    outcomes = [[outcome, reason, count] for (outcome, reason), count in sorted(tally.outcomes.items())]
    remarks = [*tally.warnings[:_MOST_REMARKS], *(one.sentence for one in tally.problems[:_MOST_REMARKS])]
    faults = sum(count for (outcome, _), count in tally.outcomes.items() if outcome in reporting.FAULTS)
    return {
        "phase": tally.phase,
        "waits_for_couchdb": tally.waiting,
        "messages_total": max(tally.messages, tally.messages_done),
        "messages_done": tally.messages_done,
        "bytes": tally.bytes,
        "seconds": round(tally.seconds, 1),
        "faults": faults + len(tally.problems),
        "outcomes": outcomes,
        "remarks": remarks[:_MOST_REMARKS],
    }


def _stored(run_id: int, row: Row) -> MigrationRow:
    texts = {name: str(getattr(row, name) or "")[:250] for name in ("box_id", "media_id", "message_id")}
    return MigrationRow(run_id=run_id, **texts, outcome=row.outcome[:20], reason=row.reason[:100], bytes=row.bytes)
