"""Where the pages of a webhook are."""

from django.urls import reverse
from django.utils.translation import gettext as _

from couch.database import Document
from desk.accounts.links import account_crumbs
from desk.audit.log import Subject
from desk.kit.pages import Crumb


def webhook_list_url(account_id: str) -> str:
    """The URL of the list of an account's webhooks."""
    return f"{reverse('admin:desk_webhook_changelist')}?account={account_id}"


def webhook_url(hook: Document) -> str:
    """The URL of a webhook's page."""
    return reverse("admin:desk_webhook_detail", args=[hook["pvt_account_id"], hook["_id"]])


def attempt_url(hook: Document, attempt: Document) -> str:
    """The URL of the page of an attempt to send for a webhook."""
    return reverse("admin:desk_webhook_attempt", args=[hook["pvt_account_id"], hook["_id"], attempt["_id"]])


def webhook_title(hook: Document) -> str:
    """A webhook's name; its id if it has none."""
    return str(hook.get("name") or hook["_id"])[:100]


def webhook_list_crumbs(account: Document) -> list[Crumb]:
    """The breadcrumbs of the list of an account's webhooks."""
    return [*account_crumbs(account), (_("Webhooks"), webhook_list_url(account["_id"]))]


def webhook_crumbs(account: Document, hook: Document) -> list[Crumb]:
    """The breadcrumbs of a webhook's page, for the pages below it."""
    return [*webhook_list_crumbs(account), (webhook_title(hook), webhook_url(hook))]


def webhook_subject(hook: Document) -> Subject:
    """The webhook as the subject of an audit entry."""
    return Subject("webhook", hook["pvt_account_id"], hook["_id"], webhook_title(hook))
