"""A field to choose one of an account's mailboxes, by typing its number or picking a suggestion.

It works without JavaScript, too. The page never holds all mailboxes.
"""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from desk.kit.suggestions import more_suggestions
from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes import store as mailbox_store

_MAX_SUGGESTIONS = 20


def mailbox_choice_field(account_id: str, value: str = "", error: str = "") -> SafeString:
    """The field, which is called ``target``, with a value and its error."""
    return format_html(
        '<span class="mailbox-choice"><label>{} <input type="text" name="target" list="mailboxes" size="16" '
        'maxlength="200" autocomplete="off" placeholder="{}" value="{}" data-suggestions="{}"{}></label>'
        '<datalist id="mailboxes"></datalist>{}</span>',
        _("Mailbox"),
        _("its number"),
        value,
        reverse("admin:desk_message_mailboxes", args=[account_id]),
        SafeString(' aria-invalid="true" aria-describedby="target_error" autofocus' if error else ""),
        format_html('<span class="errorlist" id="target_error" role="alert">{}</span>', error) if error else "",
    )


def mailbox_suggestions(request: HttpRequest, account_id: str) -> JsonResponse:
    """Mailboxes whose number or name starts with the query's ``q``: what to enter for each, and what to show."""
    text = request.GET.get("q", "").strip()[:100]
    page = mailbox_search.suggest(account_id, text, _MAX_SUGGESTIONS)
    suggestions = []
    for box in page.entries:
        number, name = mailbox_store.number(box) or box["_id"], str(box.get("name") or "")[:80]
        suggestions.append({"value": number, "text": f"{number} {name}".strip()})
    return JsonResponse({"suggestions": suggestions + more_suggestions(page, text)})
