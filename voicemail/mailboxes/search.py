"""Finding mailboxes by what an operator has heard of them: a number, an alias, words of a name, or whose they are."""

from collections.abc import Iterable

from accounts import users
from couch.client import Database, Document
from crossbar.errors import BadIdentifier
from storage import view_names, word_search
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import store as mailbox_store

_OWNERS = 20


def search(account_id: str, text: str, most: int = 100) -> list[Document]:
    """The entries, as listings have them, of the boxes that a text finds, `most` at most:

    first those whose number or alias begins with it, then those of whose names each word begins one, then those of
    owners who are called so. Costs some requests, however many boxes there are, and those that count messages.
    """
    database = mailbox_store.database_of(account_id)
    found = _called(database, text, most)
    if len(found) < most:
        found |= dict.fromkeys(_owned(database, [user["_id"] for user in users.search(account_id, text, _OWNERS)]))
    return mailbox_listing.entries_of(account_id, list(found)[:most])


def suggestions(account_id: str, text: str, most: int = 20) -> list[Document]:
    """The boxes whose number, alias or name a text begins, to choose one of: their documents, uncounted."""
    database = mailbox_store.database_of(account_id)
    found = database.fetch(list(_called(database, text, most))[:most])
    return [box for box in found.values() if mailbox_store.is_live(box)]


def exactly(account_id: str, text: str) -> Document:
    """The box of an account with a number or alias, or else with an id; BadIdentifier for none, or for several."""
    rows = mailbox_store.database_of(account_id).view(*view_names.MAILBOXES_BY_NUMBER, key=text, limit=10)
    found = {row["id"] for row in rows}
    if len(found) > 1:
        raise BadIdentifier(text)
    return mailbox_store.get(account_id, next(iter(found), text))


def _called(database: Database, text: str, most: int) -> dict[str, None]:
    """The ids of the boxes of a number, an alias or a name, in the order in which they are shown."""
    rows = database.view(*view_names.MAILBOXES_BY_NUMBER, startkey=text, endkey=f"{text}\ufff0", limit=most)
    found = dict.fromkeys(row["id"] for row in rows)
    return found | dict.fromkeys(sorted(word_search.find_ids(database, view_names.MAILBOXES_BY_WORD, text)))


def _owned(database: Database, owners: Iterable[str]) -> list[str]:
    keys = [[owner, mailbox_store.TYPE] for owner in owners]
    rows = database.view(*view_names.DOCUMENTS_BY_OWNER, keys=keys) if keys else []
    return [row["id"] for row in rows]
