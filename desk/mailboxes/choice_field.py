"""A field to choose one of an account's mailboxes in: type its number, or begin its number or name and pick.

Works without JavaScript, too: then the number is typed. The page never holds all mailboxes.
"""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes import store as mailbox_store

_MOST = 20


def field(account_id: str) -> SafeString:
    """The field, called ``target``."""
    return format_html(
        '<label class="mailbox-choice">Mailbox <input type="text" name="target" list="mailboxes" size="16" '
        'maxlength="200" autocomplete="off" placeholder="its number" data-suggestions="{}"></label>'
        '<datalist id="mailboxes"></datalist>',
        reverse("admin:desk_message_mailboxes", args=[account_id]),
    )


def choices(request: HttpRequest, account_id: str) -> JsonResponse:
    """Some mailboxes whose number or name the query's ``q`` begins: what to send for each, and what to show."""
    found = mailbox_search.suggestions(account_id, request.GET.get("q", "").strip()[:100], _MOST)
    numbered = [(mailbox_store.number(box) or box["_id"], str(box.get("name") or "")[:80]) for box in found]
    told = [{"value": number, "text": f"{number} {name}".strip()} for number, name in numbered]
    return JsonResponse({"suggestions": told})
