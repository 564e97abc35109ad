"""A removed mailbox at the desk: looked at and brought back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import accounts
from couch.client import Document
from crossbar.errors import ValidationFailed
from desk.accounts.pages import crumbs_to
from desk.kit.formats import named_box, time_text
from desk.kit.pages import Crumb, DocumentAdmin, actor
from voicemail.mailboxes import restore as mailbox_restore
from voicemail.mailboxes import store as mailbox_store

_FAILED_SHOWN = 5


def list_url(account_id: str) -> str:
    """Where the removed mailboxes of an account are listed."""
    return f"{reverse('admin:desk_mailbox_changelist')}?account={account_id}&removed=yes"


class RemovedMailboxPages(DocumentAdmin):
    """The pages that bring mailboxes back."""

    def restore(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Bring a removed mailbox back with the messages that went with it, after asking."""
        account = accounts.get(account_id)
        box, _ = mailbox_restore.known(account_id, box_id)
        url = reverse("admin:desk_mailbox_detail", args=[account_id, box_id])
        if request.method == "POST":
            self._restored(request, account, box)
            return HttpResponseRedirect(url)
        number = mailbox_restore.number_gone_with(account_id, box)
        return self.rendered(
            request,
            "desk/kit/confirm.html",
            f"Restore {named_box(box)}?",
            [*crumbs_to(account), *removed_crumbs(account_id), (named_box(box), url), ("Restore", None)],
            question=f"The mailbox comes back as it was. Messages that come back with it: {number}.",
            submit="Yes, restore it",
            cancel_url=url,
        )

    def _restored(self, request: HttpRequest, account: Document, box: Document) -> None:
        try:
            restored, outcome = mailbox_restore.restore(account, box["_id"], actor(request))
        except ValidationFailed as error:
            number = error.data.get("mailbox", {}).get("unique", {}).get("value")
            messages.error(
                request, f"Another mailbox has the number {number} by now. Change that one's, then try again."
            )
            return
        told = {"messages": len(outcome.succeeded), "failed": len(outcome.failed)}
        self.record(request, "restored", account["_id"], restored, before=box, after=restored, details=told)
        number = len(outcome.succeeded)
        messages.success(
            request, f"The mailbox {named_box(restored)} was restored. Messages that came back with it: {number}."
        )
        if outcome.failed:
            some = [f"{one} ({reason})" for failed in outcome.failed for one, reason in failed.items()]
            listed = ", ".join(some[:_FAILED_SHOWN]) + (", ..." if len(some) > _FAILED_SHOWN else "")
            messages.warning(request, f"Messages that didn't come back: {listed}. Restore it once more.")

    def record(self, request: HttpRequest, action: str, account_id: str, box: Document, **states: Any) -> None:
        """Record what was done to a mailbox."""
        raise NotImplementedError


def about(account_id: str, box: Document) -> dict[str, Any]:
    """What the page of a mailbox tells of its removal, and of a restore that was cut short."""
    removed = not mailbox_store.is_live(box)
    unfinished = mailbox_restore.RESTORING in box
    number = mailbox_restore.number_gone_with(account_id, box) if removed or unfinished else 0
    return {
        "removed": removed,
        "unfinished": unfinished and not removed,
        "gone_with": number,
        "removed_at": time_text(box.get(mailbox_store.REMOVED_AT) or box.get("pvt_modified")),
    }


def removed_crumbs(account_id: str) -> list[Crumb]:
    """The way to a removed mailbox."""
    return [("Removed mailboxes", list_url(account_id))]
