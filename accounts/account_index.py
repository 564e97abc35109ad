"""The index of all accounts: the database `accounts`, with a copy of each account's document in it.

By its views accounts are found: by id, realm, name, API key, or their place in the tree. Storing a copy drops what
this process has cached of the tree; other processes notice within TREE_SECONDS.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple

from cachetools import TTLCache

from couch.client import couch
from couch.database import Database, Document, Row
from crossbar.pages import Page, PageRequest
from storage import database_names, document_types, documents, private_fields, view_names, word_search
from storage.private_fields import Actor

TREE_SECONDS = 5
_PAGE_SIZE = 500
_TREE_PAGE_SIZE = 5_000
_NOT_ASCII_ALPHANUMERIC = re.compile(r"[^a-z0-9]")


_tree_lock = Lock()
_names_below: "TTLCache[str, Mapping[str, AccountNames]]" = TTLCache(200, TREE_SECONDS)
_tree_generation = 0


class AccountNames(NamedTuple):
    """What an account is found by: its name and its realm."""

    name: object
    realm: object

    @classmethod
    def of(cls, account: Mapping[str, Any]) -> "AccountNames":
        """Return the names in a document, or in a row of a view."""
        return cls(account.get("name"), account.get("realm"))


def database() -> Database:
    """Return the database with a copy of each account's document."""
    return couch().database(database_names.ACCOUNTS)


def put(doc: Document) -> None:
    """Store the copy of a new account's document; raises Conflict."""
    with _dropping_tree():
        documents.put(database(), doc)


def update(account_id: str, change: Callable[[Document], Document | None]) -> None:
    """Change the copy of an account's document as `Database.update` does."""
    with _dropping_tree():
        documents.update(database(), account_id, change)


def soft_delete(account_id: str, actor: Actor | None) -> None:
    """Mark the copy of an account's document as deleted; raises BadIdentifier if there is no live one."""
    with _dropping_tree():
        documents.soft_delete(database(), account_id, document_types.ACCOUNT, actor=actor)


@contextmanager
def _dropping_tree() -> Iterator[None]:
    """Drop what is cached of the tree after a write, even if nobody knows whether it succeeded."""
    global _tree_generation
    try:
        yield
    finally:
        with _tree_lock:
            _tree_generation += 1
            _names_below.clear()


def search(
    text: str, request: PageRequest, is_listed: Callable[[Document], bool] = lambda doc: True
) -> Page[Document]:
    """Return a page of live accounts: the one whose id is `text`, or those whose names or realms match word by word.

    Raises InvalidStartKey.
    """
    account_id = text.strip().lower()
    if database_names.is_account_id(account_id):
        doc = database().get(account_id)
        return Page([doc] if private_fields.is_live(doc) and is_listed(doc) else [], None)

    def is_live_and_listed(doc: Document) -> bool:
        return private_fields.is_live(doc) and is_listed(doc)

    return word_search.search(
        database(), view_names.ACCOUNTS_BY_WORD, text, request, AccountNames.of, is_live_and_listed
    )


def ids_with_realm(realm: str) -> list[str]:
    """Return the ids of the accounts with a realm in upper or lower case: one id at most, unless Kazoo made more."""
    options = {"key": realm} if realm == realm.lower() else {"keys": [realm, realm.lower()]}
    return _account_ids(database().view(*view_names.ACCOUNTS_BY_REALM, **options))


def ids_with_api_key(api_key: str) -> list[str]:
    """Return the ids of the accounts with an API key: one id at most."""
    return _account_ids(database().view(*view_names.ACCOUNTS_BY_API_KEY, key=api_key))


def ids_with_name(name: str) -> list[str]:
    """Return the ids of the accounts whose name has the same letters and digits."""
    alphanumeric = private_fields.alphanumeric(name)
    # Versions of the view differ in which letters beyond ASCII they keep in their keys.
    keys = sorted({alphanumeric, _NOT_ASCII_ALPHANUMERIC.sub("", alphanumeric)} - {""})
    if not keys:
        return []
    rows = database().view(*view_names.ACCOUNTS_BY_NAME, keys=keys, include_docs=True)
    return _account_ids([row for row in rows if _alphanumeric_name(row) == alphanumeric])


