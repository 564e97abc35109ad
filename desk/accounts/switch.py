"""The page that disables and enables an account."""

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import accounts
from desk.accounts.links import account_crumbs, account_subject, account_title, account_url
from desk.audit import log
from desk.kit.notices import undo_button
from desk.kit.pages import DocumentAdmin, Route, actor


class SwitchPages(DocumentAdmin):
    """The page that disables and enables an account."""

    def switch_routes(self) -> Iterable[Route]:
        """The page."""
        yield Route("<str:account_id>/switch/", "switch", self.switch_account, "change_account")

    def switch_account(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Ask, then disable the account if it is enabled, or enable it if it is disabled.

        The form says which: two operators who want the same must not undo each other's change.
        """
        account = accounts.get(account_id)
        url = account_url(account_id)
        if request.method == "POST" and request.POST.get("enabled") in ("yes", "no"):
            is_enabled = request.POST["enabled"] == "yes"
            changed = accounts.merge(account_id, {"enabled": is_enabled}, actor(request))
            action = "enabled" if is_enabled else "disabled"
            log.record(request, action, account_subject(account), before=account, after=changed)
            undo = undo_button(request, request.path, [("enabled", "no" if is_enabled else "yes")])
            text = _("The account is enabled.") if is_enabled else _("The account is disabled.")
            messages.success(request, format_html("{} {}", text, undo))
            return HttpResponseRedirect(url)
        if accounts.is_enabled(account):
            crumb, title, submit, new_state = _("Disable"), _("Disable %(account)s?"), _("Yes, disable it"), "no"
            question = _(
                "Nobody can sign in to this account any more, and all its tokens end. Its mailboxes and messages and "
                "the accounts below it stay as they are, and it can be enabled again at any time."
            )
        else:
            crumb, title, submit, new_state = _("Enable"), _("Enable %(account)s?"), _("Yes, enable it"), "yes"
            question = _("The users of this account can sign in again, unless they are disabled themselves.")
        return self.render_confirmation(
            request,
            title % {"account": account_title(account)},
            [*account_crumbs(account), (crumb, None)],
            question=question,
            submit=submit,
            cancel_url=url,
            is_dangerous=new_state == "no",
            hidden_fields=[("enabled", new_state)],
        )
