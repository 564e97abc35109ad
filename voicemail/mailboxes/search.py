"""Find mailboxes by a number, an alias, words of a name, or their owner."""

from collections.abc import Iterable

from accounts import accounts, users
from couch.client import Database, Document
from crossbar.errors import BadIdentifier
from storage import view_names, word_search
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import store as mailbox_store

_MAX_OWNERS = 20


def search(account_id: str, text: str, limit: int = 100) -> list[Document]:
    """The list entries of at most `limit` mailboxes that match a text.

    First come those whose number or alias starts with it, then those whose name matches word by word, then those
    whose owners match. Costs a few requests, however many mailboxes there are, and those that count messages.
    """
    database = accounts.database_of(account_id)
    ids = _find_ids(database, text, limit)
    if len(ids) < limit:
        owners = [user["_id"] for user in users.search(account_id, text, _MAX_OWNERS)]
        ids |= dict.fromkeys(_find_owned(database, owners))
    return mailbox_listing.list_by_ids(account_id, list(ids)[:limit])


def suggest(account_id: str, text: str, limit: int = 20) -> list[Document]:
    """The documents of mailboxes to choose from: those whose number, alias or name matches a text."""
    database = accounts.database_of(account_id)
    docs = database.fetch(list(_find_ids(database, text, limit))[:limit])
    return [doc for doc in docs.values() if mailbox_store.is_live(doc)]


def find_exact(account_id: str, text: str) -> Document:
    """The mailbox with a number or alias, or else with an id; raises BadIdentifier if there is none, or several."""
    rows = accounts.database_of(account_id).view(*view_names.MAILBOXES_BY_NUMBER, key=text, limit=10)
    ids = {row["id"] for row in rows}
    if len(ids) > 1:
        raise BadIdentifier(text)
    return mailbox_store.get(account_id, next(iter(ids), text))


def _find_ids(database: Database, text: str, limit: int) -> dict[str, None]:
    """The ids of mailboxes whose number, alias or name matches a text, in the order of the results."""
    rows = database.view(*view_names.MAILBOXES_BY_NUMBER, startkey=text, endkey=f"{text}\ufff0", limit=limit)
    ids = dict.fromkeys(row["id"] for row in rows)
    return ids | dict.fromkeys(sorted(word_search.find_ids(database, view_names.MAILBOXES_BY_WORD, text)))


def _find_owned(database: Database, owners: Iterable[str]) -> list[str]:
    keys = [[owner, mailbox_store.TYPE] for owner in owners]
    rows = database.view(*view_names.DOCUMENTS_BY_OWNER, keys=keys) if keys else []
    return [row["id"] for row in rows]