def iterate_live_ids() -> Iterator[str]:
    """Yield the ids of all live accounts, read page by page."""
    start: str | None = ""
    while start is not None:
        docs, start = read_live_page(start, _PAGE_SIZE)
        yield from (doc["_id"] for doc in docs)


def read_live_page(start: str, size: int) -> tuple[list[Document], str | None]:
    """Return live accounts by id, from an id on, and the id to go on with; None if there are no more.

    It looks at `size` documents: a page may hold fewer accounts.
    """
    rows = database().all_docs(startkey=start, limit=size + 1, include_docs=True)
    docs = [
        row["doc"]
        for row in rows[:size]
        if private_fields.is_live(row.get("doc"), document_types.ACCOUNT) and database_names.is_account_id(row["id"])
    ]
    return docs, rows[size]["id"] if len(rows) > size else None


def fetch_names(account_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of accounts by id, or the id of an account without a name. Costs one request."""
    ids = [account_id for account_id in dict.fromkeys(account_ids) if database_names.is_account_id(account_id)]
    docs = database().fetch(ids) if ids else {}
    return {account_id: str(docs.get(account_id, {}).get("name") or account_id) for account_id in ids}


def names_below(account_id: str) -> Mapping[str, AccountNames]:
    """Return the names of the live accounts below one, at any depth, by their ids; TREE_SECONDS old at most."""
    with _tree_lock:
        names, generation = _names_below.get(account_id), _tree_generation
    if names is not None:
        return names
    rows = database().stream_view(
        *view_names.ACCOUNTS_BY_ANCESTOR, page=_TREE_PAGE_SIZE, startkey=[account_id], endkey=[account_id, {}]
    )
    names = {row["id"]: AccountNames.of(row["value"]) for row in rows if database_names.is_account_id(row["id"])}
    with _tree_lock:
        if generation == _tree_generation:
            _names_below[account_id] = names
    return names


def fetch_live(account_ids: Iterable[str]) -> list[Document]:
    """Return the copies of the documents of those of some accounts that are live, in their order, in one request."""
    ids = list(account_ids)
    docs = database().fetch(ids)
    return [docs[key] for key in ids if private_fields.is_live(docs.get(key), document_types.ACCOUNT)]


def has_descendants(account_id: str, count: int) -> bool:
    """Whether there are that many accounts below one, at any depth."""
    rows = database().view(
        *view_names.ACCOUNTS_BY_ANCESTOR, startkey=[account_id], endkey=[account_id, {}], skip=count - 1, limit=1
    )
    return bool(rows)


def descendant_ids(account_id: str, limit: int) -> list[str]:
    """Return the ids of accounts below one, at any depth, at most `limit`."""
    rows = database().view(
        *view_names.ACCOUNTS_BY_ANCESTOR, startkey=[account_id], endkey=[account_id, {}], limit=limit
    )
    return _account_ids(rows)


def has_children(account_id: str) -> bool:
    """Whether an account is the parent of another one."""
    return bool(ids_with_children([account_id]))


def ids_with_children(account_ids: Iterable[str]) -> set[str]:
    """Return those of the ids whose accounts are parents of others. Costs one request."""
    ids = list(account_ids)
    queries = [{"startkey": [account_id], "endkey": [account_id, {}], "limit": 1} for account_id in ids]
    results = database().view_all(*view_names.ACCOUNTS_BY_PARENT, queries)
    return {account_id for account_id, rows in zip(ids, results, strict=True) if rows}


def _account_ids(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(row["id"] for row in rows if database_names.is_account_id(row["id"])))


def _alphanumeric_name(row: Row) -> str:
    return private_fields.alphanumeric(str((row.get("doc") or {}).get("name")))
