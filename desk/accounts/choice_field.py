"""A field to choose an account, by typing its name or picking a suggestion. It works without JavaScript, too."""

from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from accounts import account_index, accounts, listing
from crossbar.errors import BadIdentifier
from crossbar.pages import PageRequest
from desk.accounts.links import account_title
from desk.kit.suggestions import more_suggestions
from desk.scope import Scope, scope_of
from storage import database_names

_MAX_SUGGESTIONS = 20


def account_suggestions(request: HttpRequest) -> JsonResponse:
    """Accounts that the operator may see and that the query's ``q`` finds: what to enter for each, and its title."""
    text = request.GET.get("q", "").strip()[:100]
    requested = PageRequest(_MAX_SUGGESTIONS, descending=False)
    page = listing.search_accounts(text, requested, scope_of(request.user).account_names())
    suggestions = [
        {"value": str(account.get("realm") or account["_id"]), "text": account_title(account)[:80]}
        for account in page.entries
    ]
    return JsonResponse({"suggestions": suggestions + more_suggestions(page, text)})


def find_account(scope: Scope, text: str) -> str:
    """Return the id of the account in a scope that has an id, a realm or a name; ValidationError for none or several.

    Raises CouchError.
    """
    text = text.strip()
    if database_names.is_account_id(text.lower()):
        ids = {text.lower()}
    else:
        ids = {*account_index.ids_with_realm(text), *account_index.ids_with_name(text)}
    live_ids = [account_id for account_id in sorted(ids) if _is_live(account_id) and scope.covers(account_id)]
    if not live_ids:
        raise ValidationError(_("There is no such account."))
    if len(live_ids) > 1:
        message = _("%(count)d accounts are called that: enter a realm or an id.")
        raise ValidationError(message, params={"count": len(live_ids)})
    return live_ids[0]


def account_input(**attributes: str) -> widgets.AdminTextInputWidget:
    """A text input that suggests accounts."""
    return _AccountInput(
        {
            "list": "accounts",
            "autocomplete": "off",
            "data-suggestions": reverse_lazy("admin:desk_account_suggestions"),
            **attributes,
        }
    )


class _AccountInput(widgets.AdminTextInputWidget):
    class Media:
        js = (forms.Script("desk/kit/suggestions.js", defer=True),)


class AccountField(forms.CharField):
    """An account of a scope, which may be entered by id, realm, or name. Its value is the id; empty for none."""

    def __init__(self, scope: Scope, **options: Any) -> None:
        super().__init__(widget=account_input(), **options)
        self._scope = scope

    def clean(self, value: Any) -> str:
        """Find the account; ValidationError."""
        text: str = super().clean(value)
        return find_account(self._scope, text) if text else ""


def _is_live(account_id: str) -> bool:
    try:
        accounts.get(account_id)
    except BadIdentifier:
        return False
    return True
