"""The pages of accounts: list, creation, one account, its change and its history."""

from collections.abc import Iterable

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import account_index, accounts, creation, listing, users
from couch.database import Document
from crossbar.errors import BadIdentifier, ValidationFailed
from crossbar.pages import PageRequest
from desk.accounts.api_key import ApiKeyPages
from desk.accounts.choice_field import account_suggestions
from desk.accounts.form import change_form, creation_form
from desk.accounts.links import (
    account_crumbs,
    account_list_crumbs,
    account_list_url,
    account_subject,
    account_title,
    account_url,
)
from desk.accounts.retention import RetentionForm, RetentionPages
from desk.accounts.switch import SwitchPages
from desk.accounts.table import account_table
from desk.accounts.taken_realm import explain_realm
from desk.audit import log
from desk.audit.pages import render_history
from desk.health.account_state import message_chart
from desk.health.pages import HealthPages
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.formats import format_date
from desk.kit.forms import add_errors, members_from
from desk.kit.pages import Crumb, Route, actor
from desk.models import Account
from desk.overview.pages import OverviewPages
from desk.scope import Scope, scope_of
from migration.models import MigrationRun
from storage import database_stats, modbs
from voicemail.legacy import remaining
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.messages import counts, retention

_USERS_SHOWN = 10
_CHILDREN_SHOWN = 10
_MAILBOXES_SHOWN = 10


