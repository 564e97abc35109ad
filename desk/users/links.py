"""Where the pages of a user are."""

from django.urls import reverse
from django.utils.translation import gettext as _

from couch.database import Document
from desk.accounts.links import account_crumbs
from desk.audit.log import Subject
from desk.kit.pages import Crumb
from desk.users.titles import user_title


def user_list_url(account_id: str) -> str:
    """The URL of the list of an account's users."""
    return f"{reverse('admin:desk_accountuser_changelist')}?account={account_id}"


def user_url(account_id: str, user_id: str) -> str:
    """The URL of a user's page."""
    return reverse("admin:desk_accountuser_detail", args=[account_id, user_id])


def user_list_crumbs(account: Document) -> list[Crumb]:
    """The breadcrumbs of the list of an account's users."""
    return [*account_crumbs(account), (_("Users"), user_list_url(account["_id"]))]


def user_crumbs(account: Document, user: Document) -> list[Crumb]:
    """The breadcrumbs of a user's page, for the pages below it."""
    return [*user_list_crumbs(account), (user_title(user), user_url(account["_id"], user["_id"]))]


def user_subject(account_id: str, user: Document) -> Subject:
    """The user as the subject of an audit entry."""
    return Subject("user", account_id, user["_id"], user_title(user))
