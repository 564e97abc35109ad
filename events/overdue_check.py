"""Looks for what a worker that was killed has left in a queue, in the process that follows changes."""

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Event as Signal
from threading import Thread

from django.db import close_old_connections
from django.utils import timezone
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult

logger = logging.getLogger(__name__)

_SECONDS = 5.0
_KEEP_JOBS = timedelta(minutes=10)


class OverdueCheck:
    """A thread that queues a job if anything of a queue is overdue, and deletes what is old, every few seconds."""

    def __init__(
        self, name: str, job: Task[[], None], has_overdue: Callable[[float], bool], delete_old: Callable[[], None]
    ) -> None:
        self._job = job
        self._has_overdue = has_overdue
        self._delete_old = delete_old
        self._stopping = Signal()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS):
            try:
                close_old_connections()
                if self._has_overdue(_SECONDS):
                    self._job.enqueue()
                self._delete_old()
                delete_old_jobs(self._job)
            except Exception:  # the database is away: the next time will do
                logger.exception("What is overdue could not be looked for (%s)", self._thread.name)
            finally:
                close_old_connections()


def delete_old_jobs(job: Task[[], None]) -> None:
    """Delete jobs that were done a while ago, and those of workers that were killed: each only wakes a worker."""
    jobs = DBTaskResult.objects.filter(task_path=job.module_path)
    jobs.filter(started_at__lt=timezone.now() - _KEEP_JOBS).delete()
