"""Pages of listings of accounts and users, read from a view in its order."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from couch.client import Database, Document, Row
from crossbar.errors import FaultyRequest
from crossbar.filters import Filter
from crossbar.pages import PageRequest, encode_start_key

_LARGEST_READ = 500


@dataclass(frozen=True)
class Page:
    """Some of a view's rows, each with its document; `extra` goes into the envelope."""

    rows: list[Row]
    extra: dict[str, Any]


def page(
    database: Database,
    view: tuple[str, str],
    request: PageRequest,
    wanted: Filter,
    looks_at: Callable[[Document], Document],
    *,
    below: list[Any] | None = None,
) -> Page:
    """A page of a view (design document and name), of the rows whose keys begin with `below` where that is given.

    The filter is asked about what `looks_at` makes of each document. FaultyRequest for a start key that isn't one
    of this listing.
    """
    options: dict[str, Any] = {"include_docs": True, "descending": request.descending}
    if below is not None:
        first, last = [below, [*below, {}]] if not request.descending else [[*below, {}], below]
        options |= {"startkey": first, "endkey": last}
    options |= _start(request, below)
    size = _LARGEST_READ if request.size is None or not wanted.empty else min(request.size + 1, _LARGEST_READ)
    rows = (
        row
        for row in database.stream_view(*view, page=size, **options)
        if row.get("doc") and wanted.matches(looks_at(row["doc"]) | _times(row["doc"]))
    )
    found = list(rows if request.size is None else islice(rows, request.size + 1))
    extra: dict[str, Any] = {}
    if request.size is not None and len(found) > request.size:
        extra["next_start_key"] = _key(found.pop())
    if request.start_key is not None:
        extra["start_key"] = encode_start_key(request.start_key)
    return Page(found, {"page_size": len(found) if request.size is None else request.size} | extra)


def _start(request: PageRequest, below: list[Any] | None) -> dict[str, Any]:
    key = request.start_key
    if key is None:
        return {}
    if not isinstance(key, list) or len(key) != 2 or not isinstance(key[1], str):
        raise FaultyRequest("invalid start key")
    # A key from elsewhere would begin outside of what the caller may see.
    if below is not None and (not isinstance(key[0], list) or key[0][: len(below)] != below):
        raise FaultyRequest("invalid start key")
    return {"startkey": key[0], "startkey_docid": key[1]}


def _times(doc: Document) -> Document:
    """What the filters modified_from and modified_to look at."""
    return {key: doc[key] for key in ("pvt_created", "pvt_modified") if key in doc}


def _key(row: Row) -> str:
    return encode_start_key([row["key"], row["id"]])
