"""Lists of an account's mailboxes: by name and in pages, with the number of messages in each.

A page is read from the view ``vmboxes/crossbar_listing``; whole documents only if a filter must look at them. The
messages of a whole page are counted together.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings

from accounts import accounts
from couch.database import Database, Document, Row
from crossbar.filters import Filter
from crossbar.pages import Page, PageRequest, RowKey
from storage import view_names
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import counts
from voicemail.messages.folders import NEW, SAVED

COUNTED_FOLDERS = (NEW, SAVED)
_MAX_CHUNK = 1_000

Test = Callable[[Document], bool]


def list_boxes(
    account_id: str,
    request: PageRequest,
    filters: Filter | None = None,
    *,
    is_listed: Test = lambda summary: True,
    may_see_secrets: Test = lambda box: False,
) -> Page[Document]:
    """A page of an account's mailboxes, full as long as enough of them pass among the first FILTERED_ROWS.

    `is_listed` says by a mailbox's summary whether it belongs to the list, `may_see_secrets` by its document whether
    filters may look at its secrets. Raises InvalidStartKey.
    """
    include_docs = filters is not None and not filters.is_empty

    def passes(row: Row) -> bool:
        if not is_listed(row["value"]):
            return False
        if filters is None or not include_docs:
            return True
        box: Document | None = row.get("doc")
        return box is not None and filters.matches(_filterable_members(box, secrets=may_see_secrets(box)))

    page_rows: list[Row] = []
    next_row: Row | None = None
    max_rows = settings.FILTERED_ROWS if include_docs else None
    rows = _read_rows(accounts.database_of(account_id), request, include_docs=include_docs)
    for number, row in enumerate(rows):
        is_last = number == max_rows
        if not is_last and not passes(row):
            continue
        if is_last or len(page_rows) == request.size:
            next_row = row
            break
        page_rows.append(row)
    entries = _count_messages(account_id, {row["id"]: row["value"] for row in page_rows})
    return Page(entries, RowKey(next_row["key"], next_row["id"]).encode() if next_row else None)


def count_boxes(account_id: str) -> int:
    """How many live mailboxes an account has."""
    return accounts.database_of(account_id).count_rows(*view_names.MAILBOXES_BY_NAME)


def list_summaries(account_id: str) -> list[Document]:
    """The entries of all mailboxes of an account by name, without the numbers of their messages."""
    rows = _read_rows(accounts.database_of(account_id), PageRequest(None, descending=False), include_docs=False)
    return [{**row["value"], "id": row["id"]} for row in rows]


def count_messages(account_id: str, summaries: Iterable[Document]) -> list[Document]:
    """Complete entries of `list_summaries` by the numbers of their messages, which are counted together."""
    return _count_messages(account_id, {str(summary["id"]): summary for summary in summaries})


def list_by_ids(account_id: str, ids: list[str]) -> list[Document]:
    """The entries of live mailboxes, in the order of their ids."""
    docs = accounts.database_of(account_id).fetch(ids)
    return list_documents(account_id, (docs[box_id] for box_id in ids if box_id in docs))


def list_documents(account_id: str, docs: Iterable[Document]) -> list[Document]:
    """The entries of live mailboxes, given their documents, in that order."""
    return _count_messages(account_id, _summaries(docs))


def list_owned(account_id: str, owner_id: str, limit: int) -> list[Document]:
    """The entries of the mailboxes that a user owns, at most `limit`."""
    return _count_messages(account_id, _summaries(find_owned(account_id, owner_id, limit)))


def find_owned(account_id: str, owner_id: str, limit: int | None = None) -> list[Document]:
    """The documents of the mailboxes that a user owns, at most `limit`."""
    options = {} if limit is None else {"limit": limit}
    key = [owner_id, mailbox_store.TYPE]
    rows = accounts.database_of(account_id).view(
        *view_names.DOCUMENTS_BY_OWNER, key=key, include_docs=True, **options
    )
    docs = [row["doc"] for row in rows if row.get("doc")]
    return [doc for doc in docs if mailbox_store.is_live(doc) and doc.get("owner_id") == owner_id]


def _summaries(docs: Iterable[Document]) -> dict[str, Document]:
    """The summaries of live mailboxes by their ids, as the view makes them."""
    return {doc["_id"]: _summary(doc) for doc in docs if mailbox_store.is_live(doc)}


def _summary(box: Document) -> Document:
    legacy = box.get("messages")
    members = {key: box.get(key) for key in ("name", "mailbox", "owner_id")}
    return {"id": box["_id"], **members, "messages": len(legacy) if isinstance(legacy, list) else 0, "flags": []}


def _read_rows(database: Database, request: PageRequest, *, include_docs: bool) -> Iterator[Row]:
    """The view's rows from the request's start key on: first as many as a page takes, then more at a time."""
    chunk = _MAX_CHUNK if request.size is None else min(request.size + 1, _MAX_CHUNK)
    options: dict[str, Any] = {"include_docs": include_docs, "descending": request.descending}
    if start := request.row_key():
        options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    while True:
        # The query has a body: a mailbox without a name has the key null, which a query string can't start at.
        (rows,) = database.view_all(*view_names.MAILBOXES_BY_NAME, [options | {"limit": chunk + 1}])
        yield from rows[:chunk]
        if len(rows) <= chunk:
            return
        options |= {"startkey": rows[chunk]["key"], "startkey_docid": rows[chunk]["id"]}
        chunk = min(chunk * 4, _MAX_CHUNK)


def _filterable_members(box: Document, *, secrets: bool) -> Document:
    """The members that filters may look at: those the API shows, and when the mailbox was created and modified."""
    times = {key: box[key] for key in ("pvt_created", "pvt_modified") if key in box}
    return mailbox_store.representation(box, secrets=secrets) | times


def _count_messages(account_id: str, summaries: dict[str, Document]) -> list[Document]:
    """The entries of mailboxes: their summaries with the numbers of their messages."""
    folders = counts.per_folder(account_id, summaries, only=COUNTED_FOLDERS)
    return [_box_entry(summary, folders[box_id]) for box_id, summary in summaries.items()]


def _box_entry(summary: Document, folder_counts: dict[str, int]) -> Document:
    """A summary with the number of messages: those in 3.x's format and those in the counted folders."""
    folders = {folder: folder_counts.get(folder, 0) for folder in COUNTED_FOLDERS}
    total = sum(folders.values())
    legacy = summary.get("messages")
    # Some versions of Kazoo's view leave members out.
    entry = {
        **summary,
        "messages": (legacy if isinstance(legacy, int) else 0) + total,
        "flags": summary.get("flags") or [],
    }
    return entry | {"folders": folders} if total else entry
