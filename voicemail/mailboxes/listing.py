"""The listing of an account's boxes: by name, in pages, with the number of messages in each.

A page is read from the view ``vmboxes/crossbar_listing``; whole documents are read only where a filter must
look at them. How many messages there are is asked once for the whole page.
"""

from collections.abc import Callable, Iterator
from typing import Any

from couch.client import Database, Document, Row
from crossbar.filters import Filter
from crossbar.pages import Page, PageRequest, RowKey
from storage import view_names
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import counts

COUNTED_FOLDERS = ("new", "saved")
_LARGEST_READ = 1_000

Test = Callable[[Document], bool]


def page(
    account_id: str,
    request: PageRequest,
    wanted: Filter | None = None,
    *,
    shows: Test = lambda summary: True,
    sees_secrets: Test = lambda box: False,
) -> Page[Document]:
    """One page of an account's boxes: full as long as there are enough that may be shown and pass the filter.

    `shows` tells of a box's summary whether it belongs into this listing at all, `sees_secrets` of a box whether
    the caller's filters may look at its secrets. Raises InvalidStartKey.
    """
    looks_inside = wanted is not None and not wanted.is_empty

    def passes(row: Row) -> bool:
        if not shows(row["value"]):
            return False
        if wanted is None or not looks_inside:
            return True
        box: Document | None = row.get("doc")
        return box is not None and wanted.matches(_filterable(box, secrets=sees_secrets(box)))

    found: list[Row] = []
    following: Row | None = None
    for row in filter(passes, _rows(mailbox_store.database_of(account_id), request, include_docs=looks_inside)):
        if len(found) == request.size:
            following = row
            break
        found.append(row)
    return Page(
        _entries(account_id, found), RowKey(following["key"], following["id"]).encode() if following else None
    )


def entries_of(account_id: str, ids: list[str]) -> list[Document]:
    """The entries of some live boxes, in the order of their ids."""
    found = mailbox_store.database_of(account_id).fetch(ids)
    boxes = [found[one] for one in ids if one in found and mailbox_store.is_live(found[one])]
    return _entries(account_id, [{"id": box["_id"], "value": _summary(box)} for box in boxes])


def owned(account_id: str, owner_id: str, most: int = 100) -> list[Document]:
    """The entries of the boxes that a user owns, the first ones of many."""
    database = mailbox_store.database_of(account_id)
    rows = database.view(
        *view_names.DOCUMENTS_BY_OWNER, key=[owner_id, mailbox_store.TYPE], include_docs=True, limit=most
    )
    boxes = [row["doc"] for row in rows if row.get("doc")]
    return _entries(account_id, [{"id": box["_id"], "value": _summary(box)} for box in boxes])


def _summary(box: Document) -> Document:
    """What the view says of a box."""
    legacy = box.get("messages")
    told = {key: box.get(key) for key in ("name", "mailbox", "owner_id")}
    return {"id": box["_id"], **told, "messages": len(legacy) if isinstance(legacy, list) else 0, "flags": []}


def summaries(account_id: str, most: int) -> list[Document]:
    """The summaries of an account's boxes by name, the first ones of many, their messages not counted."""
    return [
        row["value"] for row in mailbox_store.database_of(account_id).view(*view_names.MAILBOXES_BY_NAME, limit=most)
    ]


def _rows(database: Database, request: PageRequest, *, include_docs: bool) -> Iterator[Row]:
    """The view's rows from the request's start key on, read as many at a time as the page will need, then more."""
    chunk = _LARGEST_READ if request.size is None else min(request.size + 1, _LARGEST_READ)
    options: dict[str, Any] = {"include_docs": include_docs, "descending": request.descending}
    if start := request.row_key():
        options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    while True:
        # As a query with a body: a box without a name has the key null, which a query string can't begin at.
        (rows,) = database.view_all(*view_names.MAILBOXES_BY_NAME, [options | {"limit": chunk + 1}])
        yield from rows[:chunk]
        if len(rows) <= chunk:
            return
        options |= {"startkey": rows[chunk]["key"], "startkey_docid": rows[chunk]["id"]}
        chunk = min(chunk * 4, _LARGEST_READ)


def _filterable(box: Document, *, secrets: bool) -> Document:
    """What a filter may look at: what the API shows of the box, and when it was created and modified."""
    times = {key: box[key] for key in ("pvt_created", "pvt_modified") if key in box}
    return mailbox_store.shown(box, secrets=secrets) | times


def _entries(account_id: str, rows: list[Row]) -> list[Document]:
    counted = counts.per_folder(account_id, [row["id"] for row in rows], only=COUNTED_FOLDERS)
    return [_entry(row["value"], counted[row["id"]]) for row in rows]


def _entry(summary: Document, counted: dict[str, int]) -> Document:
    """A box's summary with its messages: those that 3.x left in the box, and those in the counted folders."""
    folders = {folder: counted.get(folder, 0) for folder in COUNTED_FOLDERS}
    in_folders = sum(folders.values())
    legacy = summary.get("messages")
    # Kazoo's versions of the view differ in what they leave out.
    entry = {
        **summary,
        "messages": (legacy if isinstance(legacy, int) else 0) + in_folders,
        "flags": summary.get("flags") or [],
    }
    return entry | {"folders": folders} if in_folders else entry
