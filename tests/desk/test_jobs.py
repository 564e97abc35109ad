"""The workers' jobs at the desk: what waits and what failed, and doing it again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from desk.models import AuditEntry
from tests.support.operators import Desk
from tests.support.servers import Service

Operator = Callable[..., Desk]


@pytest.fixture
def new_job(service: Service) -> Iterator[Callable[..., DBTaskResult[Any, Any]]]:
    """Stores jobs as workers leave them, and removes them again."""
    jobs: list[DBTaskResult[Any, Any]] = []

    def create(status: TaskResultStatus, traceback: str = "") -> DBTaskResult[Any, Any]:
        with service.models():
            job = DBTaskResult.objects.create(
                status=status,
                args_kwargs={"args": ["of this test"], "kwargs": {"number": 7}},
                task_path="webhooks.sending.jobs.send",
                backend_name="default",
                queue_name="default",
                run_after=get_date_max(),
                started_at=timezone.now(),
                exception_class_path="builtins.ValueError" if traceback else "",
                traceback=traceback,
            )
        jobs.append(job)
        return job

    yield create
    with service.models():
        DBTaskResult.objects.filter(pk__in=[job.pk for job in jobs]).delete()


def test_a_failed_job_shows_its_error_and_can_be_done_again(
    operator: Operator, service: Service, new_job: Callable[..., DBTaskResult[Any, Any]]
) -> None:
    job = new_job(TaskResultStatus.FAILED, "ValueError: no such <b>mailbox</b>")
    done = new_job(TaskResultStatus.SUCCESSFUL)
    desk = operator("Administrators")
    page = desk.get(f"desk/job/{job.pk}/change/").text
    assert "ValueError: no such &lt;b&gt;mailbox&lt;/b&gt;" in page
    assert "of this test, number: 7" in page
    chosen = [str(job.pk), str(done.pk)]
    answer = desk.post("desk/job/", action="do_again", _selected_action=chosen)
    assert "1 job will be done again." in answer.text
    with service.models():
        states = dict(DBTaskResult.objects.filter(pk__in=chosen).values_list("pk", "status"))
        recorded = AuditEntry.objects.get(document_id=str(job.pk))
    assert states == {job.pk: TaskResultStatus.READY, done.pk: TaskResultStatus.SUCCESSFUL}
    assert (recorded.action, recorded.name) == ("did a job again", "send")


def test_jobs_are_read_by_all_groups_and_repeated_by_administrators(
    operator: Operator, service: Service, new_job: Callable[..., DBTaskResult[Any, Any]]
) -> None:
    job = new_job(TaskResultStatus.FAILED, "ValueError")
    desk = operator("Read only")
    assert str(job.pk) in desk.get("desk/job/", status__exact="FAILED").text
    desk.post("desk/job/", action="do_again", _selected_action=[str(job.pk)])
    with service.models():
        assert DBTaskResult.objects.get(pk=job.pk).status == TaskResultStatus.FAILED
    assert "Task Results" not in desk.get("").text
