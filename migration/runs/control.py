"""Starting runs, asking them to stop, and noticing those whose process is gone."""

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
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from migration.models import ACTIVE, MigrationRow, MigrationRun, State, What

logger = logging.getLogger(__name__)

SILENT = "Its process has not been heard of since then: it ended without a word, or its machine did."
GONE = "Its process ended without a word (exit status {status})."
_REPORTS_KEPT = 10
_NAME = 250
# A busy machine takes its time to start a process.
_SECONDS_TO_BEGIN = 60


class Refused(Exception):
    """A run can't be started now; the text is a sentence that says why."""


class UnderWay(Refused):
    """The account has a run under way."""

    def __init__(self, run: MigrationRun | None) -> None:
        who = f" {run.operator} started a {run.get_what_display().lower()} of it." if run else ""
        super().__init__(f"This account is being worked on already.{who} Wait for its end, or stop it.")
        self.run = run


def start(account_id: str, account_name: str, what: What, operator_id: int, request_id: str = "") -> MigrationRun:
    """Start a run over an account; it goes on by itself. Raises UnderWay, or Refused when there are too many."""
    settle()
    most = settings.MIGRATIONS_AT_ONCE
    if most and MigrationRun.objects.filter(state__in=ACTIVE).count() >= most:
        raise Refused(f"As many migrations are under way as there may be at once ({most}). Wait until one has ended.")
    try:
        with transaction.atomic():
            run = MigrationRun.objects.create(
                account_id=account_id,
                active_account_id=account_id,
                account_name=account_name[:_NAME],
                what=what,
                operator_id=operator_id,
                request_id=request_id[:128],
                asked=Now(),
                heard=Now(),
            )
    except IntegrityError as error:
        raise UnderWay(active_run(account_id)) from error
    _forget_old_reports(account_id)
    try:
        _launch(run.pk)
    except OSError as error:
        end(run.pk, State.FAILED, f"Its process could not be started: {error.strerror}.")
    return MigrationRun.objects.get(pk=run.pk)


def ask_to_stop(run_id: int) -> bool:
    """Ask a run to end after the batches under way; whether it is one that can be asked."""
    return bool(MigrationRun.objects.filter(pk=run_id, state__in=ACTIVE).update(stop_asked=True))


def end(run_id: int, state: State, error: str = "", *, heard: bool = True) -> bool:
    """Write down that a run has ended, if it is under way; whether it was. `heard`: by whoever carries it out."""
    at = Now() if heard else F("heard")
    active = MigrationRun.objects.filter(pk=run_id, state__in=ACTIVE)
    return bool(active.update(state=state, error=error, ended=at, heard=at, waits=False, active_account_id=None))


def settle() -> None:
    """Note the runs whose process has been silent for longer than one can be."""
    silence = settings.MIGRATION_SILENCE_SECONDS
    allowed = ((State.RUNNING, silence), (State.WAITING, silence + _SECONDS_TO_BEGIN))
    tests = (Q(state=state, heard__lt=Now() - timedelta(seconds=seconds)) for state, seconds in allowed)
    silent = MigrationRun.objects.filter(reduce(or_, tests))
    for run_id in list(silent.values_list("pk", flat=True)):
        # Looked at once more: it may have been heard of in between.
        silent.filter(pk=run_id).update(
            state=State.INTERRUPTED, error=SILENT, ended=F("heard"), waits=False, active_account_id=None
        )


def active_run(account_id: str) -> MigrationRun | None:
    """The run that an account has under way."""
    return MigrationRun.objects.filter(active_account_id=account_id).select_related("operator").first()


def all_active() -> QuerySet[MigrationRun]:
    """All runs that are under way, the latest first."""
    settle()
    return MigrationRun.objects.filter(state__in=ACTIVE).select_related("operator")


def latest(account_ids: Iterable[str]) -> dict[str, MigrationRun]:
    """The latest run of each of some accounts, by account; of those that had one."""
    settle()
    found = MigrationRun.objects.filter(account_id__in=list(account_ids)).order_by("account_id", "-id")
    by_account: dict[str, MigrationRun] = {}
    for run in found.only("account_id", "what", "state", "faults"):
        by_account.setdefault(run.account_id, run)
    return by_account


def _forget_old_reports(account_id: str) -> None:
    """The rows of all but an account's last runs go; what they came to is kept with the runs."""
    kept = MigrationRun.objects.filter(account_id=account_id).order_by("-id").values_list("pk", flat=True)
    old = list(kept[_REPORTS_KEPT:])
    if old:
        MigrationRow.objects.filter(run_id__in=old).delete()


def _launch(run_id: int) -> None:
    """Start a run's process: in a session of its own, so that nothing that befalls this process befalls it."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_migration", str(run_id)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command,
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # stderr is the service's own: there its log goes
    )
    threading.Thread(target=_attend, args=(process, run_id), name=f"run {run_id}", daemon=True).start()


def _attend(process: "subprocess.Popen[bytes]", run_id: int) -> None:
    """Wait for a process's end, as long as this one lives; a run that is left under way then is noted at once."""
    status = process.wait()
    try:
        if end(run_id, State.INTERRUPTED, GONE.format(status=status)):
            logger.warning("The process of migration run %d ended with status %d", run_id, status)
    finally:
        close_old_connections()
