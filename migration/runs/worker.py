"""The process of a run: does what ``migrate_kazoo3`` does, over one account, in place."""

import logging
import socket

from django.db.models.functions import Now

from couch.errors import CouchError, Unreachable
from crossbar.errors import ApiError
from migration.couchdb_source import served_source
from migration.migrate import migrate
from migration.models import MigrationRun, Operation, State
from migration.outages import describe_error
from migration.progress import Progress, stop_on_signals
from migration.purge import purge
from migration.runs.recorder import Recorder
from migration.survey import RunOptions, UnknownId
from migration.verify import verify
from storage.private_fields import Actor

logger = logging.getLogger(__name__)

_FUNCTIONS = {
    Operation.DRY_RUN: migrate,
    Operation.MIGRATE: migrate,
    Operation.VERIFY: verify,
    Operation.PURGE_DRY_RUN: purge,
    Operation.PURGE: purge,
}
_DRY_RUNS = (Operation.DRY_RUN, Operation.PURGE_DRY_RUN)


def execute_run(run_id: int, pid: int) -> State | None:
    """Execute a run that waits for its process; its state at the end, or None if no such run waits."""
    waiting_run = MigrationRun.objects.filter(pk=run_id, state=State.WAITING)
    host = socket.gethostname()
    is_claimed = waiting_run.update(
        state=State.RUNNING, started_at=Now(), last_seen_at=Now(), host=host[:250], pid=pid, phase="surveying"
    )
    if not is_claimed:
        return None
    run = MigrationRun.objects.get(pk=run_id)
    recorder = Recorder(run_id)
    with recorder, stop_on_signals(recorder.progress) as signals:
        state, error = _execute(run, recorder.progress)
    if signals and state is State.STOPPED and not recorder.is_stop_requested:
        state, error = State.INTERRUPTED, "Its process was told to end, as when its machine or the service stops."
    recorder.end(state, error)
    return State(MigrationRun.objects.values_list("state", flat=True).get(pk=run_id))


def _execute(run: MigrationRun, progress: Progress) -> tuple[State, str]:
    """Do the run's work; its state then, and what went wrong."""
    operation = Operation(run.operation)
    options = RunOptions(
        accounts=(run.account_id,),
        dry_run=operation in _DRY_RUNS,
        actor=Actor(request_id=run.request_id or None),
    )
    try:
        tally = _FUNCTIONS[operation](served_source(), options, progress)
    except UnknownId as error:
        return State.FAILED, f"{error}."
    except Unreachable:
        return State.FAILED, "CouchDB was away for too long. What is done is done: start it again to continue."
    except (ApiError, CouchError) as error:
        return State.FAILED, f"CouchDB refuses: {describe_error(error)}"
    except Exception as error:
        logger.exception("Migration run %d failed", run.pk)
        return State.FAILED, f"An unexpected error, which is in the service's log: {type(error).__name__}."
    return (State.STOPPED if tally.is_stopped else State.DONE), ""
