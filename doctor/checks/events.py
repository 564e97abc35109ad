"""Followers of changes and jobs: whether what changes is told to others."""

from collections.abc import Iterator

from django.conf import settings

from doctor.findings import Finding, count, error, warning
from doctor.scope import Scope
from events import jobs, state
from events.state import ConsumerState
from webhooks.consumer import Webhooks

_START_FOLLOWER = "Start ./manage.py follow_changes (deploy/systemd/vmboxes-follower@.service), and keep it running."
_START_WORKER = "Start ./manage.py db_worker (deploy/systemd/vmboxes-worker@.service), and keep it running."


def check_followers(scope: Scope) -> Iterator[Finding]:
    """Yield the receivers of events that are not told, or late."""
    for consumer in state.list_enabled():
        if consumer.consumer == Webhooks.name and not settings.SEND_WEBHOOKS:
            continue  # a Kazoo beside it sends them
        finding = describe_consumer(consumer)
        if finding is not None:
            yield finding


def check_jobs(scope: Scope) -> Iterator[Finding]:
    """Yield whether jobs wait for a worker, or failed."""
    counts, workers = state.job_counts(), jobs.count_workers()
    scope.summary["events"] = (
        f"{count(workers, 'worker', 'workers')}, {count(counts.waiting, 'job waits', 'jobs wait')}"
    )
    if not workers and counts.waiting + counts.running:
        waiting = count(counts.waiting + counts.running, "job waits", "jobs wait")
        yield error("worker_missing", f"No worker runs, and {waiting}.", _START_WORKER)
    if counts.failed:
        yield warning(
            "jobs_failed",
            f"{count(counts.failed, 'job', 'jobs')} failed within 30 days.",
            "Look at them at the desk under Jobs, and do them again when their cause is gone.",
        )


def describe_consumer(consumer: ConsumerState) -> Finding | None:
    """Return what is wrong with a receiver of events; None if nothing is."""
    name = consumer.consumer
    if not consumer.followers:
        return error("follower_missing", f"Nobody follows changes for {name}: no event is told.", _START_FOLLOWER)
    if not consumer.is_complete:
        return warning(
            "accounts_unfollowed",
            f"Some accounts are followed by nobody for {name}.",
            "Wait some seconds and look again; if it stays, restart the followers.",
        )
    if consumer.is_late:
        seconds = count(round(consumer.seconds_behind), "second", "seconds")
        reason = f": {consumer.error}" if consumer.error else ""
        return error(
            "follower_late",
            f"{name} is {seconds} behind{reason}.",
            "Look whether its receiver answers, and at the follower's log; more followers share the work.",
        )
    if consumer.error:
        return warning("delivery_failing", f"{name} fails: {consumer.error}", "Look whether its receiver answers.")
    return None
