"""The pages of runs: import of a file, preview, progress, result, and the lines with problems as CSV."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import accounts
from crossbar.csv_renderer import format_cell
from crossbar.form_uploads import fields_with_too_large_files
from desk.kit.formats import format_number
from desk.kit.pages import DocumentAdmin, Route
from desk.mailboxes import csv_file, runs, storing
from desk.mailboxes.columns import PIN
from desk.mailboxes.csv_export import csv_file_response
from desk.mailboxes.csv_file import UnreadableFile
from desk.mailboxes.import_plan import IGNORED, Importer, cells_without_pin
from desk.mailboxes.links import mailbox_list_crumbs, mailbox_list_url
from desk.mailboxes.planned_lines import Rights
from desk.mailboxes.run_table import describe_counts, run_table
from desk.mailboxes.runs import PLANNED, PROBLEMS, Result, State
from desk.models import MailboxRun
from desk.users.titles import VIEW_USERS

_RUN_PATH = "<str:account_id>/runs/<int:run_id>/"
_PROBLEMS_SHOWN = 100


class ImportForm(forms.Form):
    """A CSV file."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        error_messages={"required": gettext_lazy("Choose a file."), "empty": gettext_lazy("The file is empty.")},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        limits = {"lines": format_number(csv_file.MAX_LINES), "megabytes": csv_file.MAX_BYTES // 1024 // 1024}
        self.fields["file"].help_text = _("At most %(lines)s lines and %(megabytes)s MB.") % limits


