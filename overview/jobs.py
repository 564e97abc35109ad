"""The job that collects figures. It only wakes a thread of its worker, which has other jobs to do meanwhile."""

import logging
from datetime import timedelta

from django.utils import timezone
from django_tasks import task

from couch.errors import CouchError
from crossbar.errors import ApiError
from events.sender_threads import SenderThreads
from overview import collecting
from overview.collecting import LeaseLost, Turn

logger = logging.getLogger(__name__)

_RETRY_AFTER = timedelta(minutes=1)


@task()
def collect_overview() -> None:
    """Have this worker collect the figures of the overview, or go on where another one was killed."""
    collecting.begin()
    _threads.wake()


def collect_now() -> None:
    """Have a worker collect the figures."""
    collect_overview.enqueue()


def _collect_page(turn: Turn) -> None:
    try:
        collecting.collect_page(turn)
    except LeaseLost:
        logger.info("Another process goes on with the overview")
    except (CouchError, ApiError) as error:
        logger.warning("The figures of the overview can't be collected: %s", error)
        collecting.give_up(turn, str(error) or type(error).__name__)
        collect_overview.using(run_after=timezone.now() + _RETRY_AFTER).enqueue()


_threads = SenderThreads("overview", lambda: 1, collecting.claim_run, _collect_page)
