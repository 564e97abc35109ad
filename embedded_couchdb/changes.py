"""The changes feed: each changed document once, with its last change."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from . import jsontext
from .errors import bad_request
from .queryargs import parse_query
from .reading import render
from .revisions import Revision, changed_since, leaves
from .sequences import parse_seq, public_seq
from .storage import update_seq

_ALL = 1 << 62


def changes(
    connection: sqlite3.Connection,
    options: Mapping[str, str],
    body: Mapping[str, Any],
) -> bytes:
    """The feed as JSON text.  Raises a 400 ``CouchError`` for feeds and filters that this server lacks."""
    if options.get("feed", "normal") != "normal":
        raise bad_request("Only feed=normal is supported here.")
    if options.get("filter", "_doc_ids") != "_doc_ids":
        raise bad_request("Only filter=_doc_ids is supported here.")
    query = parse_query({name: text for name, text in options.items() if name != "keys"})
    last = update_seq(connection)
    since = parse_seq(options.get("since", "0"), last)
    all_changes = changed_since(connection, since, _ALL)
    if "filter" in options:
        ids = set(body.get("doc_ids") or jsontext.loads(options.get("doc_ids", "[]")))
        all_changes = [change for change in all_changes if change[1].id in ids]
    if query.descending:
        all_changes.reverse()
    page = all_changes if query.limit is None else all_changes[: query.limit]
    every_leaf = options.get("style") == "all_docs"
    rows = []
    for seq, revision in page:
        text = _change_row(connection, public_seq(seq), revision, every_leaf)
        if query.include_docs:
            text += b',"doc":' + render(connection, revision, query.read_options)
        rows.append(text + b"}")
    end = last if len(page) == len(all_changes) else page[-1][0] if page else since
    tail = jsontext.dumps({"last_seq": public_seq(end), "pending": len(all_changes) - len(page)})
    return b'{"results":[\n' + b",\n".join(rows) + b"\n],\n" + tail[1:] + b"\n"


def _change_row(connection: sqlite3.Connection, seq: str, revision: Revision, every_leaf: bool) -> bytes:
    revs = [leaf.rev for leaf in leaves(connection, revision.id)] if every_leaf else [revision.rev]
    row: dict[str, Any] = {"seq": seq, "id": revision.id, "changes": [{"rev": rev} for rev in revs]}
    if revision.deleted:
        row["deleted"] = True
    return jsontext.dumps(row)[:-1]
