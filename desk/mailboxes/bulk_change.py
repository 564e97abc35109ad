"""The pages that change settings of many mailboxes at once: which settings, their values, then a preview."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import accounts
from couch.database import Document
from desk.kit.formats import format_number
from desk.kit.forms import Fieldsets
from desk.kit.pages import Route
from desk.kit.schema_fields import SEPARATOR
from desk.mailboxes import runs
from desk.mailboxes.form import fieldsets, shared_fields
from desk.mailboxes.links import mailbox_list_crumbs, mailbox_list_url
from desk.mailboxes.planned_lines import PlannedLine, plan_line
from desk.mailboxes.run_pages import RunPages, run_url
from desk.models import MailboxRun
from desk.users.titles import VIEW_USERS
from storage import database_names
from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes.bulk import Plan


@dataclass(frozen=True)
class Selection:
    """Mailboxes that an operator selected: some by their ids, or all that a search finds (all, for an empty text)."""

    ids: Sequence[str]
    fields: Sequence[tuple[str, str]]
    """Hidden fields that say the same on the next page."""

    @classmethod
    def read(cls, request: HttpRequest, account_id: str) -> "Selection":
        """The selection that the list, or the page before, sent."""
        if request.POST.get("all") == "yes":
            text = (request.POST.get("q") or request.GET.get("q", "")).strip()[:200]
            by_owner = request.user.has_perm(VIEW_USERS)
            ids = mailbox_search.list_matching_ids(account_id, text, by_owner=by_owner)
            return cls(ids, [("all", "yes"), ("q", text)])
        submitted = [*request.POST.getlist("selected"), *request.POST.get("ids", "").split(",")]
        ids = list(dict.fromkeys(filter(database_names.is_account_id, submitted)))
        return cls(ids, [("ids", ",".join(ids))])


class BulkChangePages(RunPages):
    """The pages of a change of many mailboxes."""

    def bulk_change_routes(self) -> Iterable[Route]:
        """The page, which has two steps."""
        yield Route("<str:account_id>/settings/", "settings", self.change_settings, "change_mailbox")

    def change_settings(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Let the operator choose settings, then their values; then preview the change."""
        self.require_permission(request, "change_mailbox")
        account = accounts.get(account_id)
        selection = Selection.read(request, account_id)
        if not selection.ids:
            messages.warning(request, _("Select the mailboxes to change first."))
            return HttpResponseRedirect(mailbox_list_url(account_id))
        fields = shared_fields(account_id, shows_users=self.has_permission(request, VIEW_USERS))
        names = [name for name in fields if name in request.POST.getlist("setting")]
        if not names:
            if "setting_step" in request.POST:
                messages.warning(request, _("Choose at least one setting."))
            return self._render_settings(request, account, selection, _form(fields, None))
        form = _form({name: fields[name] for name in names}, request.POST if "preview" in request.POST else None)
        if form.is_valid():
            return HttpResponseRedirect(run_url(self._preview_change(request, account_id, selection, form)))
        return self._render_values(request, account, selection, form)

    def _render_settings(
        self, request: HttpRequest, account: Document, selection: Selection, form: forms.Form
    ) -> HttpResponse:
        """The step in which settings are chosen."""
        return self.render(
            request,
            "desk/mailboxes/choose_settings.html",
            _field_title(selection),
            [*mailbox_list_crumbs(account), (_("Change settings"), None)],
            url=reverse("admin:desk_mailbox_settings", args=[account["_id"]]),
            hidden_fields=selection.fields,
            groups=[
                (title or _("General"), [(name, form.fields[name]) for name in options["fields"]])
                for title, options in fieldsets(form)
            ],
            cancel_url=mailbox_list_url(account["_id"]),
        )

    def _render_values(
        self, request: HttpRequest, account: Document, selection: Selection, form: forms.Form
    ) -> HttpResponse:
        """The step in which the chosen settings get their values."""
        return self.render_form(
            request,
            form,
            _field_title(selection),
            [*mailbox_list_crumbs(account), (_("Change settings"), None)],
            cancel_url=mailbox_list_url(account["_id"]),
            fieldsets=_unfolded(fieldsets(form)),
            template="desk/mailboxes/change_settings.html",
            url=reverse("admin:desk_mailbox_settings", args=[account["_id"]]),
            hidden_fields=[*selection.fields, *(("setting", name) for name in form.fields), ("preview", "yes")],
            submit=_("Preview"),
        )

    def _preview_change(
        self, request: HttpRequest, account_id: str, selection: Selection, form: forms.Form
    ) -> MailboxRun:
        """Plan the change of each selected mailbox."""
        plan, rights = Plan(account_id), self.rights(request)
        lines = []
        for number, box_id in enumerate(selection.ids, 1):
            if (box := plan.find(box_id)) is None:
                lines.append(PlannedLine(number, box_id, problem=_("The mailbox was removed in the meantime.")))
            else:
                lines.append(plan_line(plan, number, box_id, box, _patch(form), rights))
        title = ", ".join(str(field.label) for field in form.fields.values())
        return runs.create(request, account_id, title, lines)


def _form(fields: Mapping[str, forms.Field], submitted: Any) -> forms.Form:
    form: forms.Form = type("SettingsForm", (forms.Form,), dict(fields))(submitted)
    return form


def _patch(form: forms.Form) -> Document:
    """The values of a valid form as a patch: null, or an empty list, for what was left empty."""
    patch: Document = {}
    for name, value in form.cleaned_data.items():
        *parents, key = name.split(SEPARATOR)
        target = patch
        for parent in parents:
            target = target.setdefault(parent, {})
        target[key] = value
    return patch


def _unfolded(sets: Fieldsets) -> Fieldsets:
    return [(title, {**options, "classes": []}) for title, options in sets]


def _field_title(selection: Selection) -> str:
    count = len(selection.ids)
    text = ngettext("Change settings of %(count)s mailbox", "Change settings of %(count)s mailboxes", count)
    return text % {"count": format_number(count)}
