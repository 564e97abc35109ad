"""The pages that show and renew an account's API key."""

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import accounts
from accounts.auth import credentials
from desk.accounts.links import account_crumbs, account_subject, account_title, account_url
from desk.audit import log
from desk.kit.pages import DocumentAdmin, Route, actor


class ApiKeyPages(DocumentAdmin):
    """The pages of an account's API key."""

    def api_key_routes(self) -> Iterable[Route]:
        """The two pages."""
        yield Route("<str:account_id>/api-key/", "api_key", self.show_api_key, "see_api_key")
        yield Route("<str:account_id>/renew-api-key/", "renew_api_key", self.renew_api_key, "renew_api_key")

    def show_api_key(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show the API key when the operator asks for it, and record that."""
        account = accounts.get(account_id)
        key = None
        if request.method == "POST":
            key = credentials.api_key(account)
            log.record(request, "saw the API key of", account_subject(account))
        renew_url = reverse("admin:desk_account_renew_api_key", args=[account_id])
        return self.render(
            request,
            "desk/accounts/api_key.html",
            _("API key of %(account)s") % {"account": account_title(account)},
            [*account_crumbs(account), (_("API key"), None)],
            key=key,
            account_url=account_url(account_id),
            renew_url=renew_url if self.has_permission(request, "renew_api_key") else None,
        )

    def renew_api_key(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Ask, then replace the API key."""
        account = accounts.get(account_id)
        if request.method == "POST":
            changed = accounts.renew_api_key(account_id, actor(request))
            subject = account_subject(account)
            log.record(request, "renewed the API key of", subject, before=account, after=changed)
            messages.success(request, _("The account has a new API key. The old one is no longer valid."))
            return HttpResponseRedirect(account_url(account_id))
        return self.render_confirmation(
            request,
            _("Renew the API key of %(account)s?") % {"account": account_title(account)},
            [*account_crumbs(account), (_("Renew API key"), None)],
            question=_("Everything that uses the old key stops working until it gets the new one."),
            submit=_("Yes, renew it"),
            cancel_url=account_url(account_id),
        )
