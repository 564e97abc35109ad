"""Where the pages of messages are, and the way to them."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from desk.accounts.pages import crumbs_to
from desk.kit.formats import named_box
from desk.kit.pages import Crumb
from voicemail.mailboxes import store as mailbox_store


def list_url(account_id: str, box_id: str) -> str:
    """The messages of a box."""
    return f"{reverse('admin:desk_message_changelist')}?account={account_id}&box={box_id}"


def message_url(account_id: str, box_id: str, message_id: str) -> str:
    """One message."""
    return reverse("admin:desk_message_detail", args=[account_id, box_id, message_id])


def box_crumb(account_id: str, box: Mapping[str, Any]) -> Crumb:
    """The way to a mailbox; one that is removed has no page."""
    if not mailbox_store.is_live(box):
        return f"{named_box(box)} (removed)", None
    return named_box(box), reverse("admin:desk_mailbox_detail", args=[account_id, box["_id"]])


def crumbs(account: Mapping[str, Any], box: Mapping[str, Any], *, removed: bool = False) -> list[Crumb]:
    """The way to the messages of a box, or to its removed ones."""
    url = list_url(account["_id"], box["_id"]) + ("&removed=yes" if removed else "")
    listed = ("Removed messages" if removed else "Messages", url)
    return [*crumbs_to(dict(account)), box_crumb(account["_id"], box), listed]
