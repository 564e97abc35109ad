"""Messages at the desk."""

from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import directory
from accounts.admin.listings import Table
from accounts.admin.pages import DocumentAdmin, Route
from voicemail.admin.accounts import crumbs_to
from voicemail.models import Message


@admin.register(Message)
class MessageAdmin(DocumentAdmin):
    """The pages of messages: of one account, or of one of its mailboxes, named in the query."""

    def routes(self) -> Iterable[Route]:
        """List."""
        return (Route("", "changelist", self.list, "view_message"),)

    def list(self, request: HttpRequest) -> HttpResponse:
        """The messages, the latest first."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return HttpResponseRedirect(reverse("admin:accounts_account_changelist"))
        crumbs = [*crumbs_to(directory.account(account_id)), ("Messages", None)]
        table = Table(columns=("Time",), rows=(), caption="Messages")
        return self.rendered(request, "desk/list.html", "Messages", crumbs, table=table)
