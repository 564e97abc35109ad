"""Sends what is due, in threads of a worker's process.

A job only wakes these threads: a receiver that is silent for seconds must not keep a worker from its other jobs. The
queue in Django's database says what is due, so that a process that is killed loses nothing.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from threading import Lock

from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from webhooks.sending import delivery as deliveries
from webhooks.sending import queue

logger = logging.getLogger(__name__)

_PRIORITY = 50  # before jobs that take long
_lock = Lock()
_running = 0


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.WEBHOOKS_AT_ONCE, "webhooks")


@task(priority=_PRIORITY)
def send_due_webhooks() -> None:
    """Have this worker send what is due."""
    wake()


def schedule(moment: datetime | None = None) -> None:
    """Queue a job that sends what is due, for now or for a moment at which something will be."""
    job = send_due_webhooks if moment is None else send_due_webhooks.using(run_after=moment)
    job.enqueue()


def delete_old_jobs() -> None:
    """Delete jobs that were done a while ago, and those of workers that were killed: each only wakes a worker."""
    jobs = DBTaskResult.objects.filter(task_path=send_due_webhooks.module_path)
    jobs.filter(started_at__lt=timezone.now() - queue.KEEP_DONE).delete()


def wake() -> None:
    """Start a thread that sends what is due, unless as many run as may; it starts others."""
    global _running
    with _lock:
        if _running >= settings.WEBHOOKS_AT_ONCE:
            return
        _running += 1
    if not _submit():
        _end_thread()


def _submit() -> bool:
    try:
        _pool().submit(_send_next)
    except RuntimeError:  # the process is ending: what is due is sent by another one
        return False
    return True


def _send_next() -> None:
    """Send the next delivery, then the one after it in another turn; the thread is free if there is none."""
    goes_on = False
    try:
        close_old_connections()
        if (delivery := queue.claim()) is not None:
            goes_on = True
            wake()
            if (due_at := deliveries.attempt(delivery)) is not None:
                schedule(due_at)
    except Exception:  # the delivery's lease ends, and somebody sends it again
        logger.exception("A webhook could not be sent")
    finally:
        close_old_connections()
        if not (goes_on and _submit()):
            _end_thread()


def _end_thread() -> None:
    global _running
    with _lock:
        _running -= 1
