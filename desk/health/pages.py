"""The page of the system's health at the desk, and what mends an account's databases from there."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import accounts
from couch.client import Document
from desk.accounts.table import page_of_accounts
from desk.audit import record as audit
from desk.health import account_state as health
from desk.health.couchdb_state import of_couchdb
from desk.kit.pages import DocumentAdmin, Route
from desk.kit.tables import query_with
from storage import maintenance, modbs

_PAGE = 20  # each account costs some requests per database


class HealthPages(DocumentAdmin):
    """What the pages of accounts have about health."""

    def routes_of_health(self) -> Iterable[Route]:
        """The page, and two that only change something."""
        return (
            Route("health/", "health", self.health, "view_health"),
            Route("<str:account_id>/make-views/", "make_views", self.make_views, "change_account"),
            Route("<str:account_id>/make-months/", "make_months", self.make_months, "change_account"),
        )

    def health(self, request: HttpRequest) -> HttpResponse:
        """The state of CouchDB, and of the databases of a page of accounts."""
        title, crumbs = "Health", [("Accounts", reverse("admin:desk_account_changelist")), ("Health", None)]
        state = of_couchdb()
        if not state["up"]:
            return self.rendered(request, "desk/health/overview.html", title, crumbs, couchdb=state)
        found, start_key = page_of_accounts(request.GET.get("start_key"), "", _PAGE)
        states = health.of_accounts(found)
        return self.rendered(
            request,
            "desk/health/overview.html",
            title,
            crumbs,
            couchdb=state,
            states=states,
            largest=sorted(states, key=lambda one: -one.on_disk),
            most_on_disk=max((one.on_disk for one in states), default=0) or 1,
            chart=health.chart([doc["_id"] for doc in found]),
            can_mend=self.allows(request, "change_account"),
            next_query=None if start_key is None else query_with(request, start_key=start_key),
            is_first="start_key" not in request.GET,
        )

    def make_views(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Add what the account's databases lack of design documents, as `manage.py sync_views --account` does."""
        account = accounts.get(account_id)
        if request.method != "POST":
            question = "Design documents that lack views get them; nothing else of anybody's is changed."
            return self._asked(request, account, "Make the missing views", question)
        made = maintenance.sync_account(account_id)
        if made:
            self._record_mending(request, "made views of", account, made)
            count = len(made)
            messages.success(request, f"Views were made in {count} database{'' if count == 1 else 's'}.")
        else:
            messages.info(request, "No database of this account lacked a view.")
        return HttpResponseRedirect(_back(request, account_id))

    def make_months(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Create the account's databases of this and next month, as `manage.py ensure_modbs` does for all."""
        account = accounts.get(account_id)
        if request.method != "POST":
            question = "The account's databases of this month and the next are created, where they are missing."
            return self._asked(request, account, "Make next month's database", question)
        before = set(maintenance.of_account(account_id))
        made = [one.name for one in modbs.ensure_ahead(account_id) if one.name not in before]
        if made:
            self._record_mending(request, "made MODbs of", account, {name: ["create database"] for name in made})
            messages.success(request, f"Made: {', '.join(name[-6:] for name in made)}.")
        else:
            messages.info(request, "Both databases were there.")
        return HttpResponseRedirect(_back(request, account_id))

    def _asked(self, request: HttpRequest, account: Document, title: str, question: str) -> HttpResponse:
        name, url = str(account.get("name")), reverse("admin:desk_account_detail", args=[account["_id"]])
        return self.rendered(
            request,
            "desk/kit/confirm.html",
            f"{title} of {name}?",
            [("Accounts", reverse("admin:desk_account_changelist")), (name, url), (title, None)],
            question=question,
            submit="Yes, make them",
            cancel_url=url,
        )

    def _record_mending(self, request: HttpRequest, action: str, account: Document, made: dict[str, Any]) -> None:
        identifiers = {"account_id": account["_id"], "document_id": account["_id"]}
        details = {name: "; ".join(lines) for name, lines in made.items()}
        audit.record(
            request, action, kind="account", name=str(account.get("name") or ""), **identifiers, details=details
        )


def _back(request: HttpRequest, account_id: str) -> str:
    """The page of the desk that the button was on; else the account's."""
    page = request.POST.get("next", "")
    if page.startswith("/admin/") and url_has_allowed_host_and_scheme(page, allowed_hosts=None):
        return page
    return reverse("admin:desk_account_detail", args=[account_id])