class RunPages(DocumentAdmin):
    """The pages of an import, and of every run."""

    def run_routes(self) -> Iterable[Route]:
        """The pages."""
        yield Route("<str:account_id>/import/", "import", self.import_mailboxes, "change_mailbox")
        yield Route(_RUN_PATH, "run", self.show_run, "change_mailbox")
        yield Route(f"{_RUN_PATH}progress/", "run_progress", self.send_progress, "change_mailbox")
        yield Route(f"{_RUN_PATH}store/", "store_run", self.store_run, "change_mailbox")
        yield Route(f"{_RUN_PATH}stop/", "stop_run", self.stop_run, "change_mailbox")
        yield Route(f"{_RUN_PATH}problems/", "run_problems", self.send_problems, "change_mailbox")

    def rights(self, request: HttpRequest) -> Rights:
        """What the operator may do to mailboxes."""
        return Rights(
            create=self.has_permission(request, "add_mailbox"),
            change=self.has_permission(request, "change_mailbox"),
            see_pin=self.has_permission(request, "see_pin"),
            view_users=self.has_permission(request, VIEW_USERS),
        )

    def import_mailboxes(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show the form for a file, or preview what the file would do."""
        account = accounts.get(account_id)
        is_submitted = request.method == "POST"
        form = ImportForm(request.POST if is_submitted else None, request.FILES if is_submitted else None)
        if "file" in fields_with_too_large_files(request):
            form.errors.pop("file", None)
            form.add_error("file", _("The file is far too large. Divide it into several files."))
        if is_submitted and form.is_valid():
            try:
                run = self._preview(request, account_id, form.cleaned_data["file"])
            except UnreadableFile as error:
                form.add_error("file", str(error))
            else:
                return HttpResponseRedirect(run_url(run))
        return self.render_form(
            request,
            form,
            _("Import mailboxes"),
            [*mailbox_list_crumbs(account), (_("Import"), None)],
            cancel_url=mailbox_list_url(account_id),
            template="desk/mailboxes/import.html",
            submit=_("Preview"),
            account_id=account_id,
            runs=runs.list_latest(account_id),
        )

    def _preview(self, request: HttpRequest, account_id: str, upload: Any) -> MailboxRun:
        """Plan the lines of an uploaded file; raises UnreadableFile."""
        file = csv_file.read(upload.read(csv_file.MAX_BYTES + 1))
        importer = Importer(account_id, file, self.rights(request))
        if not file.records:
            raise UnreadableFile(_("The file has no lines below its first one, which names the columns."))
        lines = [importer.plan(record) for record in file.records]
        header = [name for name in file.header if csv_file.unquote(name).lower() not in {PIN, *IGNORED}]
        cells = {record.line: cells_without_pin(file.header, record.cells) for record in file.records}
        return runs.create(
            request, account_id, upload.name or _("a file"), lines, notes=file.notes, header=header, cells=cells
        )

    def show_run(self, request: HttpRequest, account_id: str, run_id: int) -> HttpResponse:
        """Show a run: what it would do, how it is getting on, or what it did."""
        account, run = accounts.get(account_id), runs.get(account_id, run_id)
        counts = runs.count_results(run)
        problems = run.lines.filter(result__in=PROBLEMS).order_by("number")
        return self.render(
            request,
            "desk/mailboxes/run.html",
            _("Import of %(title)s") % {"title": run.title}
            if run.is_import
            else _("Change settings: %(title)s") % {"title": run.title},
            [*mailbox_list_crumbs(account), (_("Import") if run.is_import else _("Change settings"), None)],
            run=run,
            account_id=account_id,
            summary=describe_counts(counts),
            progress=_run_progress(run),
            planned=sum(counts.get(result, 0) for result in PLANNED),
            faulty=counts.get(Result.FAULTY, 0),
            is_preview=run.state == State.PREVIEW,
            is_active=run.state in (State.WAITING, State.STORING),
            is_own=run.operator_id == request.user.pk,
            problems=problems[:_PROBLEMS_SHOWN],
            problem_count=sum(counts.get(result, 0) for result in PROBLEMS),
            table=run_table(request, run, counts),
            list_url=mailbox_list_url(account_id),
        )

    def send_progress(self, request: HttpRequest, account_id: str, run_id: int) -> JsonResponse:
        """How a run is getting on, as JSON."""
        return JsonResponse(_run_progress(runs.get(account_id, run_id)))

    def store_run(self, request: HttpRequest, account_id: str, run_id: int) -> HttpResponse:
        """Have a worker store what the preview shows, without the lines that have errors."""
        run = runs.get(account_id, run_id)
        if request.method == "POST":
            creates = run.lines.filter(result=Result.CREATE).exists()
            if run.operator_id != request.user.pk or (creates and not self.rights(request).create):
                raise PermissionDenied
            storing.start_storing(run, request)
        return HttpResponseRedirect(run_url(run))

    def stop_run(self, request: HttpRequest, account_id: str, run_id: int) -> HttpResponse:
        """Leave out whatever is not stored yet."""
        run = runs.get(account_id, run_id)
        if request.method == "POST":
            was_preview = run.state == State.PREVIEW
            runs.stop(run)
            if was_preview:
                messages.info(request, _("Nothing was stored."))
                return HttpResponseRedirect(mailbox_list_url(account_id))
        return HttpResponseRedirect(run_url(run))

    def send_problems(self, request: HttpRequest, account_id: str, run_id: int) -> HttpResponse:
        """The lines that were not stored, as CSV with a column that says why: corrected, it can be imported."""
        run = runs.get(account_id, run_id)
        header = list(run.header) or ["mailbox"]
        rows = [["line", *header, "problem"]]
        for line in run.lines.filter(result__in=PROBLEMS).order_by("number"):
            cells = [str(cell) for cell in line.cells] or [format_cell(line.name)]
            cells += [""] * (len(header) - len(cells))
            rows.append([str(line.number), *cells[: len(header)], format_cell(line.problem)])
        return csv_file_response("mailboxes-problems.csv", rows)


def run_url(run: MailboxRun) -> str:
    """The URL of a run's page."""
    return reverse("admin:desk_mailbox_run", args=[run.account_id, run.pk])


def _run_progress(run: MailboxRun) -> dict[str, Any]:
    """A run's progress, for its page and as JSON."""
    counts = runs.count_results(run)
    waiting = sum(counts.get(result, 0) for result in PLANNED)
    done = sum(counts.get(result, 0) for result in (Result.CREATED, Result.CHANGED, Result.FAILED))
    return {
        "state": run.state,
        "state_text": run.get_state_display(),
        "is_active": run.state in (State.WAITING, State.STORING),
        "done": done,
        "total": done + waiting,
        "summary": run.problem
        or _("%(done)s of %(total)s mailboxes")
        % {"done": format_number(done), "total": format_number(done + waiting)},
    }
