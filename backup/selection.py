"""Which databases and documents a backup holds.

Design documents are in none: `sync_views` makes them, and those of a Kazoo are its own to make. Local documents, such
as the positions of followers, are good in the database alone where they are. Of documents with conflicting revisions
the winning one is in the backup, which is the one that the service shows.
"""

from collections.abc import Iterable

from backup.layout import Selection
from couch.client import Couch
from couch.database import Document
from storage import database_names

MEDIA = "system_media"
"""Prompts of the whole system, where a Kazoo keeps them."""
_SECRET = (database_names.KEYS, database_names.TOKENS)
_SYSTEM = (
    database_names.ACCOUNTS,
    database_names.CONFIG,
    database_names.SCHEMAS,
    database_names.WEBHOOKS,
    MEDIA,
)
_SIGNING = "auth"
"""The document of `system_config` with the secret that signs tokens."""


def list_databases(server: Couch, selection: Selection) -> list[str]:
    """The names of the existing databases that are in a backup; `accounts` comes first.

    An account is listed in `accounts` when it is complete: whoever is listed there has all its databases later on.
    """
    system = [*_SYSTEM, *(_SECRET if selection.with_keys else ())]
    if selection.accounts:
        system = [database_names.ACCOUNTS, database_names.WEBHOOKS]
        names = [
            name for account_id in selection.accounts for name in server.names(database_names.account_db(account_id))
        ]
    else:
        names = server.names("account/")
    existing = [name for name in system if server.exists(name)]
    return existing + [name for name in names if database_names.parse(name)]


def is_selected_database(name: str, accounts: Iterable[str]) -> bool:
    """Whether a database holds anything of some accounts; without accounts each does."""
    ids = tuple(accounts)
    if not ids or name in (database_names.ACCOUNTS, database_names.WEBHOOKS):
        return True
    owner = database_names.parse(name)
    return owner is not None and owner.account_id in ids


def is_selected(name: str, doc: Document, selection: Selection) -> bool:
    """Whether a document of a database is in a backup. A deleted one of a database of all accounts tells no owner."""
    if name == database_names.CONFIG and doc["_id"] == _SIGNING:
        return selection.with_keys
    if not selection.accounts or database_names.parse(name):
        return True
    if name == database_names.WEBHOOKS:
        return bool(doc.get("_deleted")) or doc.get("pvt_account_id") in selection.accounts
    return doc["_id"] in selection.accounts
