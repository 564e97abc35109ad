"""Who did what an entry says, and what it is about: names for people, and links."""

from collections.abc import Callable, Iterable
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import account_index
from audit.models import Entry
from couch.errors import CouchError


def entries_url(**parameters: str) -> str:
    """The URL of the list of entries, filtered."""
    return f"{reverse('admin:desk_auditentry_changelist')}?{urlencode(parameters)}"


def actor_text(entry: Entry) -> str:
    """Who did it: an operator, a user of an account, or an account by its API key."""
    if entry.operator is not None:
        return str(entry.operator.get_username())
    if entry.actor_user_id:
        return entry.actor_name or entry.actor_user_id
    return _("API key") if entry.actor_account_id else _("somebody")


def actor_url(entry: Entry) -> str | None:
    """The page of the user of an account, or of the account, that did it; None for an operator, or nobody."""
    if not entry.actor_account_id:
        return None
    if entry.actor_user_id:
        return reverse("admin:desk_accountuser_detail", args=[entry.actor_account_id, entry.actor_user_id])
    return reverse("admin:desk_account_detail", args=[entry.actor_account_id])


def document_text(entry: Entry) -> str:
    """What it is about."""
    return entry.name or entry.document_id or "—"


def document_url(entry: Entry) -> str | None:
    """The page of what it is about; None if there is none."""
    build = _URLS.get(entry.kind)
    has_ids = bool(entry.account_id and entry.document_id and (entry.container_id or entry.kind != "message"))
    return build(entry) if build is not None and has_ids else None


def fetch_account_names(entries: Iterable[Entry]) -> dict[str, str]:
    """The names of the accounts of entries by their ids; none while CouchDB is away."""
    ids = {entry.account_id for entry in entries if entry.account_id}
    try:
        return account_index.fetch_names(ids)
    except CouchError:
        return {}


_URLS: dict[str, Callable[[Entry], str]] = {
    "account": lambda entry: reverse("admin:desk_account_detail", args=[entry.account_id]),
    "user": lambda entry: reverse("admin:desk_accountuser_detail", args=[entry.account_id, entry.document_id]),
    "mailbox": lambda entry: reverse("admin:desk_mailbox_detail", args=[entry.account_id, entry.document_id]),
    "message": lambda entry: reverse(
        "admin:desk_message_detail", args=[entry.account_id, entry.container_id, entry.document_id]
    ),
    "media": lambda entry: reverse("admin:desk_media_detail", args=[entry.account_id, entry.document_id]),
    "webhook": lambda entry: reverse("admin:desk_webhook_detail", args=[entry.account_id, entry.document_id]),
}
