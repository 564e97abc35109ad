"""Revisions of documents: read from the revision tree, and shown as JSON."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from . import jsontext
from .attachments import Attachment, from_records
from .errors import bad_request

Rev = tuple[int, str]

_COLUMNS = "r.n, r.id, r.gen, r.hash, r.parent, r.deleted, r.body, r.attachments"


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a document, as stored.  ``body`` is None when only its name is known."""

    number: int
    id: str
    gen: int
    hash: str
    parent: int | None
    deleted: int
    body: bytes | None
    attachment_records: str | None

    @property
    def rev(self) -> str:
        """Its name, ``generation-hash``."""
        return f"{self.gen}-{self.hash}"

    def attachments(self) -> dict[str, Attachment]:
        """Its attachments by name."""
        return from_records(self.attachment_records)

    def as_json(self, members: dict[str, Any] | None = None, *, stubs: bool = True) -> bytes:
        """The document as JSON text, with further members and, if ``stubs``, the stubs of its attachments."""
        parts = [b'"_id":' + jsontext.dumps(self.id), f'"_rev":"{self.rev}"'.encode()]
        if self.deleted:
            parts.append(b'"_deleted":true')
        if self.body is not None and len(self.body) > len(b"{}"):
            parts.append(self.body[1:-1])
        if members:
            parts.append(jsontext.dumps(members)[1:-1])
        if stubs and self.attachment_records:
            shown = {name: attachment.as_stub() for name, attachment in self.attachments().items()}
            parts.append(b'"_attachments":' + jsontext.dumps(shown))
        return b"{" + b",".join(parts) + b"}"


def parse_rev(text: Any) -> Rev:
    """A revision's name in its two parts.  Raises a 400 ``CouchError``."""
    if isinstance(text, str):
        gen, dash, name = text.partition("-")
        if dash and name and gen.isascii() and gen.isdigit() and len(gen) < 10 and name.isprintable():
            return int(gen), name
    raise bad_request("Invalid rev format")


def winner(connection: sqlite3.Connection, doc_id: str) -> Revision | None:
    """A document's winning revision, which may be a deletion; None if the document never existed."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM documents d JOIN revisions r ON r.n = d.winner WHERE d.id = ?",  # noqa: S608
        (doc_id,),
    ).fetchone()
    return row and Revision(*row)


def revision(connection: sqlite3.Connection, doc_id: str, rev: Rev) -> Revision | None:
    """One revision by name."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM revisions r WHERE id = ? AND gen = ? AND hash = ?",  # noqa: S608
        (doc_id, *rev),
    ).fetchone()
    return row and Revision(*row)


def leaves(connection: sqlite3.Connection, doc_id: str) -> list[Revision]:
    """The revisions without successors, the winner first, deletions last."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM revisions r WHERE id = ? AND leaf = 1 "  # noqa: S608
        "ORDER BY deleted, gen DESC, hash DESC",
        (doc_id,),
    )
    return [Revision(*row) for row in rows]


def changed_since(connection: sqlite3.Connection, seq: int, limit: int) -> list[tuple[int, Revision]]:
    """The documents changed after a sequence, each once with its last change, oldest change first."""
    rows = connection.execute(
        f"SELECT d.seq, {_COLUMNS} FROM documents d JOIN revisions r ON r.n = d.winner "  # noqa: S608
        "WHERE d.seq > ? ORDER BY d.seq LIMIT ?",
        (seq, limit),
    )
    return [(row[0], Revision(*row[1:])) for row in rows]


def ancestry(connection: sqlite3.Connection, of: Revision) -> list[tuple[int, str, bool]]:
    """The revision and its ancestors, newest first: generation, hash, whether the body is still stored."""
    rows = connection.execute(
        """
        WITH RECURSIVE line (n) AS (
            SELECT ?
            UNION ALL
            SELECT r.parent FROM line JOIN revisions r ON r.n = line.n WHERE r.parent IS NOT NULL
        )
        SELECT r.gen, r.hash, r.body IS NOT NULL FROM line JOIN revisions r ON r.n = line.n
        """,
        (of.number,),
    )
    return [(gen, name, bool(available)) for gen, name, available in rows]
