"""The pages of an account's webhooks: list, creation, one webhook with its attempts, its change, test and removal."""

from collections.abc import Iterable
from functools import partial

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import accounts
from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.accounts.links import account_crumbs, redirect_to_accounts
from desk.audit import log
from desk.audit.pages import render_history
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.forms import add_errors, members_from
from desk.kit.pages import DocumentAdmin, Route, actor
from desk.models import Webhook
from desk.webhooks.attempt_pages import AttemptPages
from desk.webhooks.form import SECRETS, change_form, creation_form, replace_headers
from desk.webhooks.links import (
    webhook_crumbs,
    webhook_list_crumbs,
    webhook_list_url,
    webhook_subject,
    webhook_title,
    webhook_url,
)
from desk.webhooks.table import attempt_table, describe_events, webhook_table
from webhooks import store

_HOOK_PATH = "<str:account_id>/<str:hook_id>/"


@admin.register(Webhook)
class WebhookAdmin(AttemptPages, DocumentAdmin):
    """The pages of webhooks. The list is of one account, which the query names."""

    def routes(self) -> Iterable[Route]:
        """All pages; fixed paths come before those with a webhook's id."""
        return (
            Route("", "changelist", self.list_webhooks, "view_webhook"),
            Route("<str:account_id>/add/", "add_to", self.add_webhook, "add_webhook"),
            Route("<str:account_id>/enable/", "enable_all", self.enable_all, "change_webhook"),
            Route(_HOOK_PATH, "detail", self.show_webhook, "view_webhook"),
            Route(f"{_HOOK_PATH}change/", "change", self.change_webhook, "change_webhook"),
            Route(f"{_HOOK_PATH}delete/", "delete", self.remove_webhook, "delete_webhook"),
            Route(f"{_HOOK_PATH}history/", "history", self.show_history, "view_webhook"),
            *self.attempt_routes(_HOOK_PATH),
        )

    def list_webhooks(self, request: HttpRequest) -> HttpResponseBase:
        """List the webhooks of an account by name."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return redirect_to_accounts(request, _("Choose an account first, then its webhooks."))
        account = accounts.get(account_id)
        return self.render_list(
            request,
            "webhooks",
            _("Webhooks"),
            [*account_crumbs(account), (_("Webhooks"), None)],
            partial(webhook_table, account_id=account_id),
            account_id=account_id,
            tools=self.tools(
                request,
                ("add_webhook", _("Add webhook"), reverse("admin:desk_webhook_add_to", args=[account_id])),
                ("change_webhook", _("Enable again"), reverse("admin:desk_webhook_enable_all", args=[account_id])),
            ),
        )

    def add_webhook(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show the form of a new webhook, or create it."""
        account = accounts.get(account_id)
        form = creation_form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                hook = store.create(account_id, members_from(form), actor(request))
            except ValidationFailed as error:
                add_errors(form, error)
            else:
                log.record(request, "created", webhook_subject(hook), after=hook)
                messages.success(
                    request, _("The webhook “%(webhook)s” was created.") % {"webhook": webhook_title(hook)}
                )
                return HttpResponseRedirect(webhook_url(hook))
        crumbs = [*webhook_list_crumbs(account), (_("Add webhook"), None)]
        return self.render_form(request, form, _("Add webhook"), crumbs, cancel_url=webhook_list_url(account_id))

    def enable_all(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Ask, then enable the webhooks that were disabled because of failures."""
        account = accounts.get(account_id)
        if request.method == "POST":
            hooks = store.enable_again(account_id, actor(request))
            for hook in hooks:
                log.record(request, "enabled", webhook_subject(hook))
            messages.success(request, _("Webhooks enabled: %(count)s.") % {"count": len(hooks)})
            return HttpResponseRedirect(webhook_list_url(account_id))
        return self.render_confirmation(
            request,
            _("Enable webhooks again?"),
            [*webhook_list_crumbs(account), (_("Enable again"), None)],
            question=_(
                "All webhooks of the account that were disabled because of failures are enabled again. Those "
                "that somebody disabled by hand stay disabled."
            ),
            submit=_("Yes, enable them"),
            cancel_url=webhook_list_url(account_id),
        )

    def show_webhook(self, request: HttpRequest, account_id: str, hook_id: str) -> HttpResponse:
        """Show a webhook, and the attempts to send for it."""
        account, hook = accounts.get(account_id), store.get(account_id, hook_id)
        headers, settings = hook.get("custom_request_headers"), hook.get("security_settings")
        return self.render(
            request,
            "desk/webhooks/detail.html",
            webhook_title(hook),
            [*webhook_list_crumbs(account), (webhook_title(hook), None)],
            account_id=account_id,
            hook_id=hook_id,
            hook=store.public_members(hook),
            is_enabled=store.is_hook_enabled(hook),
            events=describe_events(hook),
            header_names=sorted(headers) if isinstance(headers, dict) else [],
            has_key=isinstance(settings, dict) and bool(settings.get("sha256_key")),
            table=attempt_table(request, hook),
            can=self.permissions(request, "change_webhook", "delete_webhook", "send_webhook"),
        )

    def change_webhook(self, request: HttpRequest, account_id: str, hook_id: str) -> HttpResponse:
        """Show the webhook's form, or change the webhook."""
        account, hook = accounts.get(account_id), store.get(account_id, hook_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return store.merge_members(account_id, hook_id, replace_headers(patch, hook), actor(request), guard)

        result = edit(request, hook, SECRETS, change_form, merge)
        if result.saved is None:
            crumbs = [*webhook_crumbs(account, hook), (_("Change"), None)]
            return self.render_edit(
                request,
                result,
                _("Change %(webhook)s") % {"webhook": webhook_title(hook)},
                crumbs,
                cancel_url=webhook_url(hook),
            )
        if result.has_changes:
            log.record(request, "changed", webhook_subject(result.saved), before=hook, after=result.saved)
        messages.success(request, _("The webhook was changed.") if result.has_changes else _("Nothing was changed."))
        return HttpResponseRedirect(webhook_url(hook))

    def remove_webhook(self, request: HttpRequest, account_id: str, hook_id: str) -> HttpResponse:
        """Ask, then remove the webhook."""
        account, hook = accounts.get(account_id), store.get(account_id, hook_id)
        if request.method == "POST":
            removed = store.delete(account_id, hook_id, actor(request))
            log.record(request, "removed", webhook_subject(hook), before=hook, after=removed)
            messages.success(request, _("The webhook “%(webhook)s” was removed.") % {"webhook": webhook_title(hook)})
            return HttpResponseRedirect(webhook_list_url(account_id))
        return self.render_confirmation(
            request,
            _("Remove %(webhook)s?") % {"webhook": webhook_title(hook)},
            [*webhook_crumbs(account, hook), (_("Remove"), None)],
            question=_("Nothing more is sent to its address, not even what waits to be sent again."),
            submit=_("Yes, remove the webhook"),
            cancel_url=webhook_url(hook),
            is_dangerous=True,
        )

    def show_history(self, request: HttpRequest, account_id: str, hook_id: str) -> HttpResponse:
        """Show what was done to the webhook."""
        account, hook = accounts.get(account_id), store.get(account_id, hook_id)
        return render_history(self, request, [hook_id], webhook_title(hook), webhook_crumbs(account, hook))
