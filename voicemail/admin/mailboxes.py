"""Mailboxes at the desk."""

from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import directory
from accounts.admin.listings import Cell, Row, Table, query_with
from accounts.admin.pages import DocumentAdmin, Route
from crossbar.pages import PageRequest
from voicemail import mailbox_listing, mailboxes
from voicemail.admin.accounts import crumbs_to
from voicemail.models import Mailbox

_PAGE = 50


@admin.register(Mailbox)
class MailboxAdmin(DocumentAdmin):
    """The pages of mailboxes: of one account, named in the query."""

    def routes(self) -> Iterable[Route]:
        """List and one mailbox."""
        return (
            Route("", "changelist", self.list, "view_mailbox"),
            Route("<str:account_id>/<str:box_id>/", "detail", self.detail, "view_mailbox"),
        )

    def list(self, request: HttpRequest) -> HttpResponse:
        """The mailboxes of an account, by name."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return HttpResponseRedirect(reverse("admin:accounts_account_changelist"))
        account = directory.account(account_id)
        start_key = request.GET.get("start_key")
        wanted = PageRequest.from_query({"start_key": start_key} if start_key else {}, _PAGE, descending=False)
        page = mailbox_listing.page(account_id, wanted)
        next_query = query_with(request, start_key=page.next_start_key) if page.next_start_key else None
        table = Table(
            columns=("Number", "Name", "Messages"),
            rows=[_row(account_id, entry) for entry in page.entries],
            caption="Mailboxes",
            next_query=next_query,
            is_first=not start_key,
            first_query=query_with(request),
        )
        crumbs = [*crumbs_to(account), ("Mailboxes", None)]
        return self.rendered(request, "desk/list.html", "Mailboxes", crumbs, table=table)

    def detail(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """One mailbox."""
        account = directory.account(account_id)
        box = mailboxes.get(account_id, box_id)
        crumbs = [*crumbs_to(account), (str(box.get("name")), None)]
        return self.rendered(request, "desk/mailbox.html", f"Mailbox {mailboxes.number(box)}", crumbs, box=box)


def _row(account_id: str, entry: dict[str, object]) -> Row:
    url = reverse("admin:voicemail_mailbox_detail", args=[account_id, entry["id"]])
    cells = (
        Cell(entry.get("mailbox") or "—", url),
        Cell(entry.get("name") or ""),
        Cell(entry["messages"], style="number"),
    )
    return Row(cells, str(entry["id"]))
