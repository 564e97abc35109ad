"""The pages of an account's mailboxes: list, creation, one mailbox, its change, removal and history."""

from collections.abc import Iterable
from functools import partial

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import accounts, users
from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.accounts.links import account_crumbs, redirect_to_accounts
from desk.audit import log
from desk.audit.pages import render_history
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.forms import Explain, add_errors, members_from
from desk.kit.live import allow_live, live_list
from desk.kit.notices import undo_button
from desk.kit.pages import Route, actor
from desk.mailboxes.bulk_change import BulkChangePages
from desk.mailboxes.csv_export import ExportPages
from desk.mailboxes.form import SECRETS, creation_form, fieldsets, mailbox_form
from desk.mailboxes.greetings import GreetingPages
from desk.mailboxes.links import (
    mailbox_crumbs,
    mailbox_list_crumbs,
    mailbox_list_url,
    mailbox_subject,
    mailbox_url,
)
from desk.mailboxes.owner_field import owner_suggestions
from desk.mailboxes.pin import PinPages
from desk.mailboxes.proposal import propose
from desk.mailboxes.restore import RestorePages, restore_context
from desk.mailboxes.settings_list import list_settings
from desk.mailboxes.table import CHANGE_SETTINGS, mailbox_table, shows_removed
from desk.mailboxes.taken_number import explain_number
from desk.mailboxes.titles import mailbox_title
from desk.models import Mailbox
from desk.users.links import user_url
from desk.users.titles import VIEW_USERS, user_title
from storage import document_types
from voicemail.mailboxes import removal
from voicemail.mailboxes import restore as mailbox_restore
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import counts, retention

_MAILBOX_PATH = "<str:account_id>/<str:box_id>/"


