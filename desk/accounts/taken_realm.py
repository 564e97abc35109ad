"""The error of a realm that another account has: it says which account that is."""

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import account_index
from desk.accounts.links import account_url
from desk.kit.forms import Explain
from desk.scope import scope_of


def explain_realm(request: HttpRequest) -> Explain:
    """A function for `add_errors` of the form of an account: names the holder if the operator may view it."""

    def explain(path: str, message: str, realm: str) -> tuple[str, str] | None:
        if path != "realm" or not request.user.has_perm("desk.view_account"):
            return None
        holder_ids = filter(scope_of(request.user).covers, account_index.ids_with_realm(realm))
        for account_id, name in account_index.fetch_names(holder_ids).items():
            link = format_html('<a href="{}">{}</a>', account_url(account_id), name)
            text = format_html(_("{realm} belongs to the account {account}."), realm=realm, account=link)
            return path, format_html("{}. {}", message, text)
        return None

    return explain
