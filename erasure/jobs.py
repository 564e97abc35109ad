"""The job of an erasure: it takes step after step until the erasure ends, or waits for an operator or a time.

It may be killed at any moment, and then runs again: each step may be repeated. A lease keeps a second worker away
from an erasure that the first one is at.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_tasks import task
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from couch.errors import Conflict, Unreachable
from crossbar.errors import ApiError, BadIdentifier, DatastoreUnreachable
from erasure import documents, execution, listing, removal
from erasure.execution import Changed
from erasure.models import Erasure, ErasureItem
from erasure.removal import NotRestorable
from erasure.signals import erasure_ended

logger = logging.getLogger(__name__)

State = Erasure.State
WORKING = (State.LISTING, State.REMOVING, State.WAITING, State.ERASING, State.COMPACTING, State.UNDOING)
"""The states that a worker has something to do in, at once or when the time has come."""
_LEASE = timedelta(seconds=60)
_PREVIEW_KEPT = timedelta(days=1)
_RENEW_SECONDS = 5.0
_OUTAGE_PAUSE, _COMPACTION_PAUSE = timedelta(seconds=10), timedelta(seconds=20)
_COMPACTION_POLLS, _POLL_SECONDS = 8, 0.5
CHECK_SECONDS = 60
AWAY = "CouchDB doesn't answer. A worker tries again every ten seconds."
FAULT = "A fault of the service stopped it. Its log has the details."


class Ended(Exception):
    """An operator has ended the step that a worker is at."""


def schedule_erasure(erasure: Erasure, at: datetime | None = None) -> None:
    """Have a worker go on with an erasure, at once or at a time."""
    (work if at is None else work.using(run_after=at)).enqueue(erasure.pk)


@task
def work(erasure_id: int) -> None:
    """Take the steps of an erasure that can be taken now."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    rows = Erasure.objects.filter(pk=erasure_id, state__in=WORKING)
    if not rows.filter(free).update(lease_until=now + _LEASE):
        if (erasure := rows.first()) is not None:
            schedule_erasure(erasure, erasure.lease_until)
        return
    again_at: datetime | None = None
    erasure = Erasure.objects.get(pk=erasure_id)
    try:
        again_at = _take_steps(erasure)
    except Ended:
        pass
    except (Unreachable, DatastoreUnreachable):
        Erasure.objects.filter(pk=erasure_id).update(problem=AWAY)
        again_at = timezone.now() + _OUTAGE_PAUSE
    except Exception as error:
        _stop(erasure, error)
    with transaction.atomic():
        Erasure.objects.filter(pk=erasure_id).update(lease_until=None)
        if again_at is not None:
            schedule_erasure(erasure, again_at)


def delete_old_previews() -> None:
    """Delete what nobody has confirmed within a day: it may hold a caller's number."""
    is_unconfirmed = Q(state__in=(State.LISTING, State.PREVIEW)) | Q(state=State.CANCELLED, due_at=None)
    Erasure.objects.filter(is_unconfirmed, created_at__lt=timezone.now() - _PREVIEW_KEPT).delete()


@task
def enqueue_overdue() -> None:
    """Queue the job of erasures that have none: after a restored backup, say. And delete old previews."""
    delete_old_previews()
    now = timezone.now()
    is_due = ~Q(state=State.WAITING) | Q(due_at__lte=now)
    overdue = Erasure.objects.filter(is_due, state__in=WORKING).filter(Q(lease_until=None) | Q(lease_until__lt=now))
    ids = set(overdue.values_list("pk", flat=True))
    if not ids:
        return
    queued = DBTaskResult.objects.filter(
        task_path=work.module_path, status__in=(TaskResultStatus.READY, TaskResultStatus.RUNNING)
    )
    queued_ids = {argument for job in queued for argument in job.args_kwargs["args"]}
    for erasure in Erasure.objects.filter(pk__in=ids - queued_ids):
        schedule_erasure(erasure)


def _take_steps(erasure: Erasure) -> datetime | None:
    """Take steps until the erasure ends or has to wait; when to go on, None if no worker has to."""
    while (step := _STEPS.get(erasure.state)) is not None:
        before = erasure.state
        again_at = step(erasure)
        erasure.refresh_from_db()
        if erasure.state == before:
            return again_at
    return None


