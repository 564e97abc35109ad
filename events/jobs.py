"""Jobs of workers that died: they run again, on another worker.

A worker of django-tasks-db marks a job as running, and nobody notices when the worker is killed. So each worker gives
a sign of life every few seconds, and makes jobs of workers without one ready again. It also deletes old results, and
entries of the audit that are too old.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, close_old_connections
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from audit.retention import delete_old_entries
from events.models import WorkerState

logger = logging.getLogger(__name__)

_SIGN_SECONDS = 2.0
_DEAD_AFTER = timedelta(seconds=12)
_MAX_WORKERS = 5
_SUCCESSES_KEPT, _FAILURES_KEPT = timedelta(hours=6), timedelta(days=30)
_PRUNE_ROUNDS = 300
_CHECK_ROUNDS = 15
_checks: list[Callable[[], None]] = []


def register_check(check: Callable[[], None]) -> None:
    """Have each worker call a function twice a minute, which queues whatever should have a job and has none."""
    if check not in _checks:
        _checks.append(check)


@contextmanager
def signs_of_life(worker_id: str) -> Iterator[None]:
    """Give signs of life of a worker meanwhile, and look after the jobs of dead ones."""
    is_ended = threading.Event()
    _give_sign(worker_id)
    thread = threading.Thread(target=_give_signs, args=(worker_id, is_ended), name="signs of life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_ended.set()
        thread.join()
        WorkerState.objects.filter(worker=worker_id).delete()


def restart_lost_jobs() -> int:
    """Make the running jobs of dead workers ready again, and return how many there were.

    A job that several workers died of has failed.
    """
    living = set(WorkerState.objects.filter(seen_at__gt=Now() - _DEAD_AFTER).values_list("worker", flat=True))
    count = 0
    for job in DBTaskResult.objects.running():
        if job.worker_ids and job.worker_ids[-1] in living:
            continue
        running = DBTaskResult.objects.filter(pk=job.pk, status=TaskResultStatus.RUNNING, worker_ids=job.worker_ids)
        if len(job.worker_ids) >= _MAX_WORKERS:
            text = f"{len(job.worker_ids)} workers died while they did it."
            running.update(status=TaskResultStatus.FAILED, finished_at=Now(), traceback=text)
        else:
            count += running.update(status=TaskResultStatus.READY)
    if count:
        logger.warning("%d jobs of dead workers are ready again", count)
    return count


def count_workers() -> int:
    """Return how many workers gave a sign of life within the last seconds."""
    return WorkerState.objects.filter(seen_at__gt=Now() - _DEAD_AFTER).count()


def delete_old_results() -> None:
    """Delete the results of jobs that ended some time ago."""
    now = timezone.now()
    DBTaskResult.objects.successful().filter(finished_at__lt=now - _SUCCESSES_KEPT).delete()
    DBTaskResult.objects.failed().filter(finished_at__lt=now - _FAILURES_KEPT).delete()
    WorkerState.objects.filter(seen_at__lt=Now() - _FAILURES_KEPT).delete()


def _give_signs(worker_id: str, is_ended: threading.Event) -> None:
    rounds = 0
    while not is_ended.wait(_SIGN_SECONDS):
        try:
            close_old_connections()
            _give_sign(worker_id)
            restart_lost_jobs()
            if rounds % _CHECK_ROUNDS == 0:
                for check in _checks:
                    check()
            if rounds % _PRUNE_ROUNDS == 0:
                delete_old_results()
                delete_old_entries()
            rounds += 1
        except DatabaseError as error:
            logger.warning("A sign of life can't be given: %s", error)


def _give_sign(worker_id: str) -> None:
    WorkerState.objects.update_or_create(worker=worker_id, defaults={"seen_at": Now()})
