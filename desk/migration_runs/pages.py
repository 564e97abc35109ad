"""The pages of the migration from Kazoo 3.x: what remains to do, starting and stopping runs, and their reports."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import accounts
from desk.accounts.links import account_crumbs, account_title
from desk.audit import log
from desk.kit.pages import DocumentAdmin, Route
from desk.mailboxes.links import mailbox_url
from desk.migration_runs.accounts_table import accounts_table
from desk.migration_runs.links import TITLE, account_migration_url, run_crumbs, run_subject, run_url
from desk.migration_runs.progress import describe_state, next_operation, run_progress
from desk.migration_runs.report import outcome_counts, report_table
from desk.scope import scope_of
from migration.models import MigrationRun, Operation
from migration.runs import control, reports
from storage import database_names
from voicemail.legacy import remaining

_VIEW, _MIGRATE = "desk.view_account", "desk.migrate_account"
_BOXES_PER_PAGE = 50
_RUNS_PER_PAGE = 20
_AUDIT_NAMES = {
    Operation.DRY_RUN: "a dry run of migrating",
    Operation.MIGRATE: "migrating",
    Operation.VERIFY: "verifying",
    Operation.PURGE_DRY_RUN: "a dry run of purging",
    Operation.PURGE: "purging",
}
"""What the audit log calls a run that was started or stopped."""
_EXPORTS = {
    "csv": (reports.export_csv, "text/csv; charset=utf-8"),
    "json": (reports.export_json, "application/json"),
}


@admin.register(MigrationRun)
class MigrationAdmin(DocumentAdmin):
    """The pages of the migration."""

    def routes(self) -> Iterable[Route]:
        """All pages."""
        return (
            Route("", "changelist", self.list_accounts, _VIEW),
            Route("run/<int:run_id>/", "run", self.show_run, _VIEW, _run_account),
            Route("run/<int:run_id>/progress/", "progress", self.send_progress, _VIEW, _run_account),
            Route("run/<int:run_id>/stop/", "stop", self.stop_run, _MIGRATE, _run_account),
            Route("run/<int:run_id>/report.<str:file_format>", "report", self.send_report, _VIEW, _run_account),
            Route("<str:account_id>/", "account", self.show_account, _VIEW),
            Route("<str:account_id>/start/", "start", self.start_run, _MIGRATE),
            Route("<str:account_id>/purge/", "purge", self.confirm_purge, _MIGRATE),
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may view accounts."""
        return self.has_permission(request, _VIEW)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: a run is started on its account's page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: only its process changes a run."""
        return False

    # --- accounts ---

    def list_accounts(self, request: HttpRequest) -> HttpResponseBase:
        """List accounts with what each one still has in the old format, and the active runs."""
        return self.render_list(
            request,
            "migration",
            TITLE,
            [(TITLE, None)],
            accounts_table,
            template="desk/migration_runs/list.html",
            active_runs=[
                (run, run_url(run)) for run in control.active_runs() if scope_of(request.user).covers(run.account_id)
            ],
        )

    def show_account(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show an account's mailboxes that still have old messages, its runs, and the buttons that start a run."""
        control.mark_interrupted()
        account = accounts.get(account_id)
        boxes = remaining.count_by_box(account_id)
        box_page = Paginator(boxes, _BOXES_PER_PAGE).get_page(request.GET.get("boxes"))
        runs = MigrationRun.objects.filter(account_id=account_id).select_related("operator")
        run_page = Paginator(runs, _RUNS_PER_PAGE).get_page(request.GET.get("runs"))
        return self.render(
            request,
            "desk/migration_runs/account.html",
            _("Migration of %(account)s") % {"account": account_title(account)},
            [*account_crumbs(account), (TITLE, None)],
            account_id=account_id,
            live_count=sum(box.count for box in boxes if not box.is_removed),
            removed_count=sum(box.count for box in boxes if box.is_removed),
            boxes=[(box, self._mailbox_url(request, account_id, box)) for box in box_page],
            box_page=box_page,
            more_boxes=len(boxes) - box_page.end_index(),
            runs=[(run, run_url(run), describe_state(run)) for run in run_page],
            run_page=run_page,
            active_run=control.active_run(account_id),
            can_migrate=self.has_permission(request, _MIGRATE),
        )

    def _mailbox_url(self, request: HttpRequest, account_id: str, box: remaining.BoxRemainder) -> str | None:
        """The mailbox's page; None if it has none, or none that the operator may see."""
        # In dirty data the id of a mailbox may be anything.
        has_page = not box.is_removed and database_names.is_account_id(box.box_id)
        may_view = self.has_permission(request, "desk.view_mailbox")
        return mailbox_url(account_id, box.box_id) if has_page and may_view else None

    def start_run(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Start a run; purging has to be confirmed on a page of its own."""
        account = accounts.get(account_id)
        page_url = account_migration_url(account_id)
        if request.method != "POST" or request.POST.get("operation") not in Operation.values:
            return HttpResponseRedirect(page_url)
        operation = Operation(request.POST["operation"])
        if operation is Operation.PURGE and "confirmed" not in request.POST:
            return HttpResponseRedirect(reverse("admin:migration_migrationrun_purge", args=[account_id]))
        request_id = str(getattr(request, "request_id", None) or "")
        operator_id = int(request.user.pk or 0)
        try:
            run = control.start(account_id, account_title(account), operation, operator_id, request_id)
        except control.AlreadyActive as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(run_url(error.run) if error.run else page_url)
        except control.CannotStart as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(page_url)
        _record_run(request, "started", run)
        return HttpResponseRedirect(run_url(run))

    def confirm_purge(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Ask whether the old recordings are really to be deleted."""
        account = accounts.get(account_id)
        page_url = account_migration_url(account_id)
        return self.render(
            request,
            "desk/migration_runs/purge.html",
            _("Delete the old recordings of %(account)s?") % {"account": account_title(account)},
            [*account_crumbs(account), (TITLE, page_url), (_("Purge"), None)],
            account_id=account_id,
            remaining=remaining.count_entries(account_id),
            cancel_url=page_url,
        )

    # --- one run ---

    def show_run(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Show the progress of a run, or its result. The page needs no CouchDB."""
        run = _get_run(run_id)
        table = None
        if not run.is_active:
            table = report_table(
                request,
                run,
                link_mailboxes=self.has_permission(request, "desk.view_mailbox"),
                link_messages=self.has_permission(request, "desk.view_message"),
            )
        return self.render(
            request,
            "desk/migration_runs/run.html",
            str(run),
            run_crumbs(run),
            run=run,
            progress=run_progress(run),
            outcomes=outcome_counts(run.outcomes),
            greetings=outcome_counts(run.greetings),
            table=table,
            has_report=run.rows.exists(),
            next_operation=next_operation(run),
            can_migrate=self.has_permission(request, _MIGRATE),
        )

    def send_progress(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Send the progress of a run as JSON, for the script of its page."""
        return JsonResponse(run_progress(_get_run(run_id)), headers={"Cache-Control": "no-store"})

    def stop_run(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Request that a run stops."""
        run = _get_run(run_id)
        if request.method == "POST" and control.request_stop(run_id):
            _record_run(request, "stopped", run)
            messages.success(request, _("The run stops after the current messages. Start it again to continue."))
        elif request.method == "POST":
            messages.info(request, _("The run has ended already."))
        return HttpResponseRedirect(run_url(run))

    def send_report(self, request: HttpRequest, run_id: int, file_format: str) -> StreamingHttpResponse:
        """Send the whole report as a file."""
        run = _get_run(run_id)
        if file_format not in _EXPORTS:
            raise Http404
        export, content_type = _EXPORTS[file_format]
        name = f"{run.operation}-{run.account_id}-{run.pk}.{file_format}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(export(run), content_type=content_type, headers=headers)


def _run_account(run_id: int, **_: str) -> str | None:
    """Return the account of a run; None if there is no such run."""
    return MigrationRun.objects.filter(pk=run_id).values_list("account_id", flat=True).first()


def _get_run(run_id: int) -> MigrationRun:
    control.mark_interrupted()
    run = MigrationRun.objects.filter(pk=run_id).select_related("operator").first()
    if run is None:
        raise Http404
    return run


def _record_run(request: HttpRequest, verb: str, run: MigrationRun) -> None:
    action = f"{verb} {_AUDIT_NAMES[Operation(run.operation)]}"
    log.record(request, action, run_subject(run), details={"run": run.pk})
