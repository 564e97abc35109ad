"""Mailboxes at the desk: found, looked at, changed, created, removed; their PINs on demand."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import widgets
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from accounts import accounts, users
from couch.client import Document
from crossbar.errors import ValidationFailed
from desk.accounts.pages import crumbs_to
from desk.audit import record as audit
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.formats import named_box
from desk.kit.forms import admin_form, take_errors
from desk.kit.pages import Crumb, Route, actor, explained
from desk.kit.schema_fields import sent
from desk.mailboxes import form as mailbox_form
from desk.mailboxes import table as mailbox_table
from desk.mailboxes.restore import RemovedMailboxPages, about, removed_crumbs
from desk.models import Mailbox
from desk.users import choices as user_choices
from storage import schemas
from voicemail.mailboxes import removal
from voicemail.mailboxes import restore as mailbox_restore
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import counts

KIND = "mailbox"


@admin.register(Mailbox)
class MailboxAdmin(RemovedMailboxPages):
    """The pages of mailboxes: of one account, named in the query."""

    def routes(self) -> Iterable[Route]:
        """List, creation, one mailbox, its change, PIN, removal, its coming back, and history."""
        return (
            Route("", "changelist", self.list, "view_mailbox"),
            Route("<str:account_id>/add/", "add_to", self.add, "add_mailbox"),
            Route("<str:account_id>/owners/", "owners", self.owners, "change_mailbox"),
            Route("<str:account_id>/<str:box_id>/", "detail", self.detail, "view_mailbox"),
            Route("<str:account_id>/<str:box_id>/change/", "change", self.change, "change_mailbox"),
            Route("<str:account_id>/<str:box_id>/pin/", "pin", self.pin, "see_pin"),
            Route("<str:account_id>/<str:box_id>/delete/", "delete", self.remove, "delete_mailbox"),
            Route("<str:account_id>/<str:box_id>/restore/", "restore", self.restore, "delete_mailbox"),
            Route("<str:account_id>/<str:box_id>/history/", "history", self.told, "view_mailbox"),
        )

    # --- all ---

    def list(self, request: HttpRequest) -> HttpResponse:
        """The mailboxes of an account by name, those that a search finds, or the removed ones."""
        account_id = request.GET.get("account", "")
        if not account_id:
            messages.info(request, "Choose an account, then its mailboxes.")
            return HttpResponseRedirect(reverse("admin:desk_account_changelist"))
        account = accounts.get(account_id)
        removed = mailbox_table.is_of_removed(request)
        table = mailbox_table.table(request, account_id)
        can_add = self.allows(request, "add_mailbox")
        tools = [("Add mailbox", reverse("admin:desk_mailbox_add_to", args=[account_id]))] if can_add else []
        title = "Removed mailboxes" if removed else "Mailboxes"
        crumbs = [*crumbs_to(account), (title, None)]
        return self.rendered(request, "desk/kit/list.html", title, crumbs, table=table, tools=tools)

    def add(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """A form for a new mailbox."""
        account = accounts.get(account_id)
        form = mailbox_form.made(account_id, request.POST or None, {})
        if request.method == "POST" and form.is_valid():
            try:
                box = mailbox_store.create(account_id, _filled(sent(form)), actor(request))
            except ValidationFailed as error:
                take_errors(form, error)
            else:
                self.record(request, "created", account_id, box, after=box)
                messages.success(request, f"The mailbox {mailbox_store.number(box)} was created.")
                return HttpResponseRedirect(_url(account_id, box["_id"]))
        return self._rendered_form(request, form, "Add mailbox", [*crumbs_to(account), ("Add mailbox", None)])

    def owners(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Some users whose names have words that begin as the query's ``q``, for the form's field of the owner."""
        found = users.search(account_id, request.GET.get("q", "").strip()[:100], 20)
        told = [{"value": user.get("username") or user["_id"], "text": user_choices.name_of(user)} for user in found]
        return JsonResponse({"suggestions": told})

    # --- one ---

    def detail(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """A mailbox, removed or not: its settings, and how many messages it has."""
        account = accounts.get(account_id)
        box, removed = mailbox_restore.known(account_id, box_id)
        shown = mailbox_store.shown(box, secrets=False)
        owner_id = box.get("owner_id")
        found = users.find(account_id, owner_id) if isinstance(owner_id, str) else None
        return self.rendered(
            request,
            "desk/mailboxes/detail.html",
            named_box(box),
            [*crumbs_to(account), *(removed_crumbs if removed else _all)(account_id), (named_box(box), None)],
            account_id=account_id,
            box=box,
            box_id=box_id,
            settings=sorted(_flat({key: value for key, value in shown.items() if key != "id"})),
            owner=user_choices.name_of(found) if found else owner_id,
            folders=counts.per_folder(account_id, [box_id])[box_id],
            old=len(box["messages"]) if isinstance(box.get("messages"), list) else 0,
            has_pin=bool(box.get("pin")),
            **about(account_id, box),
            can={name: self.allows(request, name) for name in ("change_mailbox", "see_pin", "delete_mailbox")},
            can_see_messages=self.allows(request, "view_message"),
        )

    def change(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """The mailbox's form; what it doesn't show stays as it is."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        url = _url(account_id, box_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return mailbox_store.merge(account_id, box_id, patch, actor(request), guard)

        edited = edit(request, box, mailbox_form.NEVER_HERE, partial(mailbox_form.made, account_id), merge)
        if edited.changed is None:
            return self.rendered(
                request,
                "desk/kit/edit_form.html",
                f"Change {named_box(box)}",
                [*crumbs_to(account), (named_box(box), url), ("Change", None)],
                adminform=admin_form(edited.form, mailbox_form.fieldsets(edited.form)),
                cancel_url=url,
                **edited.context(),
            )
        if edited.has_changes:
            self.record(request, "changed", account_id, edited.changed, before=box, after=edited.changed)
        messages.success(request, "The mailbox was changed." if edited.has_changes else "Nothing was changed.")
        return HttpResponseRedirect(url)

    def pin(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """The PIN, once somebody asks for it, or a new one; either is recorded."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        shown = None
        form = _PinForm(request.POST if "new" in request.POST else None)
        rules = schemas.schema(mailbox_store.SCHEMA)["properties"].get("pin", {})
        lengths = " to ".join(str(rules[limit]) for limit in ("minLength", "maxLength") if limit in rules)
        form.fields["new"].help_text = f"{lengths} characters; empty: none." if lengths else "Empty: none."
        if request.method == "POST" and "new" not in request.POST:
            shown = str(box.get("pin") or "")
            self.record(request, "saw the PIN of", account_id, box)
        elif request.method == "POST" and form.is_valid():
            try:
                new = {"pin": form.cleaned_data["new"] or None}
                changed = mailbox_store.merge(account_id, box_id, new, actor(request))
            except ValidationFailed as error:
                form.add_error("new", explained(error))
            else:
                self.record(request, "changed the PIN of", account_id, changed, before=box, after=changed)
                messages.success(request, "The PIN was changed.")
                return HttpResponseRedirect(_url(account_id, box_id))
        return self.rendered(
            request,
            "desk/mailboxes/pin.html",
            f"PIN of {named_box(box)}",
            [*crumbs_to(account), (named_box(box), _url(account_id, box_id)), ("PIN", None)],
            shown=shown,
            form=form,
            back=_url(account_id, box_id),
        )

    def remove(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Remove the mailbox with its messages, after asking."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        if request.method == "POST":
            removed = removal.remove_box(account, box_id, actor(request))
            self.record(request, "removed", account_id, removed, before=box, after=removed)
            messages.success(request, f"The mailbox {named_box(box)} was removed.")
            return HttpResponseRedirect(f"{reverse('admin:desk_mailbox_changelist')}?account={account_id}")
        number = sum(counts.per_folder(account_id, [box_id])[box_id].values())
        return self.rendered(
            request,
            "desk/kit/confirm.html",
            f"Remove {named_box(box)}?",
            [*crumbs_to(account), (named_box(box), _url(account_id, box_id)), ("Remove", None)],
            question=f"The mailbox vanishes for everybody, with its messages: {number}. It can be restored.",
            submit="Yes, remove it",
            dangerous=True,
            cancel_url=_url(account_id, box_id),
        )

    def told(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """What was done to the mailbox."""
        account = accounts.get(account_id)
        box, _ = mailbox_restore.known(account_id, box_id)
        crumbs = [*crumbs_to(account), (named_box(box), _url(account_id, box_id))]
        return self.history(request, box_id, named_box(box), crumbs)

    def _rendered_form(
        self, request: HttpRequest, form: forms.Form, title: str, crumbs: Iterable[Crumb], cancel_url: str = ""
    ) -> HttpResponse:
        return self.rendered(
            request,
            "desk/kit/form.html",
            title,
            crumbs,
            form=form,
            adminform=admin_form(form, mailbox_form.fieldsets(form)),
            cancel_url=cancel_url,
        )

    def record(self, request: HttpRequest, action: str, account_id: str, box: Document, **states: Any) -> None:
        """Record what was done to a mailbox."""
        audit.record(
            request, action, kind=KIND, account_id=account_id, document_id=box["_id"], name=named_box(box), **states
        )


class _PinForm(forms.Form):
    """A new PIN."""

    new = forms.CharField(
        label="New PIN",
        required=False,
        widget=widgets.AdminTextInputWidget,
    )


def _filled(patch: Mapping[str, Any]) -> Document:
    """What a form says of a new mailbox: there is nothing that an empty field could remove."""
    filled = {key: _filled(value) if isinstance(value, Mapping) else value for key, value in patch.items()}
    return {key: value for key, value in filled.items() if value not in (None, {}, [])}


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Settings as lines: the words of each path, and the value."""
    for key, inner in value.items():
        path = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{path}, ")
        elif isinstance(inner, list):
            yield path, ", ".join(str(one) for one in inner) or "—"
        else:
            yield path, {True: "yes", False: "no"}.get(inner, inner) if isinstance(inner, bool) else inner


def _all(account_id: str) -> list[Crumb]:
    return [("Mailboxes", f"{reverse('admin:desk_mailbox_changelist')}?account={account_id}")]


def _url(account_id: str, box_id: str) -> str:
    return reverse("admin:desk_mailbox_detail", args=[account_id, box_id])
