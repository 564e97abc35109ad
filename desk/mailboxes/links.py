"""Where the pages of a mailbox are."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from desk.accounts.links import account_crumbs
from desk.audit.log import Subject
from desk.kit.pages import Crumb
from desk.mailboxes.titles import mailbox_title


def mailbox_list_url(account_id: str, *, is_removed: bool = False) -> str:
    """The URL of the list of an account's mailboxes, or of its removed ones."""
    url = f"{reverse('admin:desk_mailbox_changelist')}?account={account_id}"
    return f"{url}&removed=yes" if is_removed else url


def mailbox_url(account_id: str, box_id: str) -> str:
    """The URL of a mailbox's page."""
    return reverse("admin:desk_mailbox_detail", args=[account_id, box_id])


def mailbox_list_crumbs(account: Mapping[str, Any], *, is_removed: bool = False) -> list[Crumb]:
    """The breadcrumbs of the list of an account's mailboxes, or of its removed ones."""
    title = _("Removed mailboxes") if is_removed else _("Mailboxes")
    return [*account_crumbs(dict(account)), (title, mailbox_list_url(account["_id"], is_removed=is_removed))]


def mailbox_crumbs(account: Mapping[str, Any], box: Mapping[str, Any], *, is_removed: bool = False) -> list[Crumb]:
    """The breadcrumbs of a mailbox's page, for the pages below it."""
    crumb = (mailbox_title(box), mailbox_url(account["_id"], box["_id"]))
    return [*mailbox_list_crumbs(account, is_removed=is_removed), crumb]


def mailbox_subject(account_id: str, box: Mapping[str, Any]) -> Subject:
    """The mailbox as the subject of an audit entry."""
    return Subject("mailbox", account_id, box["_id"], mailbox_title(box))
