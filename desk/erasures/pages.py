"""The pages of deletions for good: their list, plan, second confirmation, progress, undoing, and the record."""

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import account_index, accounts
from crossbar.errors import BadIdentifier
from desk.audit import log
from desk.erasures.export_pages import ExportPages
from desk.erasures.links import (
    describe_subject,
    erasure_crumbs,
    erasure_list_url,
    erasure_subject,
    erasure_url,
    subject_url,
)
from desk.erasures.table import erasure_table
from desk.kit.formats import format_length
from desk.kit.pages import Route
from desk.scope import scope_of
from erasure import callers, listing, planning, secret_numbers
from erasure.jobs import WORKING
from erasure.models import Erasure, ErasureItem
from erasure.planning import Refused

Kind, State, Group = Erasure.Kind, Erasure.State, ErasureItem.Group
_PERMISSION = "erase_for_good"
_ITEMS_SHOWN = 50


class CallerForm(forms.Form):
    """A caller's numbers, and the account to look in."""

    numbers = forms.CharField(
        label=gettext_lazy("Numbers"),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 30}),
        max_length=500,
        help_text=gettext_lazy("One in each line, spelled in any way. The preview names others that end alike."),
    )
    account = forms.CharField(
        label=gettext_lazy("Account id"),
        required=False,
        max_length=32,
        help_text=gettext_lazy("Without one, all accounts are searched that you may see."),
    )


