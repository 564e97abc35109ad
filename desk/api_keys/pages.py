"""The pages of an account's API keys with scopes: list, creation, one key, its change, and its end."""

from collections.abc import Iterable
from functools import partial

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import accounts, users
from accounts.api_keys import last_use, store
from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.accounts.links import account_crumbs, redirect_to_accounts
from desk.api_keys.form import SECRETS, describe_scopes, key_form
from desk.api_keys.links import key_crumbs, key_list_crumbs, key_list_url, key_subject, key_title, key_url
from desk.api_keys.table import key_table, owner_title
from desk.audit import log
from desk.audit.pages import render_history
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.formats import format_time
from desk.kit.forms import add_errors, members_from
from desk.kit.pages import DocumentAdmin, Route, actor
from desk.models import ApiKey
from desk.users.links import user_url

_KEY_PATH = "<str:account_id>/<str:key_id>/"


@admin.register(ApiKey)
class ApiKeyAdmin(DocumentAdmin):
    """The pages of API keys. The list is of one account, which the query names."""

    def routes(self) -> Iterable[Route]:
        """All pages; fixed paths come before those with a key's id."""
        return (
            Route("", "changelist", self.list_keys, "view_apikey"),
            Route("<str:account_id>/add/", "add_to", self.add_key, "add_apikey"),
            Route(_KEY_PATH, "detail", self.show_key, "view_apikey"),
            Route(f"{_KEY_PATH}change/", "change", self.change_key, "change_apikey"),
            Route(f"{_KEY_PATH}delete/", "delete", self.revoke_key, "delete_apikey"),
            Route(f"{_KEY_PATH}history/", "history", self.show_history, "view_apikey"),
        )

    def list_keys(self, request: HttpRequest) -> HttpResponseBase:
        """List the keys of an account and its users by name."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return redirect_to_accounts(request, _("Choose an account first, then its API keys."))
        account = accounts.get(account_id)
        return self.render_list(
            request,
            "api-keys",
            _("API keys"),
            [*account_crumbs(account), (_("API keys"), None)],
            partial(key_table, account_id=account_id),
            account_id=account_id,
            tools=self.tools(
                request, ("add_apikey", _("Add API key"), reverse("admin:desk_apikey_add_to", args=[account_id]))
            ),
        )

    def add_key(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show the form of a new key of the account, or of the query's user; or create it, and show its text once."""
        account = accounts.get(account_id)
        owner_id = request.GET.get("user") or None
        owner = None if owner_id is None else users.get(account_id, owner_id)
        form = key_form(request.POST if request.method == "POST" else None, {}, {})
        if request.method == "POST" and form.is_valid():
            try:
                key, text = store.create(account_id, owner_id, members_from(form), actor(request))
            except ValidationFailed as error:
                add_errors(form, error)
            else:
                log.record(request, "created", key_subject(key), after=key)
                return self._show_text(request, account, key, text)
        title = _("Add API key")
        if owner is not None:
            title = _("Add API key of %(user)s") % {"user": owner_title(request, account_id, owner_id)}
        crumbs = [*key_list_crumbs(account), (_("Add API key"), None)]
        return self.render_form(request, form, title, crumbs, cancel_url=key_list_url(account_id))

    def _show_text(self, request: HttpRequest, account: Document, key: Document, text: str) -> HttpResponse:
        response = self.render(
            request,
            "desk/api_keys/created.html",
            _("The API key “%(key)s” was created") % {"key": key_title(key)},
            [*key_list_crumbs(account), (key_title(key), None)],
            text=text,
            header="X-Auth-Token",
            key_url=key_url(key),
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def show_key(self, request: HttpRequest, account_id: str, key_id: str) -> HttpResponse:
        """Show what is known of a key: everything but its text."""
        account, key = accounts.get(account_id), store.get(account_id, key_id)
        use, owner_id = last_use.find_uses([key_id]).get(key_id), store.owner_id_of(key)
        return self.render(
            request,
            "desk/api_keys/detail.html",
            key_title(key),
            [*key_list_crumbs(account), (key_title(key), None)],
            account_id=account_id,
            key_id=key_id,
            owner=owner_title(request, account_id, owner_id),
            owner_url=user_url(account_id, owner_id) if owner_id and users.find(account_id, owner_id) else None,
            scopes=describe_scopes(key),
            expires=format_time(key.get("expires")),
            networks=store.list_member(key, "networks"),
            created=format_time(key.get("pvt_created")),
            last_used=None if use is None else format_time(use.time),
            address="" if use is None else use.address,
            can=self.permissions(request, "change_apikey", "delete_apikey"),
        )

    def change_key(self, request: HttpRequest, account_id: str, key_id: str) -> HttpResponse:
        """Show the key's form, or change the key."""
        account, key = accounts.get(account_id), store.get(account_id, key_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return store.merge_key(account_id, key_id, patch, actor(request), guard)

        result = edit(request, key, SECRETS, key_form, merge)
        if result.saved is None:
            title = _("Change %(key)s") % {"key": key_title(key)}
            crumbs = [*key_crumbs(account, key), (_("Change"), None)]
            return self.render_edit(request, result, title, crumbs, cancel_url=key_url(key))
        if result.has_changes:
            log.record(request, "changed", key_subject(result.saved), before=key, after=result.saved)
        messages.success(request, _("The API key was changed.") if result.has_changes else _("Nothing was changed."))
        return HttpResponseRedirect(key_url(key))

    def revoke_key(self, request: HttpRequest, account_id: str, key_id: str) -> HttpResponse:
        """Ask, then revoke the key."""
        account, key = accounts.get(account_id), store.get(account_id, key_id)
        if request.method == "POST":
            revoked = store.revoke_key(account_id, key_id, actor(request))
            log.record(request, "revoked", key_subject(key), before=key, after=revoked)
            messages.success(request, _("The API key “%(key)s” was revoked.") % {"key": key_title(key)})
            return HttpResponseRedirect(key_list_url(account_id))
        use = last_use.find_uses([key_id]).get(key_id)
        used = (
            _("Nobody has used it yet.")
            if use is None
            else _("It was last used at %(time)s from %(address)s.")
            % {"time": format_time(use.time), "address": use.address}
        )
        return self.render_confirmation(
            request,
            _("Revoke %(key)s?") % {"key": key_title(key)},
            [*key_crumbs(account, key), (_("Revoke"), None)],
            question=_("What uses this key stops working within seconds. A revoked key can't be restored.")
            + f" {used}",
            submit=_("Yes, revoke it"),
            cancel_url=key_url(key),
            is_dangerous=True,
        )

    def show_history(self, request: HttpRequest, account_id: str, key_id: str) -> HttpResponse:
        """Show what was done to the key."""
        account, key = accounts.get(account_id), store.get(account_id, key_id)
        return render_history(self, request, [key["_id"]], key_title(key), key_crumbs(account, key))
