"""Writes of documents: each names the revision that it replaces, and conflicts if that is not current any more."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from .attachments import Attachment, Blob, store_bytes, to_records
from .errors import CouchError, conflict
from .revisions import Rev, Revision, leaves, revision, winner
from .storage import DEFAULT_REVS_LIMIT, setting, update_seq


@dataclass(frozen=True)
class NewAttachment:
    """A new attachment: bytes in memory, or a stored blob."""

    content_type: str
    content: bytes | Blob


@dataclass(frozen=True)
class KeptAttachment:
    """An attachment that a write keeps from the revision that it replaces."""


@dataclass(frozen=True)
class Edit:
    """A document to write.  ``body`` is JSON without the special members.

    ``history`` has revision names, newest first.  For an ordinary write it is the one that the edit replaces, if any;
    for a replicated revision, its own name and those of all known ancestors.
    """

    id: str
    history: Sequence[Rev]
    deleted: bool
    body: bytes
    attachments: dict[str, NewAttachment | KeptAttachment]


def replaced_revision(connection: sqlite3.Connection, edit: Edit) -> Revision | None:
    """The revision that an edit replaces; None for a new document.  Raises a 409 ``CouchError``."""
    if edit.history:
        parent = revision(connection, edit.id, edit.history[0])
        if parent is None or not _is_leaf(connection, parent):
            raise conflict()
        return parent
    current = winner(connection, edit.id)
    if current is not None and (not current.deleted or edit.deleted):
        raise conflict()
    return current


def add_revision(connection: sqlite3.Connection, edit: Edit, parent: Revision | None) -> Rev:
    """Add the edit to the revision tree after ``parent``, and return its name.

    Raises a 412 ``CouchError`` if the parent lacks an attachment to keep.
    """
    gen = parent.gen + 1 if parent else 1
    rev = gen, os.urandom(16).hex()
    attachments = _attachments(connection, edit, parent, gen)
    _insert(connection, edit, rev, parent.number if parent else None, attachments)
    return rev


def graft(connection: sqlite3.Connection, edit: Edit) -> None:
    """Add a replicated revision, conflicts allowed.  Its own name is the first of the history."""
    existing = revision(connection, edit.id, edit.history[0])
    if existing is not None and existing.body is not None:
        return
    parent: int | None = None
    nearest: Revision | None = None
    for gen, name in reversed(edit.history[1:]):
        ancestor = revision(connection, edit.id, (gen, name))
        if ancestor is not None:
            nearest = ancestor
            parent = ancestor.number
        else:
            parent = connection.execute(
                "INSERT INTO revisions (id, gen, hash, parent, leaf, deleted) VALUES (?, ?, ?, ?, 0, 0)",
                (edit.id, gen, name, parent),
            ).lastrowid
    if existing is not None:
        return
    attachments = _attachments(connection, edit, nearest, edit.history[0][0])
    _insert(connection, edit, edit.history[0], parent, attachments)


def _insert(
    connection: sqlite3.Connection,
    edit: Edit,
    rev: Rev,
    parent: int | None,
    attachments: dict[str, Attachment],
) -> None:
    connection.execute("UPDATE revisions SET leaf = 0 WHERE n = ?", (parent,))
    connection.execute(
        "INSERT INTO revisions (id, gen, hash, parent, leaf, deleted, body, attachments) "
        "VALUES (?, ?, ?, ?, 1, ?, ?, ?)",
        (edit.id, *rev, parent, edit.deleted, edit.body, to_records(attachments)),
    )
    renew_sequence(connection, edit.id)
    limit = setting(connection, "revs_limit", DEFAULT_REVS_LIMIT)
    if rev[0] > limit:
        connection.execute("DELETE FROM revisions WHERE id = ? AND gen <= ? AND leaf = 0", (edit.id, rev[0] - limit))


def renew_sequence(connection: sqlite3.Connection, doc_id: str) -> None:
    """Give the document a new sequence and its winning revision, and update the counts."""
    before = connection.execute("SELECT deleted FROM documents WHERE id = ?", (doc_id,)).fetchone()
    best = leaves(connection, doc_id)[0]
    connection.execute(
        "INSERT OR REPLACE INTO documents (id, seq, winner, deleted) VALUES (?, ?, ?, ?)",
        (doc_id, update_seq(connection) + 1, best.number, best.deleted),
    )
    if before == (best.deleted,):
        return
    count = "UPDATE counts SET documents = documents + ? WHERE deleted = ?"
    connection.execute(count, (1, best.deleted))
    if before is not None:
        connection.execute(count, (-1, *before))


def _is_leaf(connection: sqlite3.Connection, candidate: Revision) -> bool:
    (leaf,) = connection.execute("SELECT leaf FROM revisions WHERE n = ?", (candidate.number,)).fetchone()
    return bool(leaf)


def _attachments(
    connection: sqlite3.Connection, edit: Edit, parent: Revision | None, gen: int
) -> dict[str, Attachment]:
    if not edit.attachments:
        return {}
    before = parent.attachments() if parent else {}
    after: dict[str, Attachment] = {}
    for name, attachment in edit.attachments.items():
        if isinstance(attachment, KeptAttachment):
            if name not in before:
                raise CouchError(412, "missing_stub", f"Invalid attachment stub in {edit.id} for {name}")
            after[name] = before[name]
        else:
            content = attachment.content
            blob = store_bytes(connection, content) if isinstance(content, bytes) else content
            after[name] = Attachment(attachment.content_type, gen, blob)
    return after
