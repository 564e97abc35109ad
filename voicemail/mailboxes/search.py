"""Find mailboxes by a number, an alias, words of a name, or their owner."""

from typing import Any

from accounts import accounts, users
from couch.database import Document
from crossbar.errors import BadIdentifier
from crossbar.pages import InvalidStartKey, Page, PageRequest, decode_start_key, encode_start_key
from storage import database_names, folding, view_names, word_search
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import numbers
from voicemail.mailboxes import store as mailbox_store

_OWNERS_PER_PAGE = 20
_IDS_PER_PAGE = 200
_OWN, _OWNED = "own", "owned"
"""The two parts of a search, as start keys name them: by the mailbox's own names, and by its owner's."""


def search(account_id: str, text: str, request: PageRequest, *, by_owner: bool = True) -> Page[Document]:
    """A page of the list entries of the mailbox with an id, or of the mailboxes that match a text word by word.

    A user's id finds the mailboxes that the user owns. First come those whose numbers, aliases and names match, then
    those whose owners do, if the search is `by_owner`. A page of the second part has the mailboxes of some owners,
    however many these are. Raises InvalidStartKey.
    """
    part, start_key = _parse_start_key(request.start_key)
    box_id = text.strip().lower()
    # An id may also be an owner's.
    if database_names.is_account_id(box_id) and (boxes := mailbox_listing.list_by_ids(account_id, [box_id])):
        return Page(boxes, None)
    if part == _OWNED:
        return _search_by_owner(account_id, text, start_key) if by_owner else Page([], None)
    own = _search_own_names(account_id, text, PageRequest(request.size, start_key))
    entries = mailbox_listing.list_documents(account_id, own.entries)
    if own.next_start_key is not None:
        next_start_key = encode_start_key([_OWN, decode_start_key(own.next_start_key)])
        return Page(entries, next_start_key, is_cut=own.is_cut)
    if not by_owner:
        return Page(entries, None)
    if request.size is not None and len(entries) >= request.size:
        return Page(entries, encode_start_key([_OWNED, None]))
    owned = _search_by_owner(account_id, text, None)
    return Page(entries + owned.entries, owned.next_start_key, is_cut=owned.is_cut)


def list_matching_ids(account_id: str, text: str, *, by_owner: bool = True) -> list[str]:
    """The ids of all mailboxes that `search` finds page by page; of all the account's, by name, for an empty text."""
    if not text:
        rows = accounts.database_of(account_id).stream_view(*view_names.MAILBOXES_BY_NAME)
        return list(dict.fromkeys(row["id"] for row in rows))
    ids: dict[str, None] = {}
    start_key = None
    while True:
        page = search(account_id, text, PageRequest(_IDS_PER_PAGE, start_key), by_owner=by_owner)
        ids |= dict.fromkeys(str(entry["id"]) for entry in page.entries)
        if page.next_start_key is None:
            return list(ids)
        start_key = decode_start_key(page.next_start_key)


def suggest(account_id: str, text: str, limit: int) -> Page[Document]:
    """A page of the documents of mailboxes to choose from: those whose number, alias or name matches a text."""
    if folding.search_words(text):
        return _search_own_names(account_id, text, PageRequest(limit))
    rows = accounts.database_of(account_id).view(*view_names.MAILBOXES_BY_NUMBER, include_docs=True, limit=limit + 1)
    docs = {row["id"]: row["doc"] for row in rows[:limit] if mailbox_store.is_live(row.get("doc"))}
    return Page(list(docs.values()), None, is_cut=len(rows) > limit)


def find_exact(account_id: str, text: str) -> Document:
    """The mailbox with a number or alias, or else with an id; raises BadIdentifier if there is none, or several."""
    holders = list_holders(account_id, text)
    if len(holders) > 1:
        raise BadIdentifier(text)
    return holders[0] if holders else mailbox_store.get(account_id, text)


def list_holders(account_id: str, number: str) -> list[Document]:
    """The documents of the mailboxes with a number or alias: one, unless another program stored more."""
    rows = accounts.database_of(account_id).view(
        *view_names.MAILBOXES_BY_NUMBER, key=number, include_docs=True, limit=10
    )
    docs = {row["id"]: row["doc"] for row in rows if mailbox_store.is_live(row.get("doc"))}
    return list(docs.values())


def _parse_start_key(start_key: Any) -> tuple[str, Any]:
    match start_key:
        case None:
            return _OWN, None
        case [("own" | "owned") as part, key]:
            return part, key
    raise InvalidStartKey()


def _search_own_names(account_id: str, text: str, request: PageRequest) -> Page[Document]:
    database = accounts.database_of(account_id)
    view = view_names.MAILBOXES_BY_WORD
    return word_search.search(database, view, text, request, _searched_names, mailbox_store.is_live)


def _search_by_owner(account_id: str, text: str, start_key: Any) -> Page[Document]:
    """A page of the entries of mailboxes whose owners match, without those that match by their own names."""
    owners = users.search(account_id, text, PageRequest(_OWNERS_PER_PAGE, start_key))
    keys = [[owner["_id"], mailbox_store.TYPE] for owner in owners.entries]
    database = accounts.database_of(account_id)
    rows = database.view(*view_names.DOCUMENTS_BY_OWNER, keys=keys, include_docs=True) if keys else []
    search_words = folding.search_words(text)
    docs = [
        row["doc"]
        for row in rows
        if row.get("doc") and not word_search.matches(search_words, _searched_names(row["doc"]))
    ]
    next_start_key = owners.next_start_key
    if next_start_key is not None:
        next_start_key = encode_start_key([_OWNED, decode_start_key(next_start_key)])
    return Page(mailbox_listing.list_documents(account_id, docs), next_start_key, is_cut=owners.is_cut)


def _searched_names(box: Document) -> list[object]:
    return [box.get("name"), *numbers.of(box)]
