"""Pages of listings of accounts and users, read from a view in its order."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from couch.client import Database, Document, Row
from crossbar.filters import Filter
from crossbar.pages import Page, PageRequest, RowKey
from storage.view_names import View

_MAX_READ = 500


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
    document, with the times of its creation and last change. Raises InvalidStartKey.
    """
    options: dict[str, Any] = {"include_docs": True, "descending": request.descending}
    if below:
        first, last = [*below], [*below, {}]
        options |= {"startkey": last, "endkey": first} if request.descending else {"startkey": first, "endkey": last}
    if start := request.row_key(below):
        options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    size = _MAX_READ if request.size is None or not document_filter.is_empty else min(request.size + 1, _MAX_READ)
    matching = (
        row
        for row in database.stream_view(*view, page=size, **options)
        if row.get("doc") and document_filter.matches(filterable(row["doc"]) | _times(row["doc"]))
    )
    if request.size is None:
        return Page(list(matching), None)
    rows = list(islice(matching, request.size + 1))
    if len(rows) <= request.size:
        return Page(rows, None)
    following = rows.pop()
    return Page(rows, RowKey(following["key"], following["id"]).encode())


def _times(document: Document) -> Document:
    """What the filters modified_from and modified_to look at."""
    return {key: document[key] for key in ("pvt_created", "pvt_modified") if key in document}
