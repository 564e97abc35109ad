"""Documents as clients read them, with the optional extra members."""

from __future__ import annotations

import base64
import sqlite3
from dataclasses import dataclass
from typing import Any

from .errors import not_found
from .revisions import Revision, ancestry, leaves, parse_rev, revision, winner


@dataclass(frozen=True)
class ReadOptions:
    """The optional members that a client requests with a document."""

    attachments: bool = False
    conflicts: bool = False
    deleted_conflicts: bool = False
    revs: bool = False
    revs_info: bool = False
    local_seq: bool = False


PLAIN = ReadOptions()


def read(connection: sqlite3.Connection, doc_id: str, rev: str | None = None) -> Revision:
    """A document's winning or named revision.  Raises ``CouchError``: 404, or 400 for a malformed name."""
    if rev is not None:
        named = revision(connection, doc_id, parse_rev(rev))
        if named is None or named.body is None:
            raise not_found("missing")
        return named
    current = winner(connection, doc_id)
    if current is None or current.deleted:
        raise not_found("missing" if current is None else "deleted")
    return current


def render(connection: sqlite3.Connection, document: Revision, options: ReadOptions = PLAIN) -> bytes:
    """A revision's document as JSON text."""
    if options == PLAIN:
        return document.as_json()
    return document.as_json(_extras(connection, document, options), stubs=not options.attachments)


def _extras(connection: sqlite3.Connection, document: Revision, options: ReadOptions) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if options.revs:
        line = ancestry(connection, document)
        extras["_revisions"] = {"start": document.gen, "ids": [name for _, name, _ in line]}
    if options.revs_info:
        extras["_revs_info"] = [
            {"rev": f"{gen}-{name}", "status": "available" if available else "missing"}
            for gen, name, available in ancestry(connection, document)
        ]
    if options.local_seq:
        (extras["_local_seq"],) = connection.execute(
            "SELECT seq FROM documents WHERE id = ?", (document.id,)
        ).fetchone()
    extras.update(_conflicts(connection, document, options))
    if options.attachments and document.attachment_records:
        extras["_attachments"] = _inline(connection, document)
    return extras


def _conflicts(connection: sqlite3.Connection, document: Revision, options: ReadOptions) -> dict[str, list[str]]:
    if not (options.conflicts or options.deleted_conflicts):
        return {}
    losing_leaves = [leaf for leaf in leaves(connection, document.id) if leaf.number != document.number]
    lists = {
        "_conflicts": [leaf.rev for leaf in losing_leaves if options.conflicts and not leaf.deleted],
        "_deleted_conflicts": [leaf.rev for leaf in losing_leaves if options.deleted_conflicts and leaf.deleted],
    }
    return {name: revs for name, revs in lists.items() if revs}


def _inline(connection: sqlite3.Connection, document: Revision) -> dict[str, Any]:
    return {
        name: {**attachment.as_header(), "data": base64.b64encode(attachment.blob.bytes(connection)).decode()}
        for name, attachment in document.attachments().items()
    }
