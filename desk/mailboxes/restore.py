"""The page that restores a removed mailbox."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import accounts
from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.audit import log
from desk.kit.formats import format_time
from desk.kit.notices import report_failures
from desk.kit.pages import DocumentAdmin, Route, actor
from desk.mailboxes.links import mailbox_crumbs, mailbox_subject, mailbox_url
from desk.mailboxes.taken_number import describe_holder
from desk.mailboxes.titles import mailbox_title
from desk.messages.reasons import describe_reason
from voicemail.mailboxes import restore as mailbox_restore
from voicemail.mailboxes import store as mailbox_store


class RestorePages(DocumentAdmin):
    """The page that restores a removed mailbox."""

    def restore_routes(self) -> Iterable[Route]:
        """The page."""
        yield Route("<str:account_id>/<str:box_id>/restore/", "restore", self.restore_mailbox, "delete_mailbox")

    def restore_mailbox(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Ask, then restore a removed mailbox with the messages that were removed with it."""
        account = accounts.get(account_id)
        box, _is_removed = mailbox_restore.get_any(account_id, box_id)
        url = mailbox_url(account_id, box_id)
        if request.method == "POST":
            _restore(request, account, box)
            return HttpResponseRedirect(url)
        message_count = mailbox_restore.count_messages(account_id, box)
        return self.render_confirmation(
            request,
            _("Restore %(mailbox)s?") % {"mailbox": mailbox_title(box)},
            [*mailbox_crumbs(account, box, is_removed=True), (_("Restore"), None)],
            question=_("The mailbox is restored as it was, with its messages (%(message_count)s).")
            % {"message_count": message_count},
            submit=_("Yes, restore it"),
            cancel_url=url,
        )


def _restore(request: HttpRequest, account: Document, box: Document) -> None:
    """Restore a mailbox, record that, and tell the operator what became of its messages."""
    try:
        restored, outcome = mailbox_restore.restore_box(account, box["_id"], actor(request))
    except ValidationFailed as error:
        number = error.data.get("mailbox", {}).get("unique", {}).get("value")
        holder = describe_holder(request, account["_id"], str(number), box["_id"])
        text = _(
            "Another mailbox has the number {number} now. {holder} Change that mailbox's number, then try again."
        )
        messages.error(request, format_html(text, number=number, holder=holder))
        return
    details = {"messages": len(outcome.succeeded), "failed": len(outcome.failed)}
    subject = mailbox_subject(account["_id"], restored)
    log.record(request, "restored", subject, before=box, after=restored, details=details)
    messages.success(
        request,
        _("The mailbox %(mailbox)s was restored, with its messages (%(count)s).")
        % {"mailbox": mailbox_title(restored), "count": len(outcome.succeeded)},
    )
    if outcome.failed:
        failures = [
            (
                _("The message %(message_id)s could not be restored: %(reason)s.")
                % {"message_id": message_id, "reason": describe_reason(reason)}
            )
            for failed in outcome.failed
            for message_id, reason in failed.items()
        ]
        summary = _("%(count)s messages could not be restored. Restore the mailbox again.") % {"count": len(failures)}
        report_failures(request, summary, failures)


def restore_context(account_id: str, box: Mapping[str, Any]) -> dict[str, Any]:
    """What the page of a mailbox shows of its removal, and of a restore that was interrupted."""
    is_removed = not mailbox_store.is_live(box)
    is_restoring = mailbox_restore.RESTORING in box
    has_removed_messages = is_removed or is_restoring
    return {
        "is_removed": is_removed,
        "is_half_restored": is_restoring and not is_removed,
        "restorable_messages": mailbox_restore.count_messages(account_id, box) if has_removed_messages else 0,
        "removed_at": format_time(box.get(mailbox_store.REMOVED_AT) or box.get("pvt_modified")),
    }
