"""Sends what is due, in threads of a worker's process."""

from datetime import datetime

from django.conf import settings
from django_tasks import task

from events.sender_threads import SenderThreads
from notifications.models import Mail, State
from notifications.sending import delivery, queue

_PRIORITY = 50  # before jobs that take long


@task(priority=_PRIORITY)
def send_due_mails() -> None:
    """Have this worker send what is due."""
    _threads.wake()


def schedule(moment: datetime | None = None) -> None:
    """Queue a job that sends what is due, for now or for a moment at which something will be."""
    job = send_due_mails if moment is None else send_due_mails.using(run_after=moment)
    job.enqueue()


def _send(mail: Mail) -> None:
    if (due_at := delivery.attempt(mail)) is not None:
        schedule(due_at)
    elif mail.state == State.SENT and queue.hurry():
        _threads.wake()


_threads = SenderThreads("mails", lambda: settings.MAILS_AT_ONCE, queue.claim, _send)
