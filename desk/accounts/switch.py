"""Disabling and enabling an account at the desk."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import accounts
from desk.audit import record as audit
from desk.kit.pages import DocumentAdmin, Route, actor


class AccountSwitch(DocumentAdmin):
    """What the pages of accounts have about being enabled."""

    def route_of_switch(self) -> Route:
        """The page that asks, and does it."""
        return Route("<str:account_id>/switch/", "switch", self.switch, "change_account")

    def switch(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Enable the account when it is disabled, else disable it, after asking.

        The form says which, so that two operators who mean the same don't undo each other.
        """
        doc = accounts.get(account_id)
        name, url = str(doc.get("name")), reverse("admin:desk_account_detail", args=[account_id])
        if request.method == "POST" and request.POST.get("enabled") in ("yes", "no"):
            enabled = request.POST["enabled"] == "yes"
            changed = accounts.merge(account_id, {"enabled": enabled}, actor(request))
            action = "enabled" if enabled else "disabled"
            audit.record(
                request,
                action,
                kind="account",
                account_id=account_id,
                document_id=account_id,
                name=name,
                before=doc,
                after=changed,
            )
            messages.success(request, f"The account is {action}.")
            return HttpResponseRedirect(url)
        if accounts.is_enabled(doc):
            title, question = "Disable", "Nobody of this account can sign in any more, and all its tokens end."
            question += " Accounts below it, its mailboxes and messages stay as they are."
        else:
            title, question = (
                "Enable",
                "The users of this account can sign in again, those who are enabled.",
            )
        return self.rendered(
            request,
            "desk/kit/confirm.html",
            f"{title} {name}?",
            [("Accounts", reverse("admin:desk_account_changelist")), (name, url), (title, None)],
            question=question,
            hidden=[("enabled", "no" if title == "Disable" else "yes")],
            submit=f"Yes, {title.lower()} it",
            dangerous=title == "Disable",
            cancel_url=url,
        )
