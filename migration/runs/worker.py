"""What the process of a run does: the same as the command ``migrate_kazoo3``, over one account, in place."""

import logging

from django.db.models.functions import Now

from couch.errors import CouchError, Unreachable
from crossbar.errors import ApiError
from migration import migrate, purging, sources, verifying
from migration.migrate import Options, Unknown
from migration.models import MigrationRun, Operation, State
from migration.runs.recorder import Recorder
from migration.signals import stopping
from storage.private_fields import NODE, Actor

logger = logging.getLogger(__name__)

_OPERATIONS = {
    Operation.DRY_RUN: migrate.migrate,
    Operation.MIGRATE: migrate.migrate,
    Operation.VERIFY: verifying.verify,
    Operation.PURGE_DRY_RUN: purging.purge,
    Operation.PURGE: purging.purge,
}
_WITHOUT_WRITING = (Operation.DRY_RUN, Operation.PURGE_DRY_RUN)


def carry_out(run_id: int, pid: int) -> State | None:
    """Carry out a run that waits for its process; how it ended, None when there is no such run that waits."""
    waiting = MigrationRun.objects.filter(pk=run_id, state=State.WAITING)
    host = NODE.partition("@")[2]
    begun = {"state": State.RUNNING, "started_at": Now(), "last_seen_at": Now(), "host": host[:250], "pid": pid}
    if not waiting.update(**begun, phase="surveying"):
        return None
    run = MigrationRun.objects.get(pk=run_id)
    recorder = Recorder(run_id)
    with recorder, stopping(recorder.watch) as signals:
        state, error = _work(run, recorder)
    if signals and state is State.STOPPED and not recorder.is_asked_to_stop:
        state, error = State.INTERRUPTED, "Its process was told to end, as when its machine or the service stops."
    recorder.end(state, error)
    return State(MigrationRun.objects.values_list("state", flat=True).get(pk=run_id))


def _work(run: MigrationRun, recorder: Recorder) -> tuple[State, str]:
    what = Operation(run.operation)
    options = Options(
        accounts=(run.account_id,),
        dry_run=what in _WITHOUT_WRITING,
        actor=Actor(request_id=run.request_id or None),
    )
    try:
        tally = _OPERATIONS[what](sources.served(), options, recorder.watch)
    except Unknown as error:
        return State.FAILED, f"{error}."
    except Unreachable:
        return State.FAILED, "CouchDB did not answer for too long. What is done is done: start it again to go on."
    except (ApiError, CouchError) as error:
        return State.FAILED, f"CouchDB refuses: {migrate.told(error)}"
    except Exception as error:
        logger.exception("Migration run %d failed", run.pk)
        return State.FAILED, f"It came upon something unforeseen, told in the service's log: {type(error).__name__}."
    return (State.STOPPED if tally.stopped else State.DONE), ""
