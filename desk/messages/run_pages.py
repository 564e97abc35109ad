"""The pages of runs: the latest ones; one with its progress or result; what failed, as CSV; stop and undo."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import accounts
from crossbar.csv_renderer import format_cell
from desk.accounts.links import account_crumbs
from desk.kit.pages import DocumentAdmin, Route
from desk.mailboxes.csv_export import csv_file_response
from desk.mailboxes.titles import mailbox_title
from desk.messages import runs
from desk.messages.actions import RUN_ACTIONS
from desk.messages.links import all_messages_url, message_list_url, message_run_url
from desk.messages.runs import ACTIVE, Result
from desk.models import MessageRun
from voicemail.mailboxes import store as mailbox_store

_RUN_PATH = "<str:account_id>/runs/<int:run_id>/"
_FAILURES_SHOWN = 100


class RunPages(DocumentAdmin):
    """The pages of actions on many messages."""

    def run_routes(self) -> Iterable[Route]:
        """The pages."""
        yield Route("<str:account_id>/runs/", "runs", self.list_runs, "view_message")
        yield Route(_RUN_PATH, "run", self.show_run, "view_message")
        yield Route(f"{_RUN_PATH}progress/", "run_progress", self.send_progress, "view_message")
        yield Route(f"{_RUN_PATH}stop/", "stop_run", self.stop_run, "change_message")
        yield Route(f"{_RUN_PATH}undo/", "undo_run", self.undo_run, "change_message")
        yield Route(f"{_RUN_PATH}failures/", "run_failures", self.send_failures, "view_message")

    def list_runs(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """List the latest runs of an account."""
        account = accounts.get(account_id)
        title = _("Actions on many messages")
        return self.render(
            request,
            "desk/messages/runs.html",
            title,
            [*account_crumbs(account), (_("Messages"), all_messages_url(account_id)), (title, None)],
            runs=[(run, message_run_url(run), RUN_ACTIONS[run.action].label) for run in runs.list_latest(account_id)],
        )

    def show_run(self, request: HttpRequest, account_id: str, run_id: int) -> HttpResponse:
        """Show how a run is getting on, or what it did."""
        account, run = accounts.get(account_id), runs.get(account_id, run_id)
        counts, target = runs.count_results(run), _target_title(run)
        failures = run.lines.filter(result=Result.FAILED).order_by("pk")
        undoing = run.undone_by.first()
        return self.render(
            request,
            "desk/messages/run.html",
            _run_title(run, target),
            [
                *account_crumbs(account),
                (_("Messages"), all_messages_url(account_id)),
                (_("Actions"), runs_url(account_id)),
                (RUN_ACTIONS[run.action].label, None),
            ],
            run=run,
            account_id=account_id,
            is_active=run.state in ACTIVE,
            progress=_progress(run),
            summary=_describe_result(run, counts, target),
            failure_count=counts.get(Result.FAILED, 0),
            failures=failures[:_FAILURES_SHOWN],
            list_url=_list_url(run),
            target_url=message_list_url(account_id, run.target_id) if run.target_id else "",
            undoing_url=message_run_url(undoing) if undoing else "",
            undone_url=message_run_url(run.undoes) if run.undoes else "",
            can_undo=undoing is None and bool(counts.get(Result.DONE)) and self._may_undo(request, run),
            can_stop=self.has_permission(request, RUN_ACTIONS[run.action].permission),
        )

    def _may_undo(self, request: HttpRequest, run: MessageRun) -> bool:
        action = runs.undoing_action(run)
        return action is not None and self.has_permission(request, RUN_ACTIONS[action].permission)

    def send_progress(self, request: HttpRequest, account_id: str, run_id: int) -> JsonResponse:
        """How a run is getting on, as JSON."""
        return JsonResponse(_progress(runs.get(account_id, run_id)))

    def stop_run(self, request: HttpRequest, account_id: str, run_id: int) -> HttpResponse:
        """Leave out whatever is not done yet."""
        run = runs.get(account_id, run_id)
        if request.method == "POST":
            self.require_permission(request, RUN_ACTIONS[run.action].permission)
            runs.stop(run)
        return HttpResponseRedirect(message_run_url(run))

    def undo_run(self, request: HttpRequest, account_id: str, run_id: int) -> HttpResponse:
        """Have a worker undo what a run did, and show that run."""
        run = runs.get(account_id, run_id)
        action = runs.undoing_action(run)
        if request.method != "POST" or action is None or run.state in ACTIVE:
            return HttpResponseRedirect(message_run_url(run))
        self.require_permission(request, RUN_ACTIONS[action].permission)
        undoing = runs.undo(request, run)
        if undoing is None:
            notices.info(request, _("This is being undone already."))
        return HttpResponseRedirect(message_run_url(undoing or run))

    def send_failures(self, request: HttpRequest, account_id: str, run_id: int) -> HttpResponse:
        """The messages that were not changed, with the reasons, as CSV."""
        run = runs.get(account_id, run_id)
        rows = [["mailbox_id", "message_id", "message", "problem"]]
        for line in run.lines.filter(result=Result.FAILED).order_by("pk"):
            rows.append([format_cell(text) for text in (line.box_id, line.message_id, line.title, line.problem)])
        return csv_file_response("messages-not-changed.csv", rows)


def runs_url(account_id: str) -> str:
    """The URL of the list of an account's runs."""
    return reverse("admin:desk_message_runs", args=[account_id])


def _target_title(run: MessageRun) -> str:
    if not run.target_id:
        return ""
    return mailbox_title(mailbox_store.find(run.account_id, run.target_id) or {"_id": run.target_id})


def _run_title(run: MessageRun, target: str) -> str:
    label = str(RUN_ACTIONS[run.action].label)
    if run.undoes_id is not None:
        return _("Undo: %(action)s") % {"action": label}
    return f"{label}: {target}" if target else label


def _list_url(run: MessageRun) -> str:
    """The list that a run was started from, or else the list of all messages."""
    query = run.listing.get("query")
    return f"{reverse('admin:desk_message_changelist')}?{query}" if query else all_messages_url(run.account_id)


def _progress(run: MessageRun) -> dict[str, Any]:
    """A run's progress, for its page and as JSON."""
    counts = runs.count_results(run)
    total = sum(counts.values())
    done = total - counts.get(Result.PLANNED, 0)
    if run.is_listed:
        summary = _("%(done)s of %(total)s messages") % {"done": f"{done:,}", "total": f"{total:,}"}
    else:
        summary = _("Looking for the messages: %(total)s so far") % {"total": f"{total:,}"}
    return {
        "state": run.state,
        "state_text": run.get_state_display(),
        "is_active": run.state in ACTIVE,
        "done": done,
        "total": total,
        "summary": run.problem or summary,
    }


def _describe_result(run: MessageRun, counts: dict[str, int], target: str) -> str:
    """What a run did, in a sentence or two."""
    done, failed, left_out = (counts.get(result, 0) for result in (Result.DONE, Result.FAILED, Result.LEFT_OUT))
    sentences = [RUN_ACTIONS[run.action].describe(done, "" if run.undoes_id else target)]
    if failed:
        text = ngettext("%(count)s message failed.", "%(count)s messages failed.", failed)
        sentences.append(text % {"count": f"{failed:,}"})
    if left_out:
        text = ngettext("%(count)s message was left out.", "%(count)s messages were left out.", left_out)
        sentences.append(text % {"count": f"{left_out:,}"})
    return " ".join(sentences)
