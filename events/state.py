"""How followers and workers are doing, for the desk and the health checks."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Max
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from events import consumers
from events.leases import SLOTS, TTL_SECONDS
from events.models import FollowerState

_FORGOTTEN_AFTER = timedelta(hours=1)
_LATE_SECONDS = 60


@dataclass(frozen=True)
class ConsumerState:
    """How the followers of a consumer are doing."""

    consumer: str
    followers: int
    """How many are alive."""
    slots: int
    """How many of `SLOTS` shares of all accounts they follow."""
    seconds_behind: float
    """For how long the oldest change waits that was not told yet, or nobody has heard of changes."""
    waiting_accounts: int
    error: str
    """Why the last delivery failed, empty if none did."""

    @property
    def is_complete(self) -> bool:
        """Whether all accounts are followed."""
        return self.slots >= SLOTS

    @property
    def is_late(self) -> bool:
        """Whether somebody should look after it: changes are followed by nobody, or have waited for long."""
        return not self.is_complete or self.seconds_behind > _LATE_SECONDS


@dataclass(frozen=True)
class JobCounts:
    """How many jobs wait, run and failed."""

    waiting: int
    running: int
    failed: int


def report(
    consumer: str, follower: str, slots: int, seconds_behind: float, waiting_accounts: int, error: str
) -> None:
    """Store what a follower does, which is also its sign of life."""
    FollowerState.objects.update_or_create(
        consumer=consumer,
        follower=follower,
        defaults={
            "seen_at": Now(),
            "slots": slots,
            "seconds_behind": round(seconds_behind, 3),
            "waiting_accounts": waiting_accounts,
            "error": error,
        },
    )


def remove_follower(consumer: str, follower: str) -> None:
    """Forget a follower that ended, and those that have been dead for long."""
    FollowerState.objects.filter(consumer=consumer, follower=follower).delete()
    FollowerState.objects.filter(seen_at__lt=Now() - _FORGOTTEN_AFTER).delete()


def list_consumers() -> list[ConsumerState]:
    """Return the state of each consumer that has a living follower or had one within the last hour, by name."""
    names = FollowerState.objects.values_list("consumer", flat=True).distinct().order_by("consumer")
    return [_consumer_state(name) for name in names]


def list_enabled() -> list[ConsumerState]:
    """Return the state of each consumer that is configured to get events, by name, followed or not."""
    states = {state.consumer: state for state in list_consumers()}
    names = sorted(consumer.name for consumer in consumers.enabled())
    return [states.get(name, ConsumerState(name, 0, 0, 0.0, 0, "")) for name in names]


def job_counts() -> JobCounts:
    """Return how many jobs wait, run and failed, on all machines."""
    rows = DBTaskResult.objects.order_by().values("status").annotate(jobs=Count("pk")).values_list("status", "jobs")
    counts = dict(rows)
    return JobCounts(
        counts.get(TaskResultStatus.READY, 0),
        counts.get(TaskResultStatus.RUNNING, 0),
        counts.get(TaskResultStatus.FAILED, 0),
    )


def _consumer_state(consumer: str) -> ConsumerState:
    living = FollowerState.objects.filter(consumer=consumer, seen_at__gt=Now() - timedelta(seconds=TTL_SECONDS))
    rows = list(living)
    if not rows:
        last_seen_at = FollowerState.objects.filter(consumer=consumer).aggregate(latest=Max("seen_at"))["latest"]
        silence = (timezone.now() - last_seen_at).total_seconds() if last_seen_at else 0.0
        return ConsumerState(consumer, 0, 0, silence, 0, "No follower runs.")
    return ConsumerState(
        consumer,
        len(rows),
        sum(row.slots for row in rows),
        max((row.seconds_behind for row in rows), default=0.0),
        sum(row.waiting_accounts for row in rows),
        next((row.error for row in rows if row.error), ""),
    )
