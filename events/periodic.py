"""Jobs that start again and again wherever workers run, with no cron and no timer.

Each worker looks twice a minute whether one is due. A row in Django's database says when: whoever moves it on
stores the job in the same transaction, so that of several workers one starts it. A job is registered by the app that
it belongs to, in ``AppConfig.ready``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django_tasks.base import Task

from events.jobs import register_check
from events.models import PeriodicStart


@dataclass(frozen=True)
class PeriodicJob:
    """A job, and the seconds from one start to the next; 0: it is never started."""

    name: str
    job: Task[[], None]
    seconds: Callable[[], int]


_jobs: dict[str, PeriodicJob] = {}


def register(name: str, job: Task[[], None], seconds: Callable[[], int]) -> None:
    """Add a job, in place of one of the same name."""
    _jobs[name] = PeriodicJob(name, job, seconds)
    register_check(start_due)


def start_due() -> None:
    """Queue the jobs that are due, those that were never started among them."""
    for job in _jobs.values():
        if seconds := job.seconds():
            _start_if_due(job, timedelta(seconds=seconds))


def _start_if_due(job: PeriodicJob, interval: timedelta) -> None:
    # One that is due later than the interval is from when the interval was longer.
    is_waiting = Q(due_at__gt=Now(), due_at__lte=Now() + interval)
    start = PeriodicStart.objects.filter(name=job.name)
    if start.filter(is_waiting).exists():
        return
    with transaction.atomic():
        PeriodicStart.objects.bulk_create([PeriodicStart(name=job.name, due_at=Now())], ignore_conflicts=True)
        if start.exclude(is_waiting).update(due_at=Now() + interval):
            job.job.enqueue()
