"""Sends what is due, in threads of a worker's process."""

from datetime import datetime

from django.conf import settings
from django_tasks import task

from events.sender_threads import SenderThreads
from webhooks.models import Delivery
from webhooks.sending import delivery as deliveries
from webhooks.sending import queue

_PRIORITY = 50  # before jobs that take long


@task(priority=_PRIORITY)
def send_due_webhooks() -> None:
    """Have this worker send what is due."""
    _threads.wake()


def schedule(moment: datetime | None = None) -> None:
    """Queue a job that sends what is due, for now or for a moment at which something will be."""
    job = send_due_webhooks if moment is None else send_due_webhooks.using(run_after=moment)
    job.enqueue()


def _send(delivery: Delivery) -> None:
    if (due_at := deliveries.attempt(delivery)) is not None:
        schedule(due_at)


_threads = SenderThreads("webhooks", lambda: settings.WEBHOOKS_AT_ONCE, queue.claim, _send)