def _list(erasure: Erasure) -> None:
    listing.list_items(erasure, _Ticker(erasure))
    _move(erasure, State.PREVIEW)


def _remove_item(erasure: Erasure) -> None:
    removal.remove(erasure, _Ticker(erasure))
    due_at = erasure.due_at or timezone.now() + timedelta(days=settings.ERASURE_WAIT_DAYS)
    _move(erasure, State.WAITING, due_at=due_at)


def _wait(erasure: Erasure) -> datetime | None:
    if erasure.due_at is not None and erasure.due_at > timezone.now():
        return erasure.due_at
    _move(erasure, State.ERASING)
    return None


def _erase(erasure: Erasure) -> None:
    try:
        execution.erase(erasure, _Ticker(erasure))
    except Changed:
        _hold(erasure, "It was restored or changed after it was removed. Nothing is deleted for good.")
    else:
        _move(erasure, State.COMPACTING)


def _compact(erasure: Erasure) -> datetime | None:
    for _ in range(_COMPACTION_POLLS):
        if documents.continue_compaction(erasure):
            break
        _Ticker(erasure).renew(0)
        time.sleep(_POLL_SECONDS)
    else:
        return timezone.now() + _COMPACTION_PAUSE
    held = erasure.items.filter(state=ErasureItem.State.HELD).count()
    if held:
        _hold(erasure, f"Messages that were restored or changed after they were removed: {held}. They are left.")
        return None
    with transaction.atomic():
        _move(erasure, State.DONE, ended_at=timezone.now())
        erasure_ended.send(Erasure, erasure=erasure, action="erased")
    return None


def _undo_erasure(erasure: Erasure) -> None:
    try:
        removal.restore(erasure, _Ticker(erasure))
    except NotRestorable as error:
        _hold(erasure, str(error))
        return
    with transaction.atomic():
        _move(erasure, State.UNDONE, ended_at=timezone.now())
        erasure_ended.send(Erasure, erasure=erasure, action="undid")


_STEPS: dict[str, Callable[[Erasure], datetime | None]] = {
    State.LISTING: _list,
    State.REMOVING: _remove_item,
    State.WAITING: _wait,
    State.ERASING: _erase,
    State.COMPACTING: _compact,
    State.UNDOING: _undo_erasure,
}


def _move(erasure: Erasure, state: str, **changes: object) -> None:
    """Put the erasure into another state; raises Ended if an operator has done so."""
    members = {"problem": "", "progress": 0, "lease_until": timezone.now() + _LEASE, **changes}
    if not Erasure.objects.filter(pk=erasure.pk, state=erasure.state).update(state=state, **members):
        raise Ended


def _hold(erasure: Erasure, problem: str) -> None:
    """Stop until an operator has decided."""
    with transaction.atomic():
        _move(erasure, State.HELD, problem=problem)
        erasure_ended.send(Erasure, erasure=erasure, action="stopped")


def _stop(erasure: Erasure, error: Exception) -> None:
    """Stop after an error that a repetition doesn't mend: a preview ends, anything else needs a decision."""
    match error:
        case BadIdentifier():
            problem = "It doesn't exist any more."
        case Conflict():
            problem = "Others changed it all the time."
        case ApiError():
            problem = f"It is refused: {error.message.replace('_', ' ')}."
        case _:
            logger.error("The erasure %d stopped", erasure.pk, exc_info=error)
            problem = FAULT
    is_preview = erasure.state == State.LISTING
    state = State.CANCELLED if is_preview else State.HELD
    Erasure.objects.filter(pk=erasure.pk, state=erasure.state).update(state=state, problem=problem)


class _Ticker:
    """Counts what a step has done, and renews the lease meanwhile."""

    def __init__(self, erasure: Erasure) -> None:
        self._erasure = erasure
        self._count = 0
        self._renewed_at = 0.0

    def __call__(self, count: int) -> None:
        self._count += count
        if time.monotonic() - self._renewed_at > _RENEW_SECONDS:
            self.renew(self._count)

    def renew(self, count: int) -> None:
        """Renew the lease and tell the count; raises Ended if an operator has ended the step."""
        self._renewed_at = time.monotonic()
        rows = Erasure.objects.filter(pk=self._erasure.pk, state=self._erasure.state)
        if not rows.update(lease_until=timezone.now() + _LEASE, progress=count):
            raise Ended