@admin.register(Erasure)
class ErasureAdmin(ExportPages):
    """The pages of deletions for good."""

    def routes(self) -> Iterable[Route]:
        """All pages."""
        yield Route("", "changelist", self.list_erasures, "view_erasure")
        yield Route("new/", "new", self.plan_erasure, _PERMISSION)
        yield Route("caller/", "caller", self.plan_caller, _PERMISSION)
        yield from self.export_routes()
        yield Route("<int:erasure_id>/", "detail", self.show_erasure, "view_erasure")
        yield Route("<int:erasure_id>/progress/", "progress", self.send_progress, "view_erasure")
        for name, page in (
            ("confirm", self.confirm_erasure),
            ("cancel", self.cancel_erasure),
            ("undo", self.undo_erasure),
            ("decide", self.decide_erasure),
        ):
            yield Route(f"<int:erasure_id>/{name}/", name, page, _PERMISSION)

    # --- what the operator may see ---

    def _visible(self, request: HttpRequest) -> "QuerySet[Erasure]":
        scope = scope_of(request.user)
        erasures = Erasure.objects.all()
        account_ids = scope.account_ids()
        if account_ids is None:
            return erasures
        # One's own also of an account that is removed by now, or of several.
        own = erasures.filter(operator_id=request.user.pk).exclude(account_id__in=account_ids)
        own_ids = [erasure.pk for erasure in own if not _concerns_others(erasure, account_ids)]
        return erasures.filter(Q(account_id__in=account_ids) | Q(pk__in=own_ids))

    def _get(self, request: HttpRequest, erasure_id: int) -> Erasure:
        erasure = planning.get(erasure_id)
        if not self._visible(request).filter(pk=erasure.pk).exists():
            raise BadIdentifier(str(erasure_id))
        return erasure

    # --- planning ---

    def list_erasures(self, request: HttpRequest) -> HttpResponse:
        """List deletions for good, the latest first."""
        return self.render(
            request,
            "desk/kit/list.html",
            _("Deletions for good"),
            [(_("Deletions for good"), None)],
            table=erasure_table(request, self._visible(request)),
            tools=self.tools(
                request,
                (_PERMISSION, _("Messages of a caller"), f"{erasure_list_url()}caller/"),
                (_PERMISSION, _("Export what is held of a caller"), f"{erasure_list_url()}export/"),
            ),
        )

    def plan_erasure(self, request: HttpRequest) -> HttpResponse:
        """Say what deletion for good is, then have listed what it would cover."""
        query = request.POST if request.method == "POST" else request.GET
        kind, account_id = query.get("kind", ""), query.get("account", "")
        document_id, mailbox_id = query.get("id", ""), query.get("box", "")
        if kind not in (Kind.MESSAGE, Kind.MAILBOX, Kind.USER, Kind.ACCOUNT):
            raise BadIdentifier(kind)
        self.require_covered(request, account_id)
        title, _word = describe_subject(kind, account_id, document_id, mailbox_id)
        url = subject_url(kind, account_id, document_id, mailbox_id)
        if request.method == "POST":
            try:
                erasure = planning.plan(
                    kind,
                    account_id,
                    document_id,
                    int(request.user.pk or 0),
                    mailbox_id=mailbox_id,
                    request_id=_id_of(request),
                )
            except Refused as refusal:
                messages.error(request, str(refusal))
                return HttpResponseRedirect(url)
            return HttpResponseRedirect(erasure_url(erasure))
        return self.render(
            request,
            "desk/erasures/plan.html",
            _("Delete for good: %(title)s") % {"title": title},
            [*erasure_crumbs(), (_("Plan"), None)],
            subject=title,
            fields=[("kind", kind), ("account", account_id), ("id", document_id), ("box", mailbox_id)],
            wait_days=planning.due_time().days,
            cancel_url=url,
        )

    def plan_caller(self, request: HttpRequest) -> HttpResponse:
        """Ask for a caller's numbers, then have listed the messages."""
        form = CallerForm(request.POST or None, initial={"account": request.GET.get("account", "")})
        if request.method == "POST" and form.is_valid():
            account_id = form.cleaned_data["account"].strip()
            numbers = form.cleaned_data["numbers"].replace(",", "\n").split("\n")
            try:
                erasure = planning.plan_caller(
                    [number.strip() for number in numbers if number.strip()],
                    self.searched_accounts(request, account_id),
                    int(request.user.pk or 0),
                    request_id=_id_of(request),
                )
            except Refused as refusal:
                form.add_error("numbers", str(refusal))
            except BadIdentifier:
                form.add_error("account", _("There is no such account."))
            else:
                return HttpResponseRedirect(erasure_url(erasure))
        return self.render_form(
            request,
            form,
            _("Delete the messages of a caller for good"),
            [*erasure_crumbs(), (_("Messages of a caller"), None)],
            cancel_url=erasure_list_url(),
            submit=_("List the messages"),
        )

    # --- one erasure ---

    def show_erasure(self, request: HttpRequest, erasure_id: int) -> HttpResponse:
        """Show a deletion for good: its preview, its progress, until when it can be undone, or the record of it."""
        return self._render_erasure(request, self._get(request, erasure_id))

    def _render_erasure(self, request: HttpRequest, erasure: Erasure, error: str = "") -> HttpResponse:
        is_ended = erasure.state in (State.DONE, State.UNDONE, State.CANCELLED)
        is_preview = erasure.state == State.PREVIEW
        title, word = _describe_erasure(erasure)
        held = erasure.items.filter(state=ErasureItem.State.HELD)
        return self.render(
            request,
            "desk/erasures/detail.html",
            _("Delete for good: %(title)s") % {"title": title},
            [*erasure_crumbs(), (str(erasure.pk), None)],
            erasure=erasure,
            subject=title,
            word=word,
            error=error,
            progress=_erasure_progress(erasure),
            is_active=erasure.state in WORKING and erasure.state != State.WAITING,
            is_preview=is_preview,
            is_ended=is_ended,
            is_of_caller=erasure.kind == Kind.CALLER,
            numbers=", ".join(secret_numbers.decrypt(erasure.numbers).numbers) if is_preview else "",
            similar=sorted(secret_numbers.decrypt(erasure.numbers).similar.items()) if is_preview else [],
            parts=_parts(erasure) if is_preview else [],
            length=format_length(erasure.milliseconds),
            erased=erasure.items.filter(state=ErasureItem.State.ERASED).count(),
            left=erasure.items.filter(state=ErasureItem.State.LEFT).count(),
            held=held[:_ITEMS_SHOWN],
            may_undo=planning.may_undo(erasure),
            may_erase=self.has_permission(request, _PERMISSION),
            wait_days=planning.due_time().days,
        )

    def send_progress(self, request: HttpRequest, erasure_id: int) -> JsonResponse:
        """How a deletion for good is getting on, as JSON."""
        return JsonResponse(_erasure_progress(self._get(request, erasure_id)))

    def confirm_erasure(self, request: HttpRequest, erasure_id: int) -> HttpResponse:
        """Have removed what the preview shows, once the operator has typed what it is."""
        erasure = self._get(request, erasure_id)
        if request.method != "POST":
            return HttpResponseRedirect(erasure_url(erasure))
        if not _is_typed(erasure, request.POST.get("word", "")):
            return self._render_erasure(request, erasure, _("This is not what has to be typed. Nothing was deleted."))
        if planning.confirm(erasure, request.POST.getlist("group")):
            details = {"deletion": erasure.pk, "groups": request.POST.getlist("group")}
            log.record(request, "planned to delete for good", erasure_subject(erasure), details=details)
        return HttpResponseRedirect(erasure_url(erasure))

    def cancel_erasure(self, request: HttpRequest, erasure_id: int) -> HttpResponse:
        """Give up what nobody has confirmed."""
        erasure = self._get(request, erasure_id)
        if request.method == "POST" and planning.cancel(erasure):
            messages.info(request, _("Nothing was deleted."))
        return HttpResponseRedirect(erasure_list_url())

    def undo_erasure(self, request: HttpRequest, erasure_id: int) -> HttpResponse:
        """Have restored what was removed, as long as that is possible."""
        erasure = self._get(request, erasure_id)
        if request.method == "POST":
            if planning.undo(erasure):
                log.record(request, "asked to undo", erasure_subject(erasure), details={"deletion": erasure.pk})
            else:
                messages.error(request, _("It is too late: it is being deleted for good."))
        return HttpResponseRedirect(erasure_url(erasure))

    def decide_erasure(self, request: HttpRequest, erasure_id: int) -> HttpResponse:
        """Have erased all the same, or left, what was changed or restored in the meantime."""
        erasure = self._get(request, erasure_id)
        decision = request.POST.get("decision", "")
        decide = {"erase": planning.erase_changed, "leave": planning.leave_changed}.get(decision)
        if request.method == "POST" and decide is not None and decide(erasure):
            log.record(request, f"decided to {decision}", erasure_subject(erasure), details={"deletion": erasure.pk})
        return HttpResponseRedirect(erasure_url(erasure))


