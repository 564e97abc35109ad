"""Start runs, request their stop, and detect those whose process has died."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db import IntegrityError, close_old_connections, transaction
from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Now

from migration.models import ACTIVE, MigrationRow, MigrationRun, Operation, State

logger = logging.getLogger(__name__)

SILENT = "Its process has given no sign of life since then: the process or its machine has died."
GONE = "Its process has died (exit status {status})."
_REPORTS_PER_ACCOUNT = 10
_MAX_NAME_LENGTH = 250
# A busy machine takes its time to start a process.
_SECONDS_TO_START = 60


class CannotStart(Exception):
    """A run can't be started now; the text is a sentence that says why."""


class AlreadyActive(CannotStart):
    """The account has an active run."""

    def __init__(self, run: MigrationRun | None) -> None:
        starter = f" {run.operator} started a {run.get_operation_display().lower()} of it." if run else ""
        super().__init__(f"This account is being worked on already.{starter} Wait until it ends, or stop it.")
        self.run = run


def start(
    account_id: str, account_name: str, operation: Operation, operator_id: int, request_id: str = ""
) -> MigrationRun:
    """Start a run over an account, in a process of its own.

    Raises AlreadyActive, and CannotStart if too many runs are active.
    """
    mark_interrupted()
    limit = settings.MIGRATIONS_AT_ONCE
    if limit and MigrationRun.objects.filter(state__in=ACTIVE).count() >= limit:
        raise CannotStart(f"The limit of migrations at once ({limit}) is reached. Wait until one has ended.")
    try:
        with transaction.atomic():
            run = MigrationRun.objects.create(
                account_id=account_id,
                active_account_id=account_id,
                account_name=account_name[:_MAX_NAME_LENGTH],
                operation=operation,
                operator_id=operator_id,
                request_id=request_id[:128],
                requested_at=Now(),
                last_seen_at=Now(),
            )
    except IntegrityError as error:
        raise AlreadyActive(active_run(account_id)) from error
    _delete_old_reports(account_id)
    try:
        _launch(run.pk)
    except OSError as error:
        _end(run.pk, State.FAILED, f"Its process could not be started: {error.strerror}.")
    return MigrationRun.objects.get(pk=run.pk)


def request_stop(run_id: int) -> bool:
    """Request that a run stops after the batches under way. False if the run is not active."""
    return bool(MigrationRun.objects.filter(pk=run_id, state__in=ACTIVE).update(stop_requested=True))


def mark_interrupted() -> None:
    """Mark the active runs as interrupted whose process has given no sign of life for too long."""
    silence = settings.MIGRATION_SILENCE_SECONDS
    limits = ((State.RUNNING, silence), (State.WAITING, silence + _SECONDS_TO_START))
    conditions = (Q(state=state, last_seen_at__lt=Now() - timedelta(seconds=seconds)) for state, seconds in limits)
    silent_runs = MigrationRun.objects.filter(reduce(or_, conditions))
    for run_id in list(silent_runs.values_list("pk", flat=True)):
        # The condition is checked again: the process may have given a sign of life in between.
        silent_runs.filter(pk=run_id).update(
            state=State.INTERRUPTED,
            error=SILENT,
            ended_at=F("last_seen_at"),
            waits_for_couchdb=False,
            active_account_id=None,
        )


def active_run(account_id: str) -> MigrationRun | None:
    """The active run of an account."""
    return MigrationRun.objects.filter(active_account_id=account_id).select_related("operator").first()


def active_runs() -> QuerySet[MigrationRun]:
    """The active runs of all accounts, the latest first."""
    mark_interrupted()
    return MigrationRun.objects.filter(state__in=ACTIVE).select_related("operator")


def failed_runs() -> QuerySet[MigrationRun]:
    """The runs that failed or were interrupted, and that their accounts had no later run after, the latest first."""
    mark_interrupted()
    latest_ids = MigrationRun.objects.order_by().values("account_id").annotate(latest=Max("pk")).values("latest")
    failed = MigrationRun.objects.filter(pk__in=latest_ids, state__in=(State.FAILED, State.INTERRUPTED))
    return failed.select_related("operator")


def latest_runs(account_ids: Iterable[str]) -> dict[str, MigrationRun]:
    """The latest run of each account that had one, by account id."""
    mark_interrupted()
    runs = MigrationRun.objects.filter(account_id__in=list(account_ids)).order_by("account_id", "-id")
    by_account: dict[str, MigrationRun] = {}
    for run in runs.only("account_id", "operation", "state", "faults"):
        by_account.setdefault(run.account_id, run)
    return by_account


def _end(run_id: int, state: State, error: str) -> bool:
    """Mark an active run as ended. False if it has ended already."""
    active = MigrationRun.objects.filter(pk=run_id, state__in=ACTIVE)
    return bool(
        active.update(
            state=state,
            error=error,
            ended_at=Now(),
            last_seen_at=Now(),
            waits_for_couchdb=False,
            active_account_id=None,
        )
    )


def _delete_old_reports(account_id: str) -> None:
    """Delete the rows of all but an account's latest runs. The runs themselves stay, with their counts."""
    run_ids = MigrationRun.objects.filter(account_id=account_id).order_by("-id").values_list("pk", flat=True)
    old_run_ids = list(run_ids[_REPORTS_PER_ACCOUNT:])
    if old_run_ids:
        MigrationRow.objects.filter(run_id__in=old_run_ids).delete()


def _launch(run_id: int) -> None:
    """Start a run's process, in a session of its own, so that signals to this process don't reach it."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_migration", str(run_id)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command,
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # stderr is inherited: the process logs where the service does
    )
    threading.Thread(target=_wait_for, args=(process, run_id), name=f"run {run_id}", daemon=True).start()


def _wait_for(process: "subprocess.Popen[bytes]", run_id: int) -> None:
    """Wait until a process ends, and mark its run as interrupted at once if it is still active then."""
    status = process.wait()
    try:
        if _end(run_id, State.INTERRUPTED, GONE.format(status=status)):
            logger.warning("The process of migration run %d died with exit status %d", run_id, status)
    finally:
        close_old_connections()
