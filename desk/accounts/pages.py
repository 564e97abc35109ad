"""Accounts at the desk: found, looked at, changed, created, and their API keys."""

import builtins
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import accounts, creation, users
from accounts.auth import credentials
from couch.client import Document
from crossbar.errors import BadIdentifier, ValidationFailed
from crossbar.pages import PageRequest
from desk.accounts import form as account_form
from desk.accounts import table as account_listing
from desk.accounts.switch import AccountSwitch
from desk.accounts.table import names_of, page_of_accounts
from desk.audit import record as audit
from desk.health import account_state as health
from desk.health.pages import HealthPages
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.formats import date_text
from desk.kit.forms import admin_form, take_errors
from desk.kit.pages import Crumb, Route, actor
from desk.models import Account
from desk.users import choices as user_choices
from migration.models import MigrationRun
from storage import database_stats
from voicemail.legacy import remaining
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.messages import counts, retention

KIND = "account"
_PAGE = 50
_USERS_SHOWN = 10


class RetentionForm(forms.Form):
    """How long an account keeps its messages."""

    days = forms.IntegerField(
        required=False, min_value=1, max_value=36_500, help_text="Empty: as long as the system says."
    )


@admin.register(Account)
class AccountAdmin(HealthPages, AccountSwitch):
    """The pages of accounts."""

    def routes(self) -> Iterable[Route]:
        """List, creation, one account, its change, history, API key and retention."""
        return (
            Route("", "changelist", self.list, "view_account"),
            Route("add/", "add", self.add, "add_account"),
            *self.routes_of_health(),
            Route("<str:account_id>/", "detail", self.detail, "view_account"),
            Route("<str:account_id>/change/", "change", self.change, "change_account"),
            self.route_of_switch(),
            Route("<str:account_id>/history/", "history", self.told, "view_account"),
            Route("<str:account_id>/api-key/", "api_key", self.api_key, "see_api_key"),
            Route("<str:account_id>/renew-api-key/", "renew_api_key", self.renew_api_key, "renew_api_key"),
            Route("<str:account_id>/retention/", "retention", self.retention, "change_retention"),
        )

    # --- all ---

    def list(self, request: HttpRequest) -> HttpResponse:
        """Accounts by name; with a search, those whose name or realm begins so, or of that id; or those below one."""
        can_add = self.allows(request, "add_account")
        tools = [("Add account", reverse("admin:desk_account_add"))] if can_add else []
        if self.allows(request, "view_health"):
            tools.append(("Health", reverse("admin:desk_account_health")))
        title = "Accounts"
        crumbs: builtins.list[Crumb] = [("Accounts", None)]
        if below := request.GET.get("below"):
            above = accounts.get(below)
            title = f"Accounts below {above.get('name')}"
            crumbs = [*self._way_down_to(above), ("Below it", None)]
        table = account_listing.table(request)
        return self.rendered(request, "desk/kit/list.html", title, crumbs, table=table, tools=tools)

    def add(self, request: HttpRequest) -> HttpResponse:
        """A form for a new account."""
        form = account_form.made(request.POST or None, {"parent": request.GET.get("below")}, is_new=True)
        if request.method == "POST" and form.is_valid():
            filled = {key: value for key, value in form.cleaned_data.items() if value not in (None, "", [])}
            parent = filled.pop("parent", None)
            try:
                doc = creation.create(filled, parent_id=parent, actor=actor(request))
            except ValidationFailed as error:
                take_errors(form, error)
            except BadIdentifier:
                form.add_error("parent", "There is no such account.")
            else:
                self._record(request, "created", doc, after=doc)
                messages.success(request, f"The account “{doc['name']}” was created.")
                return HttpResponseRedirect(url_of(doc["_id"]))
        return self._form(request, form, "Add account", [*_ALL, ("Add", None)], reverse(_LIST))

    # --- one ---

    def detail(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Everything about an account that a call needs."""
        doc = accounts.get(account_id)
        of_databases = database_stats.of_account(account_id)
        boxes = mailbox_listing.page(account_id, PageRequest(size=10, descending=False))
        return self.rendered(
            request,
            "desk/accounts/detail.html",
            str(doc.get("name") or account_id),
            [*self._way_down_to(doc)[:-1], (str(doc.get("name")), None)],
            account=accounts.serialize(doc),
            created=date_text(doc.get("pvt_created")),
            parents=list(names_of(accounts.ancestor_ids(doc)).items()),
            children=_below(account_id),
            boxes=boxes.entries,
            has_more_boxes=boxes.next_start_key is not None,
            months=counts.per_month(account_id),
            old=remaining.count_entries(account_id),
            was_migrated=MigrationRun.objects.filter(account_id=account_id).exists(),
            databases=of_databases,
            storage=sum(one.on_disk for one in of_databases),
            lacks_views=any(one.lacking for one in of_databases),
            lacks_months=bool(health.missing_months(one.month for one in of_databases)),
            own_days=retention.own_days(account_id),
            days=retention.duration_days(account_id),
            chart=health.chart([account_id]),
            users=[users.serialize(one) for one in user_choices.some(account_id, _USERS_SHOWN)],
            can={name: self.allows(request, name) for name in _ABILITIES},
            can_see_record=self.allows(request, "view_auditentry"),
            can_add=self.allows(request, "add_account"),
            can_see_users=self.allows(request, "view_accountuser"),
            can_see_boxes=self.allows(request, "desk.view_mailbox"),
            retention_form=RetentionForm(initial={"days": retention.own_days(account_id)}),
        )

    def change(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """The account's form."""
        doc = accounts.get(account_id)
        name, url = str(doc.get("name")), url_of(account_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return accounts.merge(account_id, patch, actor(request), guard)

        edited = edit(request, doc, frozenset(), account_form.made, merge)
        if edited.changed is None:
            return self.rendered(
                request,
                "desk/kit/edit_form.html",
                f"Change {name}",
                [*_ALL, (name, url), ("Change", None)],
                adminform=admin_form(edited.form),
                cancel_url=url,
                **edited.context(),
            )
        if edited.has_changes:
            self._record(request, "changed", edited.changed, before=doc, after=edited.changed)
        messages.success(request, "The account was changed." if edited.has_changes else "Nothing was changed.")
        return HttpResponseRedirect(url)

    def told(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """What was done to the account."""
        doc = accounts.get(account_id)
        name = str(doc.get("name"))
        return self.history(request, account_id, name, [*_ALL, (name, url_of(account_id))])

    def api_key(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """The API key, once somebody asks for it; that it was seen is recorded."""
        doc = accounts.get(account_id)
        key = None
        if request.method == "POST":
            key = credentials.api_key(doc)
            self._record(request, "saw the API key of", doc)
        return self.rendered(
            request,
            "desk/accounts/api_key.html",
            f"API key of {doc.get('name')}",
            [*_ALL, (str(doc.get("name")), url_of(account_id)), ("API key", None)],
            key=key,
            back=url_of(account_id),
            renew_url=reverse("admin:desk_account_renew_api_key", args=[account_id])
            if self.allows(request, "renew_api_key")
            else None,
        )

    def renew_api_key(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """A new API key in place of the old one, after asking."""
        doc = accounts.get(account_id)
        if request.method == "POST":
            changed = accounts.renew_api_key(account_id, actor(request))
            self._record(request, "renewed the API key of", doc, before=doc, after=changed)
            messages.success(request, "The account has a new API key; the old one is no longer good.")
            return HttpResponseRedirect(url_of(account_id))
        return self.rendered(
            request,
            "desk/kit/confirm.html",
            f"Renew the API key of {doc.get('name')}?",
            [*_ALL, (str(doc.get("name")), url_of(account_id)), ("Renew API key", None)],
            question="Everything that uses the old key stops working until it gets the new one.",
            submit="Yes, renew it",
            cancel_url=url_of(account_id),
        )

    def retention(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Change how long the account keeps its messages."""
        doc = accounts.get(account_id)
        form = RetentionForm(request.POST)
        if request.method == "POST" and form.is_valid():
            before = retention.own_days(account_id)
            retention.set_own_days(account_id, form.cleaned_data["days"], actor(request))
            days = {"message_retention_duration": [before, form.cleaned_data["days"]]}
            audit.record(
                request,
                "changed the retention of",
                kind=KIND,
                account_id=account_id,
                document_id=account_id,
                name=str(doc.get("name")),
                details=days,
            )
            messages.success(request, f"Messages are kept for {retention.duration_days(account_id)} days.")
        elif request.method == "POST":
            messages.error(request, f"Retention: {' '.join(str(one) for one in form.errors.get('days', []))}")
        return HttpResponseRedirect(url_of(account_id))

    def _way_down_to(self, doc: Document) -> builtins.list[Crumb]:
        """The way to an account through those above it."""
        above = names_of(accounts.ancestor_ids(doc))
        name = str(doc.get("name") or doc["_id"])
        return [*_ALL, *((name, url_of(one)) for one, name in above.items()), (name, url_of(doc["_id"]))]

    def _form(
        self, request: HttpRequest, form: forms.Form, title: str, crumbs: Iterable[Crumb], cancel_url: str
    ) -> HttpResponse:
        return self.rendered(
            request, "desk/kit/form.html", title, crumbs, form=form, adminform=admin_form(form), cancel_url=cancel_url
        )

    def _record(self, request: HttpRequest, action: str, doc: Document, **states: Any) -> None:
        identifiers = {"account_id": doc["_id"], "document_id": doc["_id"], "name": str(doc.get("name") or "")}
        audit.record(request, action, kind=KIND, **identifiers, **states)


_LIST = "admin:desk_account_changelist"
_ABILITIES = ("change_account", "see_api_key", "renew_api_key", "change_retention")
_ALL: list[Crumb] = [("Accounts", "/admin/desk/account/")]


def url_of(account_id: str) -> str:
    """Where an account's page is."""
    return reverse("admin:desk_account_detail", args=[account_id])


def crumbs_to(account: Document) -> list[Crumb]:
    """The way to an account's page, for pages below it."""
    return [*_ALL, (str(account.get("name") or account["_id"]), url_of(account["_id"]))]


def _below(account_id: str) -> list[Document]:
    found, _ = page_of_accounts(None, account_id)
    return [accounts.serialize(doc) for doc in found]
