"""Pages of listings of accounts and users, read from a view in its order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings

from accounts import account_index, accounts, users
from accounts.account_index import AccountNames
from couch.database import Database, Document, Row
from crossbar.filters import Filter
from crossbar.pages import InvalidStartKey, Page, PageRequest, RowKey
from storage import database_names, folding, private_fields, view_names, word_search
from storage.view_names import View

_MAX_READ = 500


def list_accounts(
    request: PageRequest,
    *,
    parent_id: str | None = None,
    is_enabled: bool | None = None,
    among: Mapping[str, AccountNames] | None = None,
) -> Page[Document]:
    """Return a page of accounts by name: all, the children of one, or only those that are enabled or disabled.

    With `among`, only of these accounts, given by their ids. Raises InvalidStartKey.
    """
    if among is not None and parent_id is None:
        return _page_of(request, among, lambda doc: is_enabled in (None, accounts.is_enabled(doc)))
    document_filter = Filter()
    if is_enabled is not None:
        document_filter = Filter([lambda doc: accounts.is_enabled(dict(doc)) == is_enabled])
    view, below = view_names.ACCOUNTS_BY_NAME, []
    if parent_id is not None:
        view, below = view_names.ACCOUNTS_BY_PARENT, [parent_id]
    elif is_enabled is False:
        view, document_filter = view_names.DISABLED_ACCOUNTS_BY_NAME, Filter()
    page = read_page(account_index.database(), view, request, document_filter, lambda doc: doc, below=below)
    docs = [row["doc"] for row in page.entries if among is None or row["id"] in among]
    return Page(docs, page.next_start_key)


def search_accounts(
    text: str,
    request: PageRequest,
    among: Mapping[str, AccountNames] | None,
    is_listed: Callable[[Document], bool] = lambda doc: True,
) -> Page[Document]:
    """Return a page of the accounts that `account_index.search` finds; with `among`, only of these, by name.

    Raises InvalidStartKey.
    """
    account_id, words = text.strip().lower(), folding.search_words(text)
    if among is None:
        return account_index.search(text, request, is_listed)
    if database_names.is_account_id(account_id):
        matches = {account_id: among[account_id]} if account_id in among else {}
    else:
        matches = {key: names for key, names in among.items() if words and word_search.matches(words, names)}
    return _page_of(request, matches, is_listed)


def _page_of(
    request: PageRequest, among: Mapping[str, AccountNames], is_listed: Callable[[Document], bool]
) -> Page[Document]:
    """Return a page of some accounts by name."""
    keys = sorted(
        ((private_fields.alphanumeric(str(names.name or "")), account_id) for account_id, names in among.items()),
        reverse=request.descending,
    )
    if start := request.row_key():
        if not isinstance(start.key, str):
            raise InvalidStartKey()
        first = (start.key, start.doc_id)
        keys = [key for key in keys if key == first or (key < first) == request.descending]
    size = len(keys) if request.size is None else request.size
    chunk = min(size + 1, _MAX_READ)
    entries: list[Document] = []
    for position in range(0, len(keys), chunk):
        keys_by_id = {account_id: (key, account_id) for key, account_id in keys[position : position + chunk]}
        for doc in account_index.fetch_live(keys_by_id):
            if is_listed(doc):
                if len(entries) == size:
                    return Page(entries, RowKey(*keys_by_id[doc["_id"]]).encode())
                entries.append(doc)
    return Page(entries, None)


def list_users(
    account_id: str,
    request: PageRequest,
    document_filter: Filter | None = None,
    *,
    may_see_secrets: Callable[[Document], bool] = lambda user: False,
) -> Page[Document]:
    """Return a page of an account's users by user name.

    The filter sees what the API shows of a user, with its secrets where `may_see_secrets`.

    Raises BadIdentifier for a malformed id, InvalidStartKey.
    """
    page = read_page(
        accounts.database_of(account_id),
        view_names.USERS_BY_NAME,
        request,
        document_filter or Filter(),
        lambda user: users.serialize(user, secrets=may_see_secrets(user)),
    )
    return Page([row["doc"] for row in page.entries], page.next_start_key)


def count_users(account_id: str) -> int:
    """Return how many users an account has. Raises BadIdentifier for a malformed id."""
    return accounts.database_of(account_id).count_rows(*view_names.USERS_BY_NAME)


def count_accounts() -> int:
    """Return how many accounts there are."""
    return account_index.database().count_rows(*view_names.ACCOUNTS_BY_NAME)


def read_page(
    database: Database,
    view: View,
    request: PageRequest,
    document_filter: Filter,
    filterable: Callable[[Document], Document],
    *,
    below: Sequence[Any] = (),
) -> Page[Row]:
    """Return a page of rows of a view, each with its document.

    With `below`, only of rows whose keys start with it. The filter is applied to what `filterable` returns for a
    document, with the time of its last change, and to FILTERED_ROWS rows at most: the page ends there.
    Raises InvalidStartKey.
    """
    options: dict[str, Any] = {"include_docs": True, "descending": request.descending}
    if below:
        first, last = [*below], [*below, {}]
        options |= {"startkey": last, "endkey": first} if request.descending else {"startkey": first, "endkey": last}
    if start := request.row_key(below):
        options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    size = _MAX_READ if request.size is None or not document_filter.is_empty else min(request.size + 1, _MAX_READ)
    max_rows = None if document_filter.is_empty else settings.FILTERED_ROWS
    entries: list[Row] = []
    for number, row in enumerate(database.stream_view(*view, page=size, **options)):
        if number == max_rows:
            return Page(entries, RowKey(row["key"], row["id"]).encode())
        if not row.get("doc") or not document_filter.matches(filterable(row["doc"]) | _modified(row["doc"])):
            continue
        if len(entries) == request.size:
            return Page(entries, RowKey(row["key"], row["id"]).encode())
        entries.append(row)
    return Page(entries, None)


def _modified(document: Document) -> Document:
    """What the filters modified_from and modified_to look at."""
    return {key: document[key] for key in ("pvt_modified",) if key in document}
