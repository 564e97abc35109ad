"""What the doctor says of followers and jobs."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from doctor.checks import events
from doctor.findings import Severity
from doctor.scope import Scope
from events.models import WorkerState
from events.state import ConsumerState
from tests.support.servers import Service
from tests.support.waiting_job import wait_for_file


@pytest.mark.parametrize(
    ("state", "key"),
    [
        (ConsumerState("amqp", 0, 0, 0.0, 0, ""), "follower_missing"),
        (ConsumerState("amqp", 1, 7, 0.0, 0, ""), "accounts_unfollowed"),
        (ConsumerState("amqp", 1, 16, 90.0, 3, "no broker"), "follower_late"),
        (ConsumerState("amqp", 1, 16, 2.0, 3, "no broker"), "delivery_failing"),
    ],
)
def test_followers_that_are_missing_or_late_are_told(state: ConsumerState, key: str) -> None:
    finding = events.describe_consumer(state)
    assert finding is not None
    assert finding.key == key


def test_a_follower_that_is_up_to_date_is_no_finding() -> None:
    assert events.describe_consumer(ConsumerState("amqp", 2, 16, 0.5, 0, "")) is None


@pytest.mark.usefixtures("service")  # which lets this process use models
def test_jobs_that_nobody_does_are_told(new_service: Callable[..., Service], tmp_path: Path) -> None:
    own = new_service()
    with own.models():
        assert not list(events.check_jobs(Scope()))
        wait_for_file.enqueue(str(tmp_path))
        (finding,) = events.check_jobs(Scope())
        assert (finding.severity, finding.key) == (Severity.ERROR, "worker_missing")
        worker = WorkerState.objects.create(worker="a", seen_at=timezone.now())
        assert not list(events.check_jobs(Scope()))
        worker.seen_at -= timedelta(minutes=5)
        worker.save()
        assert [finding.key for finding in events.check_jobs(Scope())] == ["worker_missing"]
