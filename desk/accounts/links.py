"""Where the pages of an account are."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from couch.database import Document
from desk.audit.log import Subject
from desk.kit.pages import Crumb


def account_list_url() -> str:
    """The URL of the list of accounts."""
    return reverse("admin:desk_account_changelist")


def account_url(account_id: str) -> str:
    """The URL of an account's page."""
    return reverse("admin:desk_account_detail", args=[account_id])


def account_title(account: Document) -> str:
    """An account's name; its id if it has none."""
    return str(account.get("name") or account["_id"])


def account_list_crumbs() -> list[Crumb]:
    """The breadcrumb of the list of accounts."""
    return [(_("Accounts"), account_list_url())]


def account_crumbs(account: Document) -> list[Crumb]:
    """The breadcrumbs of an account's page, for the pages below it."""
    return [*account_list_crumbs(), (account_title(account), account_url(account["_id"]))]


def redirect_to_accounts(request: HttpRequest, text: str) -> HttpResponseRedirect:
    """Send the operator to the list of accounts, to choose the one whose documents to list, as a text says."""
    messages.info(request, text)
    return HttpResponseRedirect(account_list_url())


def account_subject(account: Document) -> Subject:
    """The account as the subject of an audit entry."""
    return Subject("account", account["_id"], account["_id"], account_title(account))
