"""The health page, and the pages that repair an account's databases."""

from collections.abc import Iterable, Mapping, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import accounts, listing
from couch.database import Document
from desk.accounts.links import account_crumbs, account_list_crumbs, account_subject, account_title, account_url
from desk.audit import log
from desk.health.account_state import account_states, message_chart
from desk.health.couchdb_state import couchdb_state
from desk.health.events_state import events_state
from desk.kit.live import LiveList, allow_live, live_system
from desk.kit.pages import DocumentAdmin, Route, next_url
from desk.kit.tables import Paging, page_request
from desk.scope import Scope, scope_of
from overview import collecting
from storage import maintenance, modbs

_PAGE_SIZE = 20  # each account costs several requests per database


class HealthPages(DocumentAdmin):
    """The pages about the health of accounts' databases."""

    def health_routes(self) -> Iterable[Route]:
        """The health page, and the two that repair something."""
        yield Route("health/", "health", self.show_health, "view_health")
        yield Route("<str:account_id>/create-views/", "create_views", self.create_views, "change_account")
        yield Route("<str:account_id>/create-months/", "create_months", self.create_months, "change_account")

    def show_health(self, request: HttpRequest) -> HttpResponseBase:
        """Show the state of CouchDB, and of the databases of a page of accounts, and refresh it when that changes.

        Operators who don't see everything are shown their accounts, and nothing of the system.
        """
        scope = scope_of(request.user)
        live = live_system(request) if scope.is_everything else None
        return allow_live(lambda: self._render_health(request, scope, live), request, live)

    def _render_health(self, request: HttpRequest, scope: Scope, live: LiveList | None) -> HttpResponse:
        title, template, crumbs = (
            _("Health"),
            "desk/health/overview.html",
            [*account_list_crumbs(), (_("Health"), None)],
        )
        couchdb, events = (couchdb_state(), events_state()) if scope.is_everything else (None, None)
        if couchdb is not None and not couchdb.is_up:
            return self.render(request, template, title, crumbs, couchdb=couchdb, events=events, live=live)
        page = listing.list_accounts(page_request(request, _PAGE_SIZE), among=scope.account_names())
        states = account_states(page.entries)
        by_size = sorted(states, key=lambda state: -state.on_disk)
        return self.render(
            request,
            template,
            title,
            crumbs,
            couchdb=couchdb,
            events=events,
            live=live,
            shows_accounts=True,
            states=states,
            by_size=by_size,
            largest_size=(by_size[0].on_disk if by_size else 0) or 1,
            chart=message_chart([doc["_id"] for doc in page.entries]),
            can_repair=self.has_permission(request, "change_account"),
            paging=Paging.of(request, page.next_start_key),
        )

    def create_views(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Create the missing views of the account's databases, as ``manage.py sync_views --account`` does."""
        account = accounts.get(account_id)
        if request.method != "POST":
            question = _("The missing views are added to the account's design documents. Nothing else is changed.")
            return self._render_question(request, account, _("Create the missing views"), question)
        changes = maintenance.sync_account(account_id)
        if changes:
            _record_repair(request, "created views of", account, changes)
            text = ngettext(
                "Created views in %(count)s database.", "Created views in %(count)s databases.", len(changes)
            )
            messages.success(request, text % {"count": len(changes)})
        else:
            messages.info(request, _("No database of this account lacks a view."))
        collecting.collect_account(account)
        return HttpResponseRedirect(next_url(request, account_url(account_id)))

    def create_months(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Create the account's MODbs of this month and the next one, as ``manage.py ensure_modbs`` does for all."""
        account = accounts.get(account_id)
        if request.method != "POST":
            question = _("The account's databases of this month and the next one are created if they are missing.")
            return self._render_question(request, account, _("Create next month's database"), question)
        names_before = set(maintenance.list_account_databases(account_id))
        created = [modb.name for modb in modbs.ensure_ahead(account_id) if modb.name not in names_before]
        if created:
            _record_repair(request, "created MODbs of", account, {name: ["create database"] for name in created})
            messages.success(request, _("Created: %(value)s.") % {"value": ", ".join(name[-6:] for name in created)})
        else:
            messages.info(request, _("Both databases exist already."))
        collecting.collect_account(account)
        return HttpResponseRedirect(next_url(request, account_url(account_id)))

    def _render_question(
        self, request: HttpRequest, account: Document, title: str, question: str
    ) -> TemplateResponse:
        return self.render_confirmation(
            request,
            _("%(title)s of %(account)s?") % {"title": title, "account": account_title(account)},
            [*account_crumbs(account), (title, None)],
            question=question,
            submit=_("Yes, create them"),
            cancel_url=account_url(account["_id"]),
        )


def _record_repair(
    request: HttpRequest, action: str, account: Document, changes: Mapping[str, Sequence[str]]
) -> None:
    details = {name: "; ".join(lines) for name, lines in changes.items()}
    log.record(request, action, account_subject(account), details=details)
