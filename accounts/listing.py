"""Pages of listings of accounts and users, read from a view in its order."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.conf import settings

from accounts import account_index, accounts, users
from couch.database import Database, Document, Row
from crossbar.filters import Filter
from crossbar.pages import InvalidStartKey, Page, PageRequest, RowKey
from storage import private_fields, view_names
from storage.view_names import View

_MAX_READ = 500


def list_accounts(
    request: PageRequest,
    *,
    parent_id: str | None = None,
    is_enabled: bool | None = None,
    only_ids: Collection[str] | None = None,
) -> Page[Document]:
    """Return a page of accounts by name: all, the children of one, or only those that are enabled or disabled.

    With `only_ids`, no others are listed; without a parent, the documents of all of these are read then.
    Raises InvalidStartKey.
    """
    if only_ids is not None and parent_id is None:
        return _list_some(request, only_ids, is_enabled)
    document_filter = Filter()
    if is_enabled is not None:
        document_filter = Filter([lambda doc: accounts.is_enabled(dict(doc)) == is_enabled])
    view, below = view_names.ACCOUNTS_BY_NAME, []
    if parent_id is not None:
        view, below = view_names.ACCOUNTS_BY_PARENT, [parent_id]
    elif is_enabled is False:
        view, document_filter = view_names.DISABLED_ACCOUNTS_BY_NAME, Filter()
    page = read_page(account_index.database(), view, request, document_filter, lambda doc: doc, below=below)
    docs = [row["doc"] for row in page.entries if only_ids is None or row["id"] in only_ids]
    return Page(docs, page.next_start_key)


def _list_some(request: PageRequest, ids: Collection[str], is_enabled: bool | None) -> Page[Document]:
    """Return a page of some accounts by name."""
    docs = {
        (private_fields.alphanumeric(str(doc.get("name") or "")), doc["_id"]): doc
        for doc in account_index.fetch_live(ids)
        if is_enabled in (None, accounts.is_enabled(doc))
    }
    keys = sorted(docs, reverse=request.descending)
    if start := request.row_key():
        if not isinstance(start.key, str):
            raise InvalidStartKey()
        first = (start.key, start.doc_id)
        keys = [key for key in keys if key == first or (key < first) == request.descending]
    shown = keys[: request.size]
    next_key = RowKey(*keys[len(shown)]).encode() if len(shown) < len(keys) else None
    return Page([docs[key] for key in shown], next_key)


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
