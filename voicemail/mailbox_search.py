"""Finding mailboxes by what an operator has heard of them: a number, an alias, words of a name, or whose they are."""

from collections.abc import Iterable

from accounts import users
from accounts.couch import Database, Document
from voicemail import mailbox_listing, mailboxes, numbers

DESIGN, WORDS = "vmboxes_lists", "by_word"
# So many boxes of one word are looked through for the other words.
_LOOKED_THROUGH = 5_000
_OWNERS = 20


def search(account_id: str, text: str, most: int = 100) -> list[Document]:
    """The entries, as listings have them, of the boxes that a text finds, `most` at most:

    first those whose number or alias begins with it, then those of whose names each word begins one, then those of
    owners who are called so. Costs some requests, however many boxes there are, and those that count messages.
    """
    database = mailboxes.database_of(account_id)
    rows = database.view(numbers.DESIGN, numbers.VIEW, startkey=text, endkey=f"{text}\ufff0", limit=most)
    found = dict.fromkeys(row["id"] for row in rows)
    found |= dict.fromkeys(sorted(_named(database, text)))
    if len(found) < most:
        found |= dict.fromkeys(_owned(database, [user["_id"] for user in users.search(account_id, text, _OWNERS)]))
    return mailbox_listing.entries_of(account_id, list(found)[:most])


def _named(database: Database, text: str) -> set[str]:
    words = {word[:100] for word in text.lower().split()}
    ranges = [{"startkey": word, "endkey": f"{word}\ufff0", "limit": _LOOKED_THROUGH} for word in words]
    sets = [{row["id"] for row in rows} for rows in database.queries(DESIGN, WORDS, ranges)]
    return set.intersection(*sets) if sets else set()


def _owned(database: Database, owners: Iterable[str]) -> list[str]:
    keys = [[owner, mailboxes.TYPE] for owner in owners]
    rows = database.view("attributes", "owned", keys=keys) if keys else []
    return [row["id"] for row in rows]