@admin.register(Account)
class AccountAdmin(OverviewPages, HealthPages, SwitchPages, ApiKeyPages, RetentionPages):
    """The pages of accounts."""

    def routes(self) -> Iterable[Route]:
        """All pages; fixed paths come before those with an account's id."""
        return (
            Route("", "changelist", self.list_accounts, "view_account"),
            Route("add/", "add", self.add_account, "add_account"),
            Route("suggestions/", "suggestions", self.suggest_accounts, "view_account"),
            *self.health_routes(),
            *self.overview_routes(),
            Route("<str:account_id>/", "detail", self.show_account, "view_account"),
            Route("<str:account_id>/change/", "change", self.change_account, "change_account"),
            Route("<str:account_id>/history/", "history", self.show_history, "view_account"),
            *self.switch_routes(),
            *self.api_key_routes(),
            *self.retention_routes(),
        )

    def list_accounts(self, request: HttpRequest) -> HttpResponseBase:
        """List all accounts, the children of one, or those that a search finds."""
        title = _("Accounts")
        crumbs: list[Crumb] = [(_("Accounts"), None)]
        if parent_id := request.GET.get("below"):
            parent = accounts.get(parent_id)
            title = _("Accounts below %(account)s") % {"account": account_title(parent)}
            crumbs = [*_crumbs_along_tree(parent, scope_of(request.user)), (_("Children"), None)]
        tools = self.tools(
            request,
            ("add_account", _("Add account"), reverse("admin:desk_account_add")),
            ("view_health", _("Health"), reverse("admin:desk_account_health")),
        )
        return self.render_list(request, "accounts", title, crumbs, account_table, tools=tools)

    def add_account(self, request: HttpRequest) -> HttpResponse:
        """Show the form of a new account, or create it."""
        form = creation_form(request.POST or None, request.GET.get("below", ""), scope_of(request.user))
        if request.method == "POST" and form.is_valid():
            members = members_from(form)
            members.pop("parent", None)
            parent_id = form.cleaned_data["parent"] or None
            try:
                account = creation.create(members, parent_id=parent_id, actor=actor(request))
            except ValidationFailed as error:
                add_errors(form, error, explain_realm(request))
            except BadIdentifier:
                form.add_error("parent", _("There is no such account."))
            else:
                log.record(request, "created", account_subject(account), after=account)
                messages.success(request, _("The account “%(name)s” was created.") % {"name": account["name"]})
                return HttpResponseRedirect(account_url(account["_id"]))
        crumbs = [*account_list_crumbs(), (_("Add"), None)]
        return self.render_form(request, form, _("Add account"), crumbs, cancel_url=account_list_url())

    def suggest_accounts(self, request: HttpRequest) -> JsonResponse:
        """Suggest accounts for a field that names one."""
        return account_suggestions(request)

    def show_account(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show everything about an account that is needed during a customer's call."""
        form = RetentionForm(initial={"days": retention.account_days(account_id)})
        return self.render_account(request, account_id, form)

    def render_account(self, request: HttpRequest, account_id: str, retention_form: RetentionForm) -> HttpResponse:
        """Render the account's page; the form of the retention may hold what the operator submitted."""
        account, scope = accounts.get(account_id), scope_of(request.user)
        databases = database_stats.list_account_stats(account_id)
        boxes = mailbox_listing.list_boxes(account_id, _first_page(_MAILBOXES_SHOWN))
        children = listing.list_accounts(_first_page(_CHILDREN_SHOWN), parent_id=account_id)
        first_users = listing.list_users(account_id, _first_page(_USERS_SHOWN))
        return self.render(
            request,
            "desk/accounts/detail.html",
            account_title(account),
            [*_crumbs_along_tree(account, scope)[:-1], (account_title(account), None)],
            account=accounts.serialize(account, secrets=False),
            created=format_date(account.get("pvt_created")),
            ancestors=list(account_index.fetch_names(scope.visible_ancestor_ids(account)).items()),
            children=[(child["_id"], account_title(child)) for child in children.entries],
            boxes=boxes.entries,
            has_more_boxes=boxes.next_start_key is not None,
            months=counts.per_month(account_id),
            old_messages=remaining.count_entries(account_id),
            was_migrated=MigrationRun.objects.filter(account_id=account_id).exists(),
            databases=databases,
            storage=sum(database.bytes_on_disk for database in databases),
            lacks_views=any(database.incomplete_designs for database in databases),
            lacks_months=bool(modbs.missing_months(database.month for database in databases)),
            own_days=retention.account_days(account_id),
            days=retention.duration_days(account_id),
            chart=message_chart([account_id]),
            users=[users.serialize(user, secrets=False) for user in first_users.entries],
            retention_form=retention_form,
            can=self.permissions(
                request,
                "add_account",
                "add_accountuser",
                "add_mailbox",
                "change_account",
                "change_retention",
                "renew_api_key",
                "see_api_key",
                "view_accountuser",
                "view_auditentry",
                "view_mailbox",
            ),
        )

    def change_account(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show the account's form, or change the account."""
        account = accounts.get(account_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return accounts.merge(account_id, patch, actor(request), guard)

        result = edit(request, account, frozenset(), change_form, merge, lambda form: explain_realm(request))
        if result.saved is None:
            return self.render_edit(
                request,
                result,
                _("Change %(account)s") % {"account": account_title(account)},
                [*account_crumbs(account), (_("Change"), None)],
                cancel_url=account_url(account_id),
            )
        if result.has_changes:
            log.record(request, "changed", account_subject(result.saved), before=account, after=result.saved)
        messages.success(request, _("The account was changed.") if result.has_changes else _("Nothing was changed."))
        return HttpResponseRedirect(account_url(account_id))

    def show_history(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show what was done to the account."""
        account = accounts.get(account_id)
        return render_history(self, request, [account_id], account_title(account), account_crumbs(account))


def _first_page(size: int) -> PageRequest:
    return PageRequest(size=size, descending=False)


def _crumbs_along_tree(account: Document, scope: Scope) -> list[Crumb]:
    """The breadcrumbs of an account's page, with those of its ancestors that the operator may see before it."""
    ancestors = account_index.fetch_names(scope.visible_ancestor_ids(account))
    return [
        *account_list_crumbs(),
        *((name, account_url(ancestor_id)) for ancestor_id, name in ancestors.items()),
        (account_title(account), account_url(account["_id"])),
    ]