def _concerns_others(erasure: Erasure, account_ids: Collection[str]) -> bool:
    """Whether an erasure is about an account beyond some, which still exists: its operator's limit was changed."""
    named_ids = erasure.account_ids if erasure.kind == Kind.CALLER else [erasure.account_id]
    return named_ids is None or any(
        account_id not in account_ids and accounts.is_live(account_index.database().get(account_id))
        for account_id in named_ids
    )


def _describe_erasure(erasure: Erasure) -> tuple[str, str]:
    """What is deleted, in words, and what is typed to confirm it. Afterwards, only its id is known."""
    if erasure.kind == Kind.CALLER:
        return _("messages of a caller"), _("the number")
    if erasure.state in (State.DONE, State.COMPACTING, State.CANCELLED):
        return f"{erasure.get_kind_display()} {erasure.document_id}", ""
    return describe_subject(erasure.kind, erasure.account_id, erasure.document_id, erasure.mailbox_id)


def _is_typed(erasure: Erasure, text: str) -> bool:
    """Whether an operator has typed what is deleted: its number or name, or a caller's numbers."""
    if erasure.kind == Kind.CALLER:
        return callers.digest(part for part in text.split(",") if part.strip()) == erasure.digest
    _title, word = _describe_erasure(erasure)
    return " ".join(text.split()).casefold() == " ".join(word.split()).casefold()


def _parts(erasure: Erasure) -> list[dict[str, Any]]:
    """The parts of a preview: what is always deleted, and what the operator may leave out, each with its numbers."""
    parts = []
    for group in Group:
        items = erasure.items.filter(group=group)
        if group != Group.ALWAYS and not items.exists():
            continue
        totals = listing.totals_of(items)
        if erasure.kind == Kind.ACCOUNT:
            totals = {name: getattr(erasure, name) for name in totals}
        parts.append(
            {"value": group.value, "label": group.label, "length": format_length(totals["milliseconds"]), **totals}
        )
    return parts


def _erasure_progress(erasure: Erasure) -> dict[str, Any]:
    """How far the present step is, for the page and as JSON."""
    total = max(erasure.documents, erasure.progress) if erasure.state != State.LISTING else 0
    text = ngettext("%(count)s document so far", "%(count)s documents so far", erasure.progress)
    return {
        "state": erasure.state,
        "state_text": str(erasure.get_state_display()),
        "is_active": erasure.state in WORKING and erasure.state != State.WAITING,
        "done": erasure.progress,
        "total": total,
        "summary": erasure.problem or text % {"count": f"{erasure.progress:,}"},
    }


def _id_of(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))