@admin.register(Mailbox)
class MailboxAdmin(RestorePages, PinPages, GreetingPages, ExportPages, BulkChangePages):
    """The pages of mailboxes. The list is of one account, which the query names."""

    def routes(self) -> Iterable[Route]:
        """All pages, and the suggestions for the field of the owner."""
        return (
            Route("", "changelist", self.list_mailboxes, "view_mailbox"),
            Route("<str:account_id>/add/", "add_to", self.add_mailbox, "add_mailbox"),
            Route("<str:account_id>/owners/", "owners", self.suggest_owners, "change_mailbox"),
            *self.export_routes(),
            *self.run_routes(),
            *self.bulk_change_routes(),
            Route(_MAILBOX_PATH, "detail", self.show_mailbox, "view_mailbox"),
            Route(f"{_MAILBOX_PATH}change/", "change", self.change_mailbox, "change_mailbox"),
            Route(f"{_MAILBOX_PATH}delete/", "delete", self.remove_mailbox, "delete_mailbox"),
            Route(f"{_MAILBOX_PATH}history/", "history", self.show_history, "view_mailbox"),
            *self.pin_routes(),
            *self.greeting_routes(),
            *self.restore_routes(),
        )

    def list_mailboxes(self, request: HttpRequest) -> HttpResponseBase:
        """List the mailboxes of an account by name, those that a search finds, or removed ones."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return redirect_to_accounts(request, _("Choose an account first, then its mailboxes."))
        if request.method == "POST" and request.POST.get("action") == CHANGE_SETTINGS:
            return self.change_settings(request, account_id)
        account = accounts.get(account_id)
        title = _("Removed mailboxes") if shows_removed(request) else _("Mailboxes")
        live = live_list(request, account_id, document_types.MAILBOX, document_types.MESSAGE)

        def page() -> HttpResponseBase:
            return self.render_list(
                request,
                "removed-mailboxes" if shows_removed(request) else "mailboxes",
                title,
                [*account_crumbs(account), (title, None)],
                partial(mailbox_table, account_id=account_id),
                account_id=account_id,
                tools=self._list_tools(request, account_id),
                live=live,
            )

        return allow_live(page, request, live)

    def _list_tools(self, request: HttpRequest, account_id: str) -> list[tuple[str, str]]:
        export_url = reverse("admin:desk_mailbox_export", args=[account_id])
        return self.tools(
            request,
            ("add_mailbox", _("Add mailbox"), reverse("admin:desk_mailbox_add_to", args=[account_id])),
            ("change_mailbox", _("Import"), reverse("admin:desk_mailbox_import", args=[account_id])),
            ("view_mailbox", _("Export as CSV"), export_url),
            ("see_pin", _("Export with PINs"), f"{export_url}?pins=yes"),
        )

    def add_mailbox(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show the form of a new mailbox, or create it. The query may name its owner, for whom it is filled in."""
        account = accounts.get(account_id)
        shows_users, shows_pin = self.has_permission(request, VIEW_USERS), self.has_permission(request, "see_pin")
        proposal: Document = {}
        if request.method != "POST" and shows_users and (owner_id := request.GET.get("owner")):
            proposal = propose(account_id, users.get(account_id, owner_id), with_pin=shows_pin)
        form = creation_form(account_id, request.POST or None, proposal, shows_users=shows_users, shows_pin=shows_pin)
        if request.method == "POST" and form.is_valid():
            try:
                box = mailbox_store.create(account_id, members_from(form), actor(request))
            except ValidationFailed as error:
                add_errors(form, error, explain_number(request, form, account_id, None))
            else:
                log.record(request, "created", mailbox_subject(account_id, box), after=box)
                messages.success(
                    request, _("The mailbox %(number)s was created.") % {"number": mailbox_store.number(box)}
                )
                return HttpResponseRedirect(mailbox_url(account_id, box["_id"]))
        return self.render_form(
            request,
            form,
            _("Add mailbox"),
            [*mailbox_list_crumbs(account), (_("Add mailbox"), None)],
            cancel_url=mailbox_list_url(account_id),
            fieldsets=fieldsets(form),
        )

    def suggest_owners(self, request: HttpRequest, account_id: str) -> JsonResponse:
        """Suggest users for the field of the owner."""
        self.require_permission(request, VIEW_USERS)
        return owner_suggestions(request, account_id)

    def show_mailbox(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Show a mailbox, live or removed: its settings, and how many messages it has."""
        account = accounts.get(account_id)
        box, is_removed = mailbox_restore.get_any(account_id, box_id)
        public = mailbox_store.representation(box, secrets=False)
        owner_id = box.get("owner_id")
        owner = users.find(account_id, owner_id) if isinstance(owner_id, str) else None
        if not self.has_permission(request, VIEW_USERS):
            owner = None
        return self.render(
            request,
            "desk/mailboxes/detail.html",
            mailbox_title(box),
            [*mailbox_list_crumbs(account, is_removed=is_removed), (mailbox_title(box), None)],
            account_id=account_id,
            box_id=box_id,
            settings=list_settings(public),
            owner=user_title(owner) if owner else owner_id,
            owner_url=user_url(account_id, owner["_id"]) if owner else None,
            folders=counts.per_folder(account_id, [box_id])[box_id],
            old_messages=len(box["messages"]) if isinstance(box.get("messages"), list) else 0,
            greetings=self.greeting_views(request, account_id, box),
            has_pin=bool(box.get("pin")),
            can=self.permissions(request, "change_mailbox", "see_pin", "delete_mailbox", "view_message"),
            **restore_context(account_id, box),
        )

    def change_mailbox(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Show the mailbox's form, or change the mailbox."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        url = mailbox_url(account_id, box_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return mailbox_store.merge(account_id, box_id, patch, actor(request), guard)

        def explain(form: forms.Form) -> Explain:
            return explain_number(request, form, account_id, box_id)

        make_form = partial(mailbox_form, account_id, shows_users=self.has_permission(request, VIEW_USERS))
        result = edit(request, box, SECRETS, make_form, merge, explain)
        if result.saved is None:
            return self.render_edit(
                request,
                result,
                _("Change %(mailbox)s") % {"mailbox": mailbox_title(box)},
                [*mailbox_crumbs(account, box), (_("Change"), None)],
                cancel_url=url,
                fieldsets=fieldsets(result.form),
            )
        if result.has_changes:
            subject = mailbox_subject(account_id, result.saved)
            log.record(request, "changed", subject, before=box, after=result.saved)
        messages.success(request, _("The mailbox was changed.") if result.has_changes else _("Nothing was changed."))
        return HttpResponseRedirect(url)

    def remove_mailbox(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Ask, then remove the mailbox with its messages."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        if request.method == "POST":
            removed = removal.remove_box(account, box_id, actor(request))
            log.record(request, "removed", mailbox_subject(account_id, removed), before=box, after=removed)
            undo = undo_button(request, reverse("admin:desk_mailbox_restore", args=[account_id, box_id]))
            messages.success(
                request,
                format_html(_("The mailbox {mailbox} was removed. {undo}"), mailbox=mailbox_title(box), undo=undo),
            )
            return HttpResponseRedirect(mailbox_list_url(account_id))
        message_count = sum(counts.per_folder(account_id, [box_id])[box_id].values())
        return self.render_confirmation(
            request,
            _("Remove %(mailbox)s?") % {"mailbox": mailbox_title(box)},
            [*mailbox_crumbs(account, box), (_("Remove"), None)],
            question=_(
                "The mailbox is removed with its messages (%(message_count)s), for everybody. Under “Removed”, "
                "it can be restored with them at any time. Messages that are older than %(days)s days by then "
                "are shown as deleted."
            )
            % {"message_count": message_count, "days": retention.duration_days(account_id)},
            submit=_("Yes, remove it"),
            cancel_url=mailbox_url(account_id, box_id),
            is_dangerous=True,
        )

    def show_history(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Show what was done to the mailbox."""
        account = accounts.get(account_id)
        box, is_removed = mailbox_restore.get_any(account_id, box_id)
        crumbs = mailbox_crumbs(account, box, is_removed=is_removed)
        return render_history(self, request, [box_id], mailbox_title(box), crumbs)
