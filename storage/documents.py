"""Writes of documents that clients change: creation, change behind a guard, soft delete and its reversal.

Each write also drops the document from this process's caches (`document_cache`), so that no caller has to.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from couch.database import Database, Document
from couch.requests import Saved
from crossbar.errors import BadIdentifier
from storage import document_cache, private_fields
from storage.private_fields import Actor

Guard = Callable[[Document], None]
"""Checks the stored document before each attempt to change it, and raises if the caller must not."""


def put(database: Database, doc: Document) -> Document:
    """Store a document under its ``_id`` and return it with its new revision; Conflict for a taken id."""
    with _invalidated(database, doc["_id"]):
        return database.put(doc)


def put_all(database: Database, docs: Sequence[Document]) -> list[Saved]:
    """Store documents in one request as `Database.put_all` does, and return how each was stored."""
    with _invalidated(database, *(doc["_id"] for doc in docs)):
        return database.put_all(docs)


def update(database: Database, doc_id: str, edit: Callable[[Document], Document | None]) -> Document | None:
    """Change a document as `Database.update` does and return it as stored, None if there is none."""
    with _invalidated(database, doc_id):
        return database.update(doc_id, edit)


def change(
    database: Database,
    doc_id: str,
    pvt_type: str,
    edit: Callable[[Document], Document],
    *,
    actor: Actor | None = None,
    guard: Guard | None = None,
) -> Document:
    """Change a live document of a type and return it as stored.

    `edit` turns the stored document into the new one. After a lost race both `guard` and `edit` get the fresh one.
    Raises BadIdentifier if there is no such document, Conflict, and whatever the two raise.
    """

    def attempt(stored: Document) -> Document:
        if not private_fields.is_live(stored, pvt_type):
            raise BadIdentifier(doc_id)
        if guard is not None:
            guard(stored)
        return private_fields.stamp_update(edit(stored), actor=actor)

    changed = update(database, doc_id, attempt)
    if changed is None:
        raise BadIdentifier(doc_id)
    return changed


def soft_delete(
    database: Database,
    doc_id: str,
    pvt_type: str,
    *,
    actor: Actor | None = None,
    guard: Guard | None = None,
    **marks: Any,
) -> Document:
    """Mark a live document of a type as deleted, add further members, and return it; raises like `change`."""

    def mark(stored: Document) -> Document:
        return {**stored, "pvt_deleted": True, **marks}

    return change(database, doc_id, pvt_type, mark, actor=actor, guard=guard)


def undelete(doc: Document, *marks: str) -> Document:
    """Return a soft-deleted document as a live one, without the members that deleting it added (`marks`)."""
    return {key: value for key, value in doc.items() if key not in ("pvt_deleted", *marks)}


@contextmanager
def _invalidated(database: Database, *doc_ids: str) -> Iterator[None]:
    """Drop documents from the caches after a write, even if nobody knows whether it succeeded."""
    try:
        yield
    finally:
        for doc_id in doc_ids:
            document_cache.invalidate(database.name, doc_id)
