"""Where the pages of messages are."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from desk.accounts.links import account_crumbs
from desk.audit.log import Subject
from desk.kit.pages import Crumb
from desk.mailboxes.links import mailbox_url
from desk.mailboxes.titles import mailbox_title
from desk.models import MessageRun
from voicemail.mailboxes import store as mailbox_store


def all_messages_url(account_id: str, *, is_removed: bool = False) -> str:
    """The URL of the list of the messages of all mailboxes of an account, or of the removed ones."""
    url = f"{reverse('admin:desk_message_changelist')}?account={account_id}"
    return f"{url}&removed=yes" if is_removed else url


def message_list_url(account_id: str, box_id: str, *, is_removed: bool = False) -> str:
    """The URL of the list of a mailbox's messages, or of its removed ones."""
    return f"{all_messages_url(account_id, is_removed=is_removed)}&box={box_id}"


def message_url(account_id: str, box_id: str, message_id: str) -> str:
    """The URL of a message's page."""
    return reverse("admin:desk_message_detail", args=[account_id, box_id, message_id])


def message_run_url(run: MessageRun) -> str:
    """The URL of the page of a run of an action on many messages."""
    return reverse("admin:desk_message_run", args=[run.account_id, run.pk])


def mailbox_crumb(account_id: str, box: Mapping[str, Any]) -> Crumb:
    """The breadcrumb of a mailbox, without a link if the mailbox is removed."""
    if not mailbox_store.is_live(box):
        return f"{mailbox_title(box)} (removed)", None
    return mailbox_title(box), mailbox_url(account_id, box["_id"])


def message_list_crumbs(
    account: Mapping[str, Any], box: Mapping[str, Any], *, is_removed: bool = False
) -> list[Crumb]:
    """The breadcrumbs of the list of a mailbox's messages, or of its removed ones."""
    title = _("Removed messages") if is_removed else _("Messages")
    url = message_list_url(account["_id"], box["_id"], is_removed=is_removed)
    return [*account_crumbs(dict(account)), mailbox_crumb(account["_id"], box), (title, url)]


def message_subject(account_id: str, box: Mapping[str, Any], message_id: str) -> Subject:
    """The message as the subject of an audit entry."""
    return Subject("message", account_id, message_id, f"in {mailbox_title(box)}")
