"""The migration from Kazoo 3.x at the desk: what is left to do, started, watched, stopped, and its reports."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.urls import reverse

from accounts import account_index, accounts
from couch.client import Document
from couch.errors import CouchError
from couch.parallel import in_parallel
from desk.accounts.pages import crumbs_to
from desk.accounts.table import page_of_accounts
from desk.audit import record as audit
from desk.kit.pages import Crumb, DocumentAdmin, Route
from desk.kit.tables import Cell, Filter, Row, Table, choices, query_with
from desk.migration_runs import run as run_pages
from migration.models import MigrationRun, Operation
from migration.runs import control, reports
from voicemail.legacy import remaining

KIND = "migration"
_LOOK, _ACT = "desk.view_account", "desk.migrate_account"
_PAGE = 30
_BOXES_SHOWN = 50
_RUNS_SHOWN = 20
_ALL = "admin:migration_migrationrun_changelist"
_RECORDED = {
    Operation.DRY_RUN: "started a dry run of migrating",
    Operation.MIGRATE: "started migrating",
    Operation.VERIFY: "started verifying",
    Operation.PURGE_DRY_RUN: "started a dry run of purging",
    Operation.PURGE: "started purging",
}


@admin.register(MigrationRun)
class MigrationAdmin(DocumentAdmin):
    """The pages of the migration."""

    def routes(self) -> Iterable[Route]:
        """Accounts, one account, starting and stopping runs, one run and its report."""
        return (
            Route("", "changelist", self.list, _LOOK),
            Route("run/<int:run_id>/", "run", self.run, _LOOK),
            Route("run/<int:run_id>/progress/", "progress", self.progress, _LOOK),
            Route("run/<int:run_id>/stop/", "stop", self.stop, _ACT),
            Route("run/<int:run_id>/report.<str:form>", "report", self.report, _LOOK),
            Route("<str:account_id>/", "account", self.account, _LOOK),
            Route("<str:account_id>/start/", "start", self.start, _ACT),
            Route("<str:account_id>/purge/", "purge", self.purge, _ACT),
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may look at accounts."""
        return self.allows(request, _LOOK)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Runs are started from an account's page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a run's row is its process's."""
        return False

    # --- accounts ---

    def list(self, request: HttpRequest) -> HttpResponse:
        """A page of accounts with what each one still has in the old format, and the runs that are under way."""
        text = request.GET.get("q", "").strip()
        if text:
            found, start_key = account_index.search(text), None
        else:
            found, start_key = page_of_accounts(request.GET.get("start_key"), "", _PAGE)
        table = Table(
            columns=("Account", "Old messages", "In removed mailboxes", "Latest run", "Realm"),
            rows=_account_rows(found),
            caption="Accounts, and what each one still has in the format of 3.x",
            search=text,
            search_help="The beginning of a name or realm, or an account id.",
            next_query=None if start_key is None else query_with(request, start_key=start_key),
            is_first="start_key" not in request.GET,
            first_query=query_with(request),
            empty="No account is called so." if text else "There are no accounts yet.",
        )
        crumbs = [("Migration from Kazoo 3.x", None)]
        active = [(run, run_pages.url_of(run)) for run in control.active_runs()[:_RUNS_SHOWN]]
        return self.rendered(
            request, "desk/migration_runs/list.html", "Migration from Kazoo 3.x", crumbs, table=table, active=active
        )

    def account(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """An account's boxes that have something left, its runs, and the buttons that start one."""
        control.mark_interrupted()
        account = accounts.get(account_id)
        boxes = remaining.list_boxes(account_id)
        runs = MigrationRun.objects.filter(account_id=account_id).select_related("operator")[:_RUNS_SHOWN]
        return self.rendered(
            request,
            "desk/migration_runs/account.html",
            f"Migration of {account.get('name') or account_id}",
            [*crumbs_to(account), ("Migration from Kazoo 3.x", None)],
            account_id=account_id,
            left=remaining.RemainingEntries(_sum(boxes, removed=False), _sum(boxes, removed=True)),
            boxes=[(box, self._box_url(request, account_id, box)) for box in boxes[:_BOXES_SHOWN]],
            more=max(len(boxes) - _BOXES_SHOWN, 0),
            runs=[(run, run_pages.url_of(run), run_pages.state_of(run)) for run in runs],
            active=control.active_run(account_id),
            can_start=self.allows(request, _ACT),
        )

    def start(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Start a run; purging is asked about on a page of its own."""
        account = accounts.get(account_id)
        back = reverse("admin:migration_migrationrun_account", args=[account_id])
        if request.method != "POST" or request.POST.get("operation") not in Operation.values:
            return HttpResponseRedirect(back)
        operation = Operation(request.POST["operation"])
        if operation is Operation.PURGE and "sure" not in request.POST:
            return HttpResponseRedirect(reverse("admin:migration_migrationrun_purge", args=[account_id]))
        name = str(account.get("name") or account_id)
        request_id = str(getattr(request, "request_id", None) or "")
        try:
            run = control.start(account_id, name, operation, int(request.user.pk or 0), request_id)
        except control.AlreadyActive as refused:
            messages.error(request, str(refused))
            return HttpResponseRedirect(run_pages.url_of(refused.run) if refused.run else back)
        except control.CannotStart as refused:
            messages.error(request, str(refused))
            return HttpResponseRedirect(back)
        self._record(request, _RECORDED[operation], run)
        return HttpResponseRedirect(run_pages.url_of(run))

    def purge(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Asks whether the old recordings are really to go."""
        account = accounts.get(account_id)
        above = reverse("admin:migration_migrationrun_account", args=[account_id])
        return self.rendered(
            request,
            "desk/migration_runs/purge.html",
            f"Delete the old recordings of {account.get('name') or account_id}?",
            [*crumbs_to(account), ("Migration from Kazoo 3.x", above), ("Purge", None)],
            account_id=account_id,
            left=remaining.count_entries(account_id),
            cancel_url=above,
        )

    # --- one run ---

    def run(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """How a run goes or what it came to; CouchDB isn't asked, so that this shows when it is away, too."""
        run = _found(run_id)
        above = reverse("admin:migration_migrationrun_account", args=[run.account_id])
        crumbs: list[Crumb] = [
            ("Migration from Kazoo 3.x", reverse(_ALL)),
            (run.account_name, above),
            (f"{run.get_operation_display()} {run.pk}", None),
        ]
        return self.rendered(
            request,
            "desk/migration_runs/run.html",
            str(run),
            crumbs,
            run=run,
            progress=run_pages.progress(run),
            outcomes=run_pages.outcomes(run),
            table=None if run.is_active else self._rows(request, run),
            has_report=run.rows.exists(),
            again=run_pages.again(run),
            can_start=self.allows(request, _ACT),
        )

    def progress(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """How a run goes, as JSON, for the page to show."""
        return JsonResponse(run_pages.progress(_found(run_id)), headers={"Cache-Control": "no-store"})

    def stop(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Ask a run to stop."""
        run = _found(run_id)
        if request.method == "POST" and control.request_stop(run_id):
            self._record(request, "stopped", run)
            messages.success(request, "It ends after the messages under way. Start it again to go on.")
        elif request.method == "POST":
            messages.info(request, "It has ended already.")
        return HttpResponseRedirect(run_pages.url_of(run))

    def report(self, request: HttpRequest, run_id: int, form: str) -> StreamingHttpResponse:
        """The whole report as a file."""
        run = _found(run_id)
        kinds = {
            "csv": (reports.export_csv, "text/csv; charset=utf-8"),
            "json": (reports.export_json, "application/json"),
        }
        if form not in kinds:
            raise Http404
        pieces, content_type = kinds[form]
        name = f"{run.operation}-{run.account_id}-{run.pk}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(pieces(run), content_type=content_type, headers=headers)

    def _box_url(self, request: HttpRequest, account_id: str, box: remaining.BoxRemainder) -> str | None:
        may = self.allows(request, "desk.view_mailbox") and not box.is_removed
        return run_pages.box_url(account_id, box.box_id) if may else None

    def _rows(self, request: HttpRequest, run: MigrationRun) -> Table:
        wanted = request.GET.get("outcome", "")
        may = {"boxes": "desk.view_mailbox", "messages": "desk.view_message"}
        links = {kind: self.allows(request, permission) for kind, permission in may.items()}
        rows, following = run_pages.rows(run, wanted, request.GET.get("start_key", ""), **links)
        options = [("", "All"), *((one, one) for one in dict.fromkeys(outcome for outcome, _, _ in run.outcomes))]
        return Table(
            columns=("Outcome", "Reason", "Message", "Old recording", "Mailbox", "Audio"),
            rows=rows,
            caption="Report",
            filters=[Filter("outcome", choices(request, "outcome", options))] if len(options) > 2 else (),
            next_query=None if following is None else query_with(request, start_key=following),
            is_first="start_key" not in request.GET,
            first_query=query_with(request),
            empty="Nothing yet." if run.is_active else "There is nothing.",
        )

    def _record(self, request: HttpRequest, action: str, run: MigrationRun) -> None:
        audit.record(
            request,
            action,
            kind=KIND,
            account_id=run.account_id,
            document_id=run.account_id,
            name=run.account_name,
            details={"run": run.pk, "operation": str(run.get_operation_display())},
        )


def _found(run_id: int) -> MigrationRun:
    control.mark_interrupted()
    run = MigrationRun.objects.filter(pk=run_id).select_related("operator").first()
    if run is None:
        raise Http404
    return run


def _sum(boxes: Iterable[remaining.BoxRemainder], *, removed: bool) -> int:
    return sum(box.count for box in boxes if box.is_removed == removed)


def _account_rows(docs: list[Document]) -> list[Row]:
    """Accounts, those with most left first."""
    counted = in_parallel(_left, docs)
    runs = control.latest_runs(doc["_id"] for doc in docs)
    both = sorted(zip(docs, counted, strict=True), key=lambda one: one[1].total if one[1] else 0, reverse=True)
    return [_account_row(doc, found, runs.get(doc["_id"])) for doc, found in both]


def _left(doc: Document) -> remaining.RemainingEntries | None:
    """What an account has left; None where its database doesn't tell: that must not keep the others from the page."""
    try:
        return remaining.count_entries(doc["_id"])
    except CouchError:
        return None


def _account_row(doc: Document, found: remaining.RemainingEntries | None, run: MigrationRun | None) -> Row:
    url = reverse("admin:migration_migrationrun_account", args=[doc["_id"]])
    counts = [Cell("?", style="number")] * 2
    if found is not None:
        counts = [Cell(f"{number:,}" if number else "—", style="number") for number in (found.live, found.removed)]
    latest = Cell("—")
    if run is not None:
        latest = Cell(f"{run.get_operation_display()}: {run_pages.state_of(run)}", run_pages.url_of(run))
    return Row([Cell(doc.get("name") or doc["_id"], url), *counts, latest, Cell(doc.get("realm") or "")])
