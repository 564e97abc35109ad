"""Workers do jobs, and those of a worker that was killed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult
from pytest_django.plugin import DjangoDbBlocker

from events import jobs, state
from events.models import WorkerState
from tests.support.following import Following
from tests.support.servers import Service, wait_until
from tests.support.waiting_job import wait_for_file


@pytest.fixture
def prepared(new_service: Callable[..., Service], django_db_blocker: DjangoDbBlocker) -> Service:
    """A service whose tables hold no jobs, and may be used here."""
    django_db_blocker.unblock()
    return new_service()


def test_a_job_of_a_killed_worker_is_done_by_another_one(prepared: Service, tmp_path: Path) -> None:
    with prepared.models():
        result = wait_for_file.enqueue(str(tmp_path))
        assert state.job_counts().waiting == 1
    started = tmp_path / "started"
    with Following(prepared, tmp_path / "events") as following:
        worker = following.start_worker()
        wait_until(started.exists)
        worker.kill()
        following.start_worker()
        wait_until(lambda: len(started.read_text().splitlines()) == 2)
        (tmp_path / "go").touch()
        wait_until((tmp_path / "done").exists)
        with prepared.models():
            # Workers do jobs of their own as well, which start again and again.
            wait_until(lambda: DBTaskResult.objects.successful().filter(pk=result.id).exists())
            assert state.job_counts().failed == 0


def test_a_job_that_several_workers_died_of_fails(prepared: Service, tmp_path: Path) -> None:
    with prepared.models():
        result = wait_for_file.enqueue(str(tmp_path))
        deadly = DBTaskResult.objects.filter(pk=result.id)
        deadly.update(status=TaskResultStatus.RUNNING, worker_ids=["a", "b", "c", "d", "e"])
        assert jobs.restart_lost_jobs() == 0
        assert state.job_counts() == state.JobCounts(0, 0, 1)


def test_a_job_of_a_living_worker_is_left_to_it(prepared: Service, tmp_path: Path) -> None:
    with prepared.models():
        result = wait_for_file.enqueue(str(tmp_path))
        WorkerState.objects.create(worker="living", seen_at=timezone.now())
        DBTaskResult.objects.filter(pk=result.id).update(status=TaskResultStatus.RUNNING, worker_ids=["living"])
        assert jobs.restart_lost_jobs() == 0
        WorkerState.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
        assert jobs.restart_lost_jobs() == 1
        assert state.job_counts() == state.JobCounts(1, 0, 0)


def test_old_results_are_deleted(prepared: Service, tmp_path: Path) -> None:
    with prepared.models():
        for hours in (1, 7):
            result = wait_for_file.enqueue(str(tmp_path))
            ended_at = timezone.now() - timedelta(hours=hours)
            DBTaskResult.objects.filter(pk=result.id).update(status=TaskResultStatus.SUCCESSFUL, finished_at=ended_at)
        jobs.delete_old_results()
        assert DBTaskResult.objects.count() == 1
