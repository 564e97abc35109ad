"""Documents as clients read them, with the extras that they can ask for."""

from __future__ import annotations

import base64
import sqlite3
from dataclasses import dataclass
from typing import Any

from .errors import not_found
from .revisions import Revision, ancestry, leaves, parse_rev, revision, winner


@dataclass(frozen=True)
class ReadOptions:
    """What to show of a document beyond its members."""

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
    found = winner(connection, doc_id)
    if found is None or found.deleted:
        raise not_found("missing" if found is None else "deleted")
    return found


def render(connection: sqlite3.Connection, found: Revision, options: ReadOptions = PLAIN) -> bytes:
    """The document as JSON text."""
    if options == PLAIN:
        return found.as_json()
    return found.as_json(_extras(connection, found, options), stubs=not options.attachments)


def _extras(connection: sqlite3.Connection, found: Revision, options: ReadOptions) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if options.revs:
        line = ancestry(connection, found)
        extras["_revisions"] = {"start": found.gen, "ids": [name for _, name, _ in line]}
    if options.revs_info:
        extras["_revs_info"] = [
            {"rev": f"{gen}-{name}", "status": "available" if available else "missing"}
            for gen, name, available in ancestry(connection, found)
        ]
    if options.local_seq:
        (extras["_local_seq"],) = connection.execute("SELECT seq FROM documents WHERE id = ?", (found.id,)).fetchone()
    extras.update(_conflicts(connection, found, options))
    if options.attachments and found.attachment_records:
        extras["_attachments"] = _inline(connection, found)
    return extras


def _conflicts(connection: sqlite3.Connection, found: Revision, options: ReadOptions) -> dict[str, list[str]]:
    if not (options.conflicts or options.deleted_conflicts):
        return {}
    others = [leaf for leaf in leaves(connection, found.id) if leaf.number != found.number]
    lists = {
        "_conflicts": [leaf.rev for leaf in others if options.conflicts and not leaf.deleted],
        "_deleted_conflicts": [leaf.rev for leaf in others if options.deleted_conflicts and leaf.deleted],
    }
    return {name: revs for name, revs in lists.items() if revs}


def _inline(connection: sqlite3.Connection, found: Revision) -> dict[str, Any]:
    return {
        name: {**each.as_header(), "data": base64.b64encode(each.blob.bytes(connection)).decode()}
        for name, each in found.attachments().items()
    }
