"""The pages of the workers' jobs: the list of those that wait, run, are done and failed, and one with its error."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import get_date_max

from desk.audit import log
from desk.audit.log import Subject
from desk.models import Job
from desk.scope import scope_of


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Jobs are made by events. By hand they are only done again, when they failed.

    They are the system's, whose operators see everything.
    """

    list_display = ("task", "state", "queue", "enqueued", "started", "finished")
    list_filter = ("status", "queue_name")
    search_fields = ("task_path", "exception_class_path")
    ordering = ("-enqueued_at",)
    show_full_result_count = False
    actions = ("do_again",)
    fields = (
        *("task", "state", "queue", "argument_text", "enqueued", "not_before"),
        *("started", "finished", "error"),
    )
    readonly_fields = fields

    @admin.display(description=gettext_lazy("job"), ordering="task_path")
    def task(self, job: Job) -> str:
        """What is done."""
        return str(job.task_name)

    @admin.display(description=gettext_lazy("queue"), ordering="queue_name")
    def queue(self, job: Job) -> str:
        """The queue that it waits in."""
        return str(job.queue_name)

    @admin.display(description=gettext_lazy("requested"), ordering="enqueued_at")
    def enqueued(self, job: Job) -> Any:
        """When it was requested."""
        return job.enqueued_at

    @admin.display(description=gettext_lazy("started"), ordering="started_at")
    def started(self, job: Job) -> Any:
        """When it was started."""
        return job.started_at

    @admin.display(description=gettext_lazy("finished"), ordering="finished_at")
    def finished(self, job: Job) -> Any:
        """When it was finished."""
        return job.finished_at

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, job: Job) -> str:
        """Where the job stands, in a word."""
        return {
            TaskResultStatus.READY: _("waits"),
            TaskResultStatus.RUNNING: _("runs"),
            TaskResultStatus.FAILED: _("failed"),
        }.get(TaskResultStatus(job.status), _("done"))

    @admin.display(description=gettext_lazy("for"))
    def argument_text(self, job: Job) -> str:
        """What the job is about."""
        arguments = job.args_kwargs if isinstance(job.args_kwargs, dict) else {}
        positional, named = arguments.get("args", []), arguments.get("kwargs", {})
        return ", ".join([*map(str, positional), *(f"{name}: {value}" for name, value in named.items())]) or "—"

    @admin.display(description=gettext_lazy("not before"))
    def not_before(self, job: Job) -> Any:
        """When it may be done."""
        return "—" if job.run_after == get_date_max() else job.run_after

    @admin.display(description=gettext_lazy("error"))
    def error(self, job: Job) -> SafeString | str:
        """Why it failed."""
        return format_html("<pre>{}</pre>", job.traceback) if job.traceback else "—"

    @admin.action(description=gettext_lazy("Do the failed ones again"), permissions=["change"])
    def do_again(self, request: HttpRequest, queryset: "QuerySet[Job]") -> None:
        """Let workers do the failed ones of some jobs again."""
        failed = list(queryset.filter(status=TaskResultStatus.FAILED))
        for job in failed:
            # Two operators who do the same at once have it done once.
            repeated = Job.objects.filter(pk=job.pk, status=TaskResultStatus.FAILED).update(
                status=TaskResultStatus.READY,
                run_after=get_date_max(),
                enqueued_at=timezone.now(),
                started_at=None,
                finished_at=None,
                exception_class_path="",
                traceback="",
            )
            if repeated:
                log.record(request, "did a job again", Subject("job", "", str(job.pk), job.task_name))
        if failed:
            text = ngettext("%(count)s job will be done again.", "%(count)s jobs will be done again.", len(failed))
            messages.success(request, text % {"count": len(failed)})
        else:
            messages.info(request, _("None of these jobs failed."))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may view jobs."""
        return super().has_view_permission(request, obj) and scope_of(request.user).is_everything

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may have jobs done again."""
        return super().has_change_permission(request, obj) and scope_of(request.user).is_everything

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False
