"""Brings a database's design documents up to date without touching what belongs to others.

Kazoo may share the database, in a version of its own. Of the design documents that Kazoo owns only missing views
are added; a view, field or document that is there stays as it is. Our own documents are brought to what the files
say; fields that we don't write are kept there too. A second run finds nothing to do.
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
    """What syncing needs of a database."""

    def get_design(self, doc_id: str, /) -> Document | None:
        """The stored document, None when there is none."""

    def fetch_designs(self, ids: Iterable[str], /) -> dict[str, Document]:
        """Those of some documents that are stored, by id."""

    def put_design(self, doc: Document, /) -> Any:
        """Stores a document; raises when its revision is not the newest."""

    def view(self, ddoc: str, view: str, /, **options: Any) -> Any:
        """Queries a view."""


@dataclass(frozen=True)
class Change:
    """One design document that was changed, or with dry_run would be."""

    design: str
    action: str  # "create": it was not there; "add": missing views; "update": differing views of our own
    views: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.action} {self.design}: {', '.join(self.views)}"


def sync(database: Database, kind: str, *, dry_run: bool = False) -> list[Change]:
    """Adds and updates the design documents of a kind of database; says what changed, in a stable order.

    A concurrent writer's revision is read again and the change repeated on it. Changed documents are warmed:
    their indexes are built now and not in somebody's request. With dry_run nothing is written.
    """
    documents = design_documents(kind).values()
    stored = database.fetch_designs(wanted["_id"] for wanted in documents)
    changes = [
        change
        for wanted in documents
        if (change := _sync_document(database, stored.get(wanted["_id"]), wanted, dry_run=dry_run)) is not None
    ]
    if not dry_run:
        for change in changes:
            _warm(database, change)
    return changes


def _sync_document(database: Database, stored: Document | None, wanted: Document, *, dry_run: bool) -> Change | None:

    def attempt() -> Change | None:
        nonlocal stored
        merged, change = _merge(stored, wanted)
        if change is None or dry_run:
            return change
        try:
            database.put_design(merged)
        except Conflict:
            stored = database.get_design(wanted["_id"])
            raise
        return change

    return retry_on_conflict(attempt)


def _merge(stored: Document | None, wanted: Document) -> tuple[Document, Change | None]:
    """The document to store, and what is changed by it: None when nothing is."""
    if stored is None:
        return wanted, Change(wanted["_id"], "create", tuple(wanted["views"]))
    if wanted["_id"] in KAZOO_DOCUMENTS:
        return _extended(stored, wanted)
    return _updated(stored, wanted)


def _extended(stored: Document, wanted: Document) -> tuple[Document, Change | None]:
    """A document of Kazoo's, with the views it lacks."""
    present = stored.get("views") or {}
    missing = {name: view for name, view in wanted["views"].items() if name not in present}
    if not missing:
        return stored, None
    if stored.get("language", "javascript") != "javascript":
        # A design document has one language: JavaScript views would break those that are there.
        logger.warning("%s is written in %s: views not added", wanted["_id"], stored["language"])
        return stored, None
    merged = {**copy.deepcopy(stored), "views": {**present, **missing}}
    return merged, Change(wanted["_id"], "add", tuple(missing))


def _updated(stored: Document, wanted: Document) -> tuple[Document, Change | None]:
    """A document of our own, with exactly the views of the files and whatever other fields it was given."""
    present = stored.get("views") or {}
    names = sorted({*present, *wanted["views"]})
    different = tuple(name for name in names if present.get(name) != wanted["views"].get(name))
    if not different and stored.get("language") == wanted["language"]:
        return stored, None
    return {**stored, **wanted}, Change(wanted["_id"], "update", different or tuple(names))


def _warm(database: Database, change: Change) -> None:
    """Builds a document's index: one query does it for all views of the document.

    Over a large database that takes longer than a request may; CouchDB goes on building when nobody waits.
    """
    try:
        database.view(change.design.removeprefix("_design/"), change.views[-1], limit=0, reduce=False)
    except Exception as error:  # no failure to warm may fail the sync: the first reader would build it
        logger.info("Not waiting for the index of %s: %s", change.design, error)
