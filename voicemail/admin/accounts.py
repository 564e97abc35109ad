"""Accounts at the desk: found, looked at, changed, created, and their API keys."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import widgets
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import changes, creation, credentials, databases, directory, figures, gregorian, listing, users
from accounts.admin import audit
from accounts.admin.forms import admin_form, take_errors
from accounts.admin.listings import Cell, Row, Table, query_with
from accounts.admin.pages import Crumb, Route, actor
from accounts.couch import Document
from accounts.couch import Row as CouchRow
from accounts.models import Account
from crossbar.errors import BadIdentifier, ValidationFailed
from crossbar.filters import Filter
from crossbar.pages import PageRequest
from voicemail import counts, mailbox_listing, retention
from voicemail.admin import health
from voicemail.admin.account_listing import page_of_accounts
from voicemail.admin.health_pages import HealthPages
from voicemail.legacy import left
from voicemail.models import MigrationRun

KIND = "account"
_PAGE = 50
_USERS_SHOWN = 10


class AccountForm(forms.Form):
    """What an account is called and where it is."""

    name = forms.CharField(widget=widgets.AdminTextInputWidget, max_length=128)
    realm = forms.CharField(
        widget=widgets.AdminTextInputWidget, max_length=253, required=False, help_text="Left empty, one is made up."
    )
    timezone = forms.CharField(
        widget=widgets.AdminTextInputWidget, required=False, help_text="Such as America/Los_Angeles."
    )
    language = forms.CharField(widget=widgets.AdminTextInputWidget, required=False, help_text="Such as en-us.")


class NewAccountForm(AccountForm):
    """A new account, below another one if there is to be one above it."""

    parent = forms.CharField(
        widget=widgets.AdminTextInputWidget, required=False, help_text="The id of the account above; empty for none."
    )


class RetentionForm(forms.Form):
    """How long an account keeps its messages."""

    days = forms.IntegerField(
        required=False, min_value=1, max_value=36_500, help_text="Empty: as long as the system says."
    )


@admin.register(Account)
class AccountAdmin(HealthPages):
    """The pages of accounts."""

    def routes(self) -> Iterable[Route]:
        """List, creation, one account, its change, history, API key and retention."""
        return (
            Route("", "changelist", self.list, "view_account"),
            Route("add/", "add", self.add, "add_account"),
            *self.routes_of_health(),
            Route("<str:account_id>/", "detail", self.detail, "view_account"),
            Route("<str:account_id>/change/", "change", self.change, "change_account"),
            Route("<str:account_id>/history/", "history", self.told, "view_account"),
            Route("<str:account_id>/api-key/", "api_key", self.api_key, "see_api_key"),
            Route("<str:account_id>/renew-api-key/", "renew_api_key", self.renew_api_key, "renew_api_key"),
            Route("<str:account_id>/retention/", "retention", self.retention, "change_retention"),
        )

    # --- all ---

    def list(self, request: HttpRequest) -> HttpResponse:
        """Accounts by name; with a search, those whose name or realm begins so, or of that id."""
        text = request.GET.get("q", "").strip()
        parent = request.GET.get("below", "")
        next_query = None
        if text:
            found = directory.search(text)
        else:
            found, start_key = page_of_accounts(request.GET.get("start_key"), parent)
            next_query = None if start_key is None else query_with(request, start_key=start_key)
        table = Table(
            columns=("Name", "Realm", "Above it", "Enabled", "Created", "Id"),
            rows=[_row(doc) for doc in found],
            caption="Accounts",
            search=text,
            search_help="The beginning of a name or realm, or an account id.",
            next_query=next_query,
            is_first="start_key" not in request.GET,
            first_query=query_with(request),
            empty="No account is called so." if text else "There are no accounts yet.",
        )
        can_add = self.allows(request, "add_account")
        tools = [("Add account", reverse("admin:accounts_account_add"))] if can_add else []
        if self.allows(request, "view_health"):
            tools.append(("Health", reverse("admin:accounts_account_health")))
        return self.rendered(request, "desk/list.html", "Accounts", [("Accounts", None)], table=table, tools=tools)

    def add(self, request: HttpRequest) -> HttpResponse:
        """A form for a new account."""
        form = NewAccountForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            sent = {key: value for key, value in form.cleaned_data.items() if value and key != "parent"}
            try:
                doc = creation.create(sent, parent_id=form.cleaned_data["parent"] or None, actor=actor(request))
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
        doc = directory.account(account_id)
        of_databases = figures.of_account(account_id)
        boxes = mailbox_listing.page(account_id, PageRequest(size=10, descending=False))
        return self.rendered(
            request,
            "desk/account.html",
            str(doc.get("name") or account_id),
            [*_ALL, (str(doc.get("name")), None)],
            account=directory.shown(doc),
            created=_date(doc.get("pvt_created")),
            parents=[(one, _name(one)) for one in directory.tree(doc)],
            children=_below(account_id),
            boxes=boxes.entries,
            has_more_boxes=boxes.next_start_key is not None,
            months=counts.by_month(account_id),
            old=left.of_account(account_id),
            was_migrated=MigrationRun.objects.filter(account_id=account_id).exists(),
            databases=of_databases,
            storage=sum(one.on_disk for one in of_databases),
            lacks_views=any(one.lacking for one in of_databases),
            lacks_months=bool(health.missing_months(one.month for one in of_databases)),
            own_days=retention.own_days(account_id),
            days=retention.duration_days(account_id),
            chart=health.chart([account_id]),
            users=_users(account_id),
            can={name: self.allows(request, name) for name in _ABILITIES},
            can_see_users=self.allows(request, "view_accountuser"),
            can_see_boxes=self.allows(request, "voicemail.view_mailbox"),
            retention_form=RetentionForm(initial={"days": retention.own_days(account_id)}),
        )

    def change(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """The account's form."""
        doc = directory.account(account_id)
        initial = {name: doc.get(name) for name in AccountForm.base_fields}
        form = AccountForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            sent = {key: value or None for key, value in form.cleaned_data.items()}
            try:
                changed = changes.merge(account_id, sent, actor(request))
            except ValidationFailed as error:
                take_errors(form, error)
            else:
                self._record(request, "changed", changed, before=doc, after=changed)
                messages.success(request, "The account was changed.")
                return HttpResponseRedirect(url_of(account_id))
        crumbs = [*_ALL, (str(doc.get("name")), url_of(account_id)), ("Change", None)]
        return self._form(request, form, f"Change {doc.get('name')}", crumbs, url_of(account_id))

    def told(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """What was done to the account."""
        doc = directory.account(account_id)
        name = str(doc.get("name"))
        return self.history(request, account_id, name, [*_ALL, (name, url_of(account_id))])

    def api_key(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """The API key, once somebody asks for it; that it was seen is recorded."""
        doc = directory.account(account_id)
        key = None
        if request.method == "POST":
            key = credentials.api_key_of(doc)
            self._record(request, "saw the API key of", doc)
        return self.rendered(
            request,
            "desk/api_key.html",
            f"API key of {doc.get('name')}",
            [*_ALL, (str(doc.get("name")), url_of(account_id)), ("API key", None)],
            key=key,
            back=url_of(account_id),
            renew_url=reverse("admin:accounts_account_renew_api_key", args=[account_id])
            if self.allows(request, "renew_api_key")
            else None,
        )

    def renew_api_key(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """A new API key in place of the old one, after asking."""
        doc = directory.account(account_id)
        if request.method == "POST":
            changed = changes.renew_api_key(account_id, actor(request))
            self._record(request, "renewed the API key of", doc, before=doc, after=changed)
            messages.success(request, "The account has a new API key; the old one is no longer good.")
            return HttpResponseRedirect(url_of(account_id))
        return self.rendered(
            request,
            "desk/confirm.html",
            f"Renew the API key of {doc.get('name')}?",
            [*_ALL, (str(doc.get("name")), url_of(account_id)), ("Renew API key", None)],
            question="Everything that uses the old key stops working until it gets the new one.",
            submit="Yes, renew it",
            cancel_url=url_of(account_id),
        )

    def retention(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Change how long the account keeps its messages."""
        doc = directory.account(account_id)
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

    def _form(
        self, request: HttpRequest, form: forms.Form, title: str, crumbs: Iterable[Crumb], cancel_url: str
    ) -> HttpResponse:
        return self.rendered(
            request, "desk/form.html", title, crumbs, form=form, adminform=admin_form(form), cancel_url=cancel_url
        )

    def _record(self, request: HttpRequest, action: str, doc: Document, **states: Any) -> None:
        identifiers = {"account_id": doc["_id"], "document_id": doc["_id"], "name": str(doc.get("name") or "")}
        audit.record(request, action, kind=KIND, **identifiers, **states)


_LIST = "admin:accounts_account_changelist"
_ABILITIES = ("change_account", "see_api_key", "renew_api_key", "change_retention")
_ALL: list[Crumb] = [("Accounts", "/admin/accounts/account/")]


def url_of(account_id: str) -> str:
    """Where an account's page is."""
    return reverse("admin:accounts_account_detail", args=[account_id])


def crumbs_to(account: Document) -> list[Crumb]:
    """The way to an account's page, for pages below it."""
    return [*_ALL, (str(account.get("name") or account["_id"]), url_of(account["_id"]))]


def _below(account_id: str) -> list[Document]:
    found, _ = page_of_accounts(None, account_id)
    return [directory.shown(doc) for doc in found]


def _row(doc: Document) -> Row:
    account_id = doc["_id"]
    above = directory.tree(doc)
    cells = (
        Cell(doc.get("name") or account_id, url_of(account_id)),
        Cell(doc.get("realm") or ""),
        Cell(_name(above[-1]), url_of(above[-1])) if above else Cell("—"),
        Cell("Yes" if directory.is_enabled(doc) else "No"),
        Cell(_date(doc.get("pvt_created"))),
        Cell(account_id, style="quiet"),
    )
    return Row(cells, account_id)


def _name(account_id: str) -> str:
    """An account's name, for a link; its id where it is gone."""
    found = directory.accounts_database().get(account_id) if databases.is_account_id(account_id) else None
    return str((found or {}).get("name") or account_id)


def _users(account_id: str) -> list[Document]:
    wanted = PageRequest(size=_USERS_SHOWN, descending=False)
    page = listing.page(
        directory.database_of(account_id), (users.DESIGN, users.VIEW), wanted, Filter(), lambda doc: doc
    )
    rows: list[CouchRow] = page.rows
    return [users.shown(row["doc"]) for row in rows]


def _date(seconds: object) -> str:
    found = retention.as_number(seconds)
    try:
        return "" if found is None else f"{gregorian.to_datetime(found):%Y-%m-%d}"
    except ValueError:
        return ""
