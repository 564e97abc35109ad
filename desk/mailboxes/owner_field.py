"""The field for a mailbox's owner: a list of the account's users, or a text field if the list would be too long."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _

from accounts import listing, users
from crossbar.pages import PageRequest
from desk.kit.schema_fields import ChoiceField, TextField
from desk.kit.suggestions import more_suggestions
from desk.users.titles import user_title

_MAX_CHOICES = 200
_MAX_SUGGESTIONS = 20


def owner_field_factory(account_id: str, stored_owner_id: Any) -> Callable[..., forms.Field]:
    """A function that makes the field from the options that every field has."""
    choices = listing.list_users(account_id, PageRequest(size=_MAX_CHOICES + 1, descending=False)).entries

    def make_field(**options: Any) -> forms.Field:
        options |= {"label": _("Owner"), "help_text": _("The user whose mailbox this is.")}
        if len(choices) > _MAX_CHOICES:
            return _text_field(account_id, stored_owner_id, options)
        titles = sorted(((user["_id"], user_title(user)) for user in choices), key=lambda pair: pair[1].lower())
        return ChoiceField(choices=[("", _("Nobody")), *titles], **options)

    return make_field


def owner_suggestions(request: HttpRequest, account_id: str) -> JsonResponse:
    """Users whose names have words starting with those of the query's ``q``, for the text field."""
    text = request.GET.get("q", "").strip()[:100]
    page = users.search(account_id, text, PageRequest(_MAX_SUGGESTIONS))
    suggestions = [{"value": user.get("username") or user["_id"], "text": user_title(user)} for user in page.entries]
    return JsonResponse({"suggestions": suggestions + more_suggestions(page, text)})


def _text_field(account_id: str, stored_owner_id: Any, options: dict[str, Any]) -> forms.Field:
    owner = users.find(account_id, stored_owner_id) if isinstance(stored_owner_id, str) else None
    current = " " + _("Now: %(user)s.") % {"user": escape(user_title(owner))} if owner else ""
    options["help_text"] = _("The user whose mailbox this is: a user name, or a user's id.") + current
    suggestions_url = reverse("admin:desk_mailbox_owners", args=[account_id])
    widget = _OwnerInput({"list": "owners", "autocomplete": "off", "data-suggestions": suggestions_url})
    return _OwnerField(account_id, stored_owner_id, widget=widget, **options)


class _OwnerInput(widgets.AdminTextInputWidget):
    """A text input with suggestions."""

    class Media:
        js = (forms.Script("desk/kit/suggestions.js", defer=True),)


class _OwnerField(TextField):
    """An owner by user name or id."""

    def __init__(self, account_id: str, stored_owner_id: Any, **options: Any) -> None:
        super().__init__(**options)
        self._account_id = account_id
        self._stored_owner_id = stored_owner_id

    def clean(self, value: Any) -> Any:
        """The user's id. A stored id may stay, whether there is such a user or not."""
        text = super().clean(value)
        if text is None or text == self._stored_owner_id:
            return text
        user = users.find(self._account_id, text) or users.find_by_name(self._account_id, text)
        if user is None:
            raise ValidationError(_("There is no user with this name or id in this account."), code="unknown")
        return user["_id"]
