"""What the pages of migration runs show of one: its progress, what it came to, its report."""

import re
from typing import Any

from django.urls import reverse

from desk.kit.tables import Cell, Row
from migration import report
from migration.models import MigrationRow, MigrationRun, Operation, State
from storage import database_names

_PAGE = 100
_PLACE = re.compile(r"\d{1,18}", re.ASCII)
# Outcomes whose message is there to be looked at, unless the run only tried.
_STORED = frozenset({"migrated", "linked", "resolved", "present", "verified", "changed", "differing", "purged"})
_PHASES = {"": "waiting for its process", "surveying": "looking at mailboxes"}


def url_of(run: MigrationRun) -> str:
    """Where a run's page is."""
    return reverse("admin:migration_migrationrun_run", args=[run.pk])


def state_of(run: MigrationRun) -> str:
    """A run's state in words."""
    if run.state == State.DONE and run.faults:
        return f"done, with {run.faults:,} to look at"
    return str(run.get_state_display())


def progress(run: MigrationRun) -> dict[str, Any]:
    """How a run goes, for a page and as JSON: state, numbers, and a sentence for people."""
    return {
        "id": run.pk,
        "state": run.state,
        "is_active": run.is_active,
        "shown_state": state_of(run),
        "phase": run.phase,
        "waits_for_couchdb": run.waits_for_couchdb,
        "stop_requested": run.stop_requested,
        "total": run.messages_total,
        "done": run.messages_done,
        "bytes": run.bytes,
        "seconds": run.seconds,
        "faults": run.faults,
        "told": _told(run),
        "host": run.host,
        "pid": run.pid,
        "place": f"{run.host}, process {run.pid}" if run.pid else "—",
        "last_seen": f"{run.last_seen_at:%Y-%m-%d %H:%M:%S} UTC",
    }


def outcomes(run: MigrationRun) -> list[tuple[str, str, int, str, bool]]:
    """What a run came to: outcome, reason, number, what these mean, whether somebody has to look at it."""
    order = {outcome: place for place, outcome in enumerate(report.OUTCOMES)}
    found = sorted(run.outcomes, key=lambda one: (order.get(one[0], len(order)), one[1]))
    return [
        (outcome, reason, count, _meaning(outcome, reason), outcome in report.FAULTS)
        for outcome, reason, count in found
    ]


def again(run: MigrationRun) -> tuple[str, str] | None:
    """What an ended run may go on with, the value and text of a button; None where another came after it."""
    if MigrationRun.objects.filter(account_id=run.account_id, pk__gt=run.pk).exists():
        return None
    if run.state in (State.INTERRUPTED, State.STOPPED, State.FAILED):
        return run.operation, "Start it again"
    following = {
        Operation.DRY_RUN: Operation.MIGRATE,
        Operation.MIGRATE: Operation.VERIFY,
        Operation.PURGE_DRY_RUN: Operation.PURGE,
    }
    operation = following.get(Operation(run.operation)) if run.state == State.DONE else None
    texts = {Operation.MIGRATE: "Migrate", Operation.VERIFY: "Verify", Operation.PURGE: "Purge …"}
    return (operation, texts[operation]) if operation else None


def rows(
    run: MigrationRun, outcome: str, start_key: str, *, boxes: bool, messages: bool
) -> tuple[list[Row], str | None]:
    """A page of a run's report, the earliest first, and where the next page starts.

    `boxes` and `messages`: whether the operator may look at these, so that there are links to them.
    """
    found = run.rows.filter(pk__gte=int(start_key) if _PLACE.fullmatch(start_key) else 0)
    if outcome:
        found = found.filter(outcome=outcome)
    some = list(found[: _PAGE + 1])
    shown = [_row(run, row, boxes=boxes, messages=messages) for row in some[:_PAGE]]
    return shown, str(some[_PAGE].pk) if len(some) > _PAGE else None


def box_url(account_id: str, box_id: str) -> str | None:
    """Where a mailbox's page is; None for an id that is none, as dirty data has them."""
    # Ids of accounts and of mailboxes are of the same form.
    if not database_names.is_account_id(box_id):
        return None
    return reverse("admin:desk_mailbox_detail", args=[account_id, box_id])


def _row(run: MigrationRun, row: MigrationRow, *, boxes: bool, messages: bool) -> Row:
    of_box = box_url(run.account_id, row.box_id)
    of_message = None
    if messages and of_box and row.outcome in _STORED and run.operation != Operation.DRY_RUN:
        of_message = reverse("admin:desk_message_detail", args=[run.account_id, row.box_id, row.message_id])
    cells = (
        Cell(row.outcome, style="state-bad" if row.outcome in report.FAULTS else "state-good"),
        Cell(row.reason or "—"),
        Cell(row.message_id or "—", of_message, "id"),
        Cell(row.media_id or "—", style="id"),
        Cell(row.box_id or "—", of_box if boxes else None, "id"),
        Cell(report.format_size(row.bytes) if row.bytes else "", style="number"),
    )
    return Row(cells, str(row.pk))


def _meaning(outcome: str, reason: str) -> str:
    told = (report.OUTCOMES.get(outcome, ""), report.REASONS.get(reason, ""))
    return "; ".join(text for text in told if text)


def _told(run: MigrationRun) -> str:
    """How far a run is, in a sentence."""
    of_all = f" of {run.messages_total:,}" if run.messages_total else ""
    numbers = (
        [f"{run.messages_done:,}{of_all} messages"]
        if run.messages_done or run.messages_total or not run.is_active
        else []
    )
    if run.bytes:
        numbers.append(report.format_size(run.bytes))
    if run.faults and run.is_active:
        numbers.append(f"{run.faults:,} to look at")
    if run.rate:
        numbers.append(f"{run.rate:,.0f} messages a second")
    if not run.is_active:
        return ", ".join([*numbers, f"{run.seconds:,.0f} seconds"])
    if run.waits_for_couchdb:
        return f"CouchDB doesn't answer: it is waited for, up to ten minutes. {', '.join(numbers)}"
    if run.seconds_left is not None:
        numbers.append(f"about {_spelled(run.seconds_left)} left")
    begun = "It stops after the messages under way" if run.stop_requested else _PHASES.get(run.phase, run.phase)
    return ": ".join(one for one in (begun[:1].upper() + begun[1:], ", ".join(numbers)) if one)


def _spelled(seconds: float) -> str:
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
