"""How a migration run is getting on: its state, its numbers, and what to do next."""

from typing import Any

from migration import report
from migration.models import MigrationRun, Operation, State

_PHASES = {"": "waiting for its process", "surveying": "looking at mailboxes"}
_NEXT_OPERATIONS = {
    Operation.DRY_RUN: (Operation.MIGRATE, "Migrate"),
    Operation.MIGRATE: (Operation.VERIFY, "Verify"),
    Operation.PURGE_DRY_RUN: (Operation.PURGE, "Purge …"),
}


def describe_state(run: MigrationRun) -> str:
    """A run's state in words."""
    if run.state == State.DONE and run.faults:
        return f"done, with {run.faults:,} to look at"
    return str(run.get_state_display())


def run_progress(run: MigrationRun) -> dict[str, Any]:
    """A run's progress, for its page and as JSON: state, numbers, and a sentence."""
    return {
        "id": run.pk,
        "state": run.state,
        "is_active": run.is_active,
        "state_text": describe_state(run),
        "phase": run.phase,
        "waits_for_couchdb": run.waits_for_couchdb,
        "stop_requested": run.stop_requested,
        "total": run.messages_total,
        "done": run.messages_done,
        "bytes": run.bytes,
        "seconds": run.seconds,
        "faults": run.faults,
        "summary": _summarize(run),
        "host": run.host,
        "pid": run.pid,
        "place": f"{run.host}, process {run.pid}" if run.pid else "—",
        "last_seen": f"{run.last_seen_at:%Y-%m-%d %H:%M:%S} UTC",
    }


def next_operation(run: MigrationRun) -> tuple[str, str] | None:
    """The operation that should follow an ended run, and the text of its button; None if a later run exists."""
    if MigrationRun.objects.filter(account_id=run.account_id, pk__gt=run.pk).exists():
        return None
    if run.state in (State.INTERRUPTED, State.STOPPED, State.FAILED):
        return run.operation, "Start it again"
    return _NEXT_OPERATIONS.get(Operation(run.operation)) if run.state == State.DONE else None


def _summarize(run: MigrationRun) -> str:
    """The progress in a sentence."""
    numbers = _numbers(run)
    if not run.is_active:
        return ", ".join([*numbers, f"{run.seconds:,.0f} seconds"])
    if run.waits_for_couchdb:
        return f"CouchDB doesn't answer. The run waits for it for up to ten minutes. {', '.join(numbers)}"
    if run.seconds_left is not None:
        numbers.append(f"about {_format_duration(run.seconds_left)} left")
    phase = "stopping after the current messages" if run.stop_requested else _PHASES.get(run.phase, run.phase)
    return ": ".join(part for part in (phase[:1].upper() + phase[1:], ", ".join(numbers)) if part)


def _numbers(run: MigrationRun) -> list[str]:
    numbers = []
    if run.messages_done or run.messages_total or not run.is_active:
        total = f" of {run.messages_total:,}" if run.messages_total else ""
        numbers.append(f"{run.messages_done:,}{total} messages")
    if run.greetings_done:
        numbers.append(f"{run.greetings_done:,} greeting{'' if run.greetings_done == 1 else 's'}")
    if run.bytes:
        numbers.append(report.format_size(run.bytes))
    if run.faults and run.is_active:
        numbers.append(f"{run.faults:,} to look at")
    if run.rate:
        numbers.append(f"{run.rate:,.0f} messages per second")
    return numbers


def _format_duration(seconds: float) -> str:
    for unit, unit_seconds in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit_seconds:
            return f"{seconds / unit_seconds:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
