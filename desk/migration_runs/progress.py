"""How a migration run is getting on: its state, its numbers, and what to do next."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from desk.kit.formats import format_number
from migration import report
from migration.models import MigrationRun, Operation, State

_PHASES = {"": gettext_lazy("waiting for its process"), "surveying": gettext_lazy("looking at mailboxes")}
_NEXT_OPERATIONS = {
    Operation.DRY_RUN: (Operation.MIGRATE, gettext_lazy("Migrate")),
    Operation.MIGRATE: (Operation.VERIFY, gettext_lazy("Verify")),
    Operation.PURGE_DRY_RUN: (Operation.PURGE, gettext_lazy("Purge …")),
}


def describe_state(run: MigrationRun) -> str:
    """A run's state in words."""
    if run.state == State.DONE and run.faults:
        return _("done, with %(faults)s to look at") % {"faults": format_number(run.faults)}
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
        "place": _("%(host)s, process %(pid)s") % {"host": run.host, "pid": run.pid} if run.pid else "—",
        "last_seen": f"{run.last_seen_at:%Y-%m-%d %H:%M:%S} UTC",
    }


def next_operation(run: MigrationRun) -> tuple[str, Any] | None:
    """The operation that should follow an ended run, and the text of its button; None if a later run exists."""
    if MigrationRun.objects.filter(account_id=run.account_id, pk__gt=run.pk).exists():
        return None
    if run.state in (State.INTERRUPTED, State.STOPPED, State.FAILED):
        return run.operation, _("Start it again")
    return _NEXT_OPERATIONS.get(Operation(run.operation)) if run.state == State.DONE else None


def _summarize(run: MigrationRun) -> str:
    """The progress in a sentence."""
    numbers = _numbers(run)
    if not run.is_active:
        return ", ".join([*numbers, _("%(seconds)s seconds") % {"seconds": format_number(run.seconds)}])
    if run.waits_for_couchdb:
        return _("CouchDB doesn't answer. The run waits for it for up to ten minutes. %(numbers)s") % {
            "numbers": ", ".join(numbers)
        }
    if run.seconds_left is not None:
        numbers.append(_("about %(duration)s left") % {"duration": _format_duration(run.seconds_left)})
    phase = _("stopping after the current messages") if run.stop_requested else _PHASES.get(run.phase, run.phase)
    return ": ".join(part for part in (phase[:1].upper() + phase[1:], ", ".join(numbers)) if part)


def _numbers(run: MigrationRun) -> list[str]:
    numbers = []
    if run.messages_done or run.messages_total or not run.is_active:
        text = _("%(done)s of %(total)s messages") if run.messages_total else _("%(done)s messages")
        done, total = format_number(run.messages_done), format_number(run.messages_total)
        numbers.append(text % {"done": done, "total": total})
    if run.greetings_done:
        numbers.append(
            ngettext("%(count)s greeting", "%(count)s greetings", run.greetings_done)
            % {"count": format_number(run.greetings_done)}
        )
    if run.bytes:
        numbers.append(report.format_size(run.bytes))
    if run.faults and run.is_active:
        numbers.append(_("%(faults)s to look at") % {"faults": format_number(run.faults)})
    if run.rate:
        numbers.append(_("%(count)s messages per second") % {"count": format_number(run.rate)})
    return numbers


def _format_duration(seconds: float) -> str:
    if seconds >= 2 * 3600:
        return _("%(hours)s hours") % {"hours": format_number(seconds / 3600)}
    if seconds >= 2 * 60:
        return _("%(minutes)s minutes") % {"minutes": format_number(seconds / 60)}
    return _("%(seconds)s seconds") % {"seconds": format_number(seconds)}
