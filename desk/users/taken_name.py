"""The error of a user name that another user has: it says which user that is."""

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import users
from desk.kit.forms import Explain
from desk.users.links import user_url
from desk.users.titles import VIEW_USERS, user_title


def explain_name(request: HttpRequest, account_id: str) -> Explain:
    """A function for `add_errors` of the form of a user."""

    def explain(path: str, message: str, username: str) -> tuple[str, str] | None:
        if path != "username":
            return None
        return path, format_html("{}. {}", message, describe_holder(request, account_id, username))

    return explain


def describe_holder(request: HttpRequest, account_id: str, username: str) -> str:
    """A sentence that says who has a user name, if the operator may view users."""
    holder = users.find_by_name(account_id, username)
    if holder is None or not request.user.has_perm(VIEW_USERS):
        return _("%(username)s is taken.") % {"username": username}
    url = user_url(account_id, holder["_id"])
    return format_html(
        _("{username} belongs to {user}."),
        username=username,
        user=format_html('<a href="{}">{}</a>', url, user_title(holder)),
    )
