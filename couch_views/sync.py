"""Sync of a database's design documents with the files, without changing anything of Kazoo's.

A Kazoo of any version may use the same database. To the design documents that Kazoo owns, only missing views are
added; existing views and other members stay as they are. Our own documents get exactly the views of the files; other
members stay as well. A second run changes nothing.
"""

import copy
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from couch.errors import Conflict
from couch.retry import retry_on_conflict
from couch_views.loader import KAZOO_DOCUMENTS, design_documents

logger = logging.getLogger(__name__)

Document = dict[str, Any]


class Database(Protocol):
    """The methods of a database that syncing needs."""

    def get_design(self, doc_id: str, /) -> Document | None:
        """Return a stored document, None if there is none."""

    def fetch_designs(self, ids: Iterable[str], /) -> dict[str, Document]:
        """Return the stored ones of some documents, by their ids."""

    def put_design(self, doc: Document, /) -> Any:
        """Store a document; Conflict if its revision is not the newest."""

    def view(self, design: str, view: str, /, **options: Any) -> Any:
        """Query a view."""


@dataclass(frozen=True)
class Change:
    """The change of one design document, made or, with `dry_run`, only found necessary."""

    design: str
    action: str
    """``create`` the document, ``add`` missing views, or ``update`` views of our own that differ."""
    views: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.action} {self.design}: {', '.join(self.views)}"


def sync(database: Database, kind: str, *, dry_run: bool = False) -> list[Change]:
    """Add and update the design documents of a kind of database; return the changes in a stable order.

    If another writer is quicker, the change is made again on that writer's revision. The indexes of changed documents
    are built now instead of in somebody's request. With `dry_run` nothing is written.
    """
    documents = design_documents(kind).values()
    stored = database.fetch_designs(document["_id"] for document in documents)
    changes = [
        change
        for document in documents
        if (change := _sync_document(database, stored.get(document["_id"]), document, dry_run=dry_run)) is not None
    ]
    if not dry_run:
        for change in changes:
            _build_index(database, change)
    return changes


def _sync_document(
    database: Database, stored: Document | None, document: Document, *, dry_run: bool
) -> Change | None:
    def attempt() -> Change | None:
        nonlocal stored
        merged, change = _merge_design(stored, document)
        if change is None or dry_run:
            return change
        try:
            database.put_design(merged)
        except Conflict:
            stored = database.get_design(document["_id"])
            raise
        return change

    return retry_on_conflict(attempt)


def _merge_design(stored: Document | None, document: Document) -> tuple[Document, Change | None]:
    """Return the document to store and its change, None if nothing changes."""
    if stored is None:
        return document, Change(document["_id"], "create", tuple(document["views"]))
    if document["_id"] in KAZOO_DOCUMENTS:
        return _add_missing_views(stored, document)
    return _replace_views(stored, document)


def _add_missing_views(stored: Document, document: Document) -> tuple[Document, Change | None]:
    """Return one of Kazoo's documents with the views it lacks, and its change."""
    present = stored.get("views") or {}
    missing = {name: view for name, view in document["views"].items() if name not in present}
    if not missing:
        return stored, None
    if stored.get("language", "javascript") != "javascript":
        # A design document has one language: JavaScript views would break the existing ones.
        logger.warning("%s is written in %s: views not added", document["_id"], stored["language"])
        return stored, None
    merged = {**copy.deepcopy(stored), "views": {**present, **missing}}
    return merged, Change(document["_id"], "add", tuple(missing))


def _replace_views(stored: Document, document: Document) -> tuple[Document, Change | None]:
    """Return one of our own documents with exactly the views of the files and its other members, and its change."""
    present = stored.get("views") or {}
    names = sorted({*present, *document["views"]})
    different = tuple(name for name in names if present.get(name) != document["views"].get(name))
    if not different and stored.get("language") == document["language"]:
        return stored, None
    return {**stored, **document}, Change(document["_id"], "update", different or tuple(names))


def _build_index(database: Database, change: Change) -> None:
    """Build the index of a design document, which a query of one of its views does for all of them.

    For a large database that takes longer than a request may; CouchDB goes on building when nobody waits.
    """
    try:
        database.view(change.design.removeprefix("_design/"), change.views[-1], limit=0, reduce=False)
    except Exception as error:  # the sync must not fail for this: the first reader builds the index then
        logger.info("Not waiting for the index of %s: %s", change.design, error)
