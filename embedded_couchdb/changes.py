"""The changes feed: each changed document once, with its last change."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from . import jsontext
from .errors import bad_request
from .feeds import Commits, Page, continuous, feed_options, longpoll, parse_feed
from .queryargs import Query, parse_query
from .reading import render
from .revisions import Revision, changed_since, leaves
from .sequences import parse_seq, public_seq
from .storage import Database, update_seq

_ALL = 1 << 62


def changes(
    database: Database, commits: Commits, options: Mapping[str, str], body: Mapping[str, Any]
) -> Iterator[bytes]:
    """The feed as JSON text, in pieces.  Raises a 400 ``CouchError`` for feeds and filters that this server lacks."""
    feed = parse_feed(options)
    if options.get("filter", "_doc_ids") != "_doc_ids":
        raise bad_request("Only filter=_doc_ids is supported here.")
    query = parse_query({name: text for name, text in options.items() if name != "keys"})
    ids = set(body.get("doc_ids") or jsontext.loads(options.get("doc_ids", "[]"))) if "filter" in options else None
    every_leaf = options.get("style") == "all_docs"
    with database.reading() as connection:
        since = parse_seq(options.get("since", "0"), update_seq(connection))

    def read_page(seq: int, limit: int | None) -> Page:
        with database.reading() as connection:
            return _read_changes_page(connection, seq, limit, query, ids, every_leaf)

    if feed == "normal":
        return iter((whole(read_page(since, query.limit)),))
    options_of_feed = feed_options(options, since, query.limit)
    return (continuous if feed == "continuous" else longpoll)(options_of_feed, commits, read_page)


def whole(page: Page, *, with_pending: bool = True) -> bytes:
    """A page as the whole of an answer."""
    return b'{"results":[\n' + b",\n".join(page.rows) + b"\n],\n" + page.tail(with_pending=with_pending)[1:] + b"\n"


def _read_changes_page(
    connection: sqlite3.Connection,
    since: int,
    limit: int | None,
    query: Query,
    ids: set[str] | None,
    every_leaf: bool,
) -> Page:
    all_changes = changed_since(connection, since, _ALL)
    if ids is not None:
        all_changes = [change for change in all_changes if change[1].id in ids]
    if query.descending:
        all_changes.reverse()
    page = all_changes if limit is None else all_changes[:limit]
    rows = []
    for seq, revision in page:
        text = _change_row(connection, public_seq(seq), revision, every_leaf)
        if query.include_docs:
            text += b',"doc":' + render(connection, revision, query.read_options)
        rows.append(text + b"}")
    is_whole = len(page) == len(all_changes)
    end = max(update_seq(connection), since) if is_whole else page[-1][0] if page else since
    return Page(rows, end, len(all_changes) - len(page))


def _change_row(connection: sqlite3.Connection, seq: str, revision: Revision, every_leaf: bool) -> bytes:
    revs = [leaf.rev for leaf in leaves(connection, revision.id)] if every_leaf else [revision.rev]
    row: dict[str, Any] = {"seq": seq, "id": revision.id, "changes": [{"rev": rev} for rev in revs]}
    if revision.deleted:
        row["deleted"] = True
    return jsontext.dumps(row)[:-1]
