"""The pages of what is sent for a webhook: a test, an attempt, and sending its event again."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import accounts
from couch.database import Document
from crossbar.errors import BadIdentifier, ValidationFailed
from desk.audit import log
from desk.kit.formats import format_time
from desk.kit.pages import DocumentAdmin, Route
from desk.webhooks.links import attempt_url, webhook_crumbs, webhook_subject, webhook_title, webhook_url
from desk.webhooks.table import describe_answer
from webhooks import attempts, by_hand, store

_SENT = gettext_lazy("It is being sent. The answer will be in the list below in a few seconds: reload the page.")
_SHOWN_HEADERS = frozenset({"user-agent", "content-type", "x-hook-id", "x-account-id", "x-event-id"})
_HIDDEN = "(hidden)"


class AttemptPages(DocumentAdmin):
    """The pages of attempts, below those of their webhook."""

    def attempt_routes(self, path: str) -> tuple[Route, ...]:
        """The pages; `path` is that of a webhook."""
        attempt_path = f"{path}attempts/<str:attempt_id>/"
        return (
            Route(f"{path}test/", "test", self.send_test, "send_webhook"),
            Route(attempt_path, "attempt", self.show_attempt, "view_webhook"),
            Route(f"{attempt_path}send/", "send_again", self.send_again, "send_webhook"),
        )

    def send_test(self, request: HttpRequest, account_id: str, hook_id: str) -> HttpResponse:
        """Ask, then send a sample."""
        account, hook = accounts.get(account_id), store.get(account_id, hook_id)
        if request.method == "POST":
            delivery = by_hand.send_test(account_id, hook_id)
            log.record(request, "tested", webhook_subject(hook), details={"event_id": delivery.event_id})
            messages.success(request, _SENT)
            return HttpResponseRedirect(webhook_url(hook))
        return self.render_confirmation(
            request,
            _("Test %(webhook)s?") % {"webhook": webhook_title(hook)},
            [*webhook_crumbs(account, hook), (_("Test"), None)],
            question=_(
                "A sample is sent to %(uri)s, with the member “test”. Whatever is answered will be listed among "
                "the attempts."
            )
            % {"uri": hook.get("uri")},
            submit=_("Yes, send it"),
            cancel_url=webhook_url(hook),
        )

    def show_attempt(self, request: HttpRequest, account_id: str, hook_id: str, attempt_id: str) -> HttpResponse:
        """Show what was sent, and what came back. Headers that may be credentials are hidden."""
        account, hook = accounts.get(account_id), store.get(account_id, hook_id)
        attempt = _attempt_of_hook(account_id, hook_id, attempt_id)
        time = format_time(attempt.get("pvt_created"))
        return self.render(
            request,
            "desk/webhooks/attempt.html",
            _("Attempt of %(time)s") % {"time": time},
            [*webhook_crumbs(account, hook), (time, None)],
            account_id=account_id,
            hook_id=hook_id,
            attempt_id=attempt_id,
            attempt=attempts.public_members(attempt),
            event_name=attempt.get("pvt_event_name") or attempt.get("hook_event"),
            time=time,
            next_time=format_time(attempt.get("next_try")),
            answer=describe_answer(attempt),
            is_success=attempt.get("result") == attempts.SUCCESS,
            request_headers=_hide_credentials(attempt.get("req_headers")),
            answer_headers=_mapping(attempt.get("resp_headers")),
            can_send=self.has_permission(request, "send_webhook") and "pvt_event_data" in attempt,
        )

    def send_again(self, request: HttpRequest, account_id: str, hook_id: str, attempt_id: str) -> HttpResponse:
        """Ask, then send the event of an attempt again."""
        account, hook = accounts.get(account_id), store.get(account_id, hook_id)
        attempt = _attempt_of_hook(account_id, hook_id, attempt_id)
        if request.method == "POST":
            try:
                delivery = by_hand.send_again(account_id, attempt_id)
            except ValidationFailed:
                messages.error(request, _("The attempt doesn't say what its event was."))
                return HttpResponseRedirect(attempt_url(hook, attempt))
            log.record(request, "sent again", webhook_subject(hook), details={"event_id": delivery.event_id})
            messages.success(request, _SENT)
            return HttpResponseRedirect(webhook_url(hook))
        return self.render_confirmation(
            request,
            _("Send the event again?"),
            [*webhook_crumbs(account, hook), (_("Send again"), None)],
            question=_("The event is sent to %(uri)s with the same id: a receiver that has it already may ignore it.")
            % {"uri": hook.get("uri")},
            submit=_("Yes, send it again"),
            cancel_url=attempt_url(hook, attempt),
        )


def _attempt_of_hook(account_id: str, hook_id: str, attempt_id: str) -> Document:
    """Return an attempt of a webhook; raises BadIdentifier."""
    attempt = attempts.get(account_id, attempt_id)
    if attempt.get("hook_id") != hook_id:
        raise BadIdentifier(attempt_id)
    return attempt


def _hide_credentials(headers: Any) -> dict[str, Any]:
    return {name: value if name.lower() in _SHOWN_HEADERS else _HIDDEN for name, value in _mapping(headers).items()}


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
