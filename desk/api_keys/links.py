"""Where the pages of an API key are."""

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.api_keys import store
from couch.database import Document
from desk.accounts.links import account_crumbs
from desk.audit.log import Subject
from desk.kit.pages import Crumb


def key_list_url(account_id: str) -> str:
    """The URL of the list of an account's keys."""
    return f"{reverse('admin:desk_apikey_changelist')}?account={account_id}"


def key_url(key: Document) -> str:
    """The URL of a key's page."""
    return reverse("admin:desk_apikey_detail", args=[key["pvt_account_id"], store.key_id_of(key)])


def key_title(key: Document) -> str:
    """A key's name; its id if it has none."""
    return str(key.get("name") or store.key_id_of(key))[:128]


def key_list_crumbs(account: Document) -> list[Crumb]:
    """The breadcrumbs of the list of an account's keys."""
    return [*account_crumbs(account), (_("API keys"), key_list_url(account["_id"]))]


def key_crumbs(account: Document, key: Document) -> list[Crumb]:
    """The breadcrumbs of a key's page, for the pages below it."""
    return [*key_list_crumbs(account), (key_title(key), key_url(key))]


def key_subject(key: Document) -> Subject:
    """The key as the subject of an audit entry."""
    return Subject("API key", key["pvt_account_id"], key["_id"], key_title(key))
