"""Kazoo's own settings: documents in `system_config`, and an account's `configs_*` documents that override them.

They are read as Kazoo wrote them, and an account's own are written as Kazoo reads them. A change is noticed within
CACHE_SECONDS, by the process that made it at once.
"""

from collections.abc import Callable
from typing import Any

from couch.client import couch
from couch.database import Database, Document
from couch.errors import Conflict
from storage import database_names, document_types, documents, gregorian, private_fields, values
from storage.document_cache import DocumentCache
from storage.private_fields import Actor

CACHE_SECONDS = 8

_categories: DocumentCache[Document] = DocumentCache(1_000, CACHE_SECONDS)
_account_settings: DocumentCache[Document] = DocumentCache(10_000, CACHE_SECONDS)


def category(name: str) -> dict[str, Any]:
    """Return the `default` section of a document in `system_config`, empty if there is none."""

    def read() -> Document:
        doc = couch().database(database_names.CONFIG).get(name) or {}
        section = doc.get("default")
        return section if isinstance(section, dict) else {}

    return _categories.get_or_read(database_names.CONFIG, name, read)


def change_category(name: str, edit: Callable[[dict[str, Any]], dict[str, Any] | None]) -> dict[str, Any]:
    """Change the `default` section of a document in `system_config`, and return it as stored.

    `edit` gets a copy of the section, empty if there is none, and returns the new one, or None to leave it.
    Raises Conflict after many lost races.
    """
    couch().create(database_names.CONFIG)
    database = couch().database(database_names.CONFIG)

    def change(doc: Document) -> Document | None:
        section = doc.get("default")
        edited = edit(dict(section) if isinstance(section, dict) else {})
        return None if edited is None else private_fields.stamp_update({**doc, "default": edited})

    if database.get(name) is None:
        created = {"_id": name, "pvt_type": document_types.CONFIG, "pvt_created": gregorian.now(), "default": {}}
        database.put_all([created])  # of two processes that do this at once, one finds the other's document
    stored = documents.update(database, name, change) or {}
    section = stored.get("default")
    return section if isinstance(section, dict) else {}


def for_account(account_id: str, name: str) -> dict[str, Any]:
    """Return an account's own `configs_<name>` document, empty if there is none: `category` has the defaults."""
    database, doc_id = _account_database(account_id), document_id(name)
    return _account_settings.get_or_read(database.name, doc_id, lambda: _live_settings(database.get(doc_id)))


def is_cached(account_id: str, name: str) -> bool:
    """Whether `for_account` can answer without a request."""
    return _account_settings.get(database_names.account_db(account_id), document_id(name)) is not None


def put_in_cache(account_id: str, name: str, doc: Document | None, generation: int) -> None:
    """Cache an account's document that was fetched just now, or that it has none, for `for_account`.

    `generation` is that of `document_cache` before the fetch.
    """
    database_name = database_names.account_db(account_id)
    _account_settings.put(database_name, document_id(name), _live_settings(doc), generation)


def document_id(name: str) -> str:
    """Return the id of the document with an account's own settings of a category."""
    return f"configs_{name}"


def is_on(account_id: str, name: str, setting: str) -> bool:
    """Whether a switch is on in an account: by its own settings, else by `system_config`; off if neither has it."""
    return values.is_true(for_account(account_id, name).get(setting, category(name).get(setting)))


def change_for_account(
    account_id: str, name: str, edit: Callable[[Document], Document], actor: Actor | None = None
) -> Document:
    """Change an account's own `configs_<name>` document, an empty one if there is none, and return it as stored.

    Conflict after many lost races.
    """
    database, doc_id = _account_database(account_id), document_id(name)

    def change(doc: Document) -> Document:
        return private_fields.stamp_update(edit(documents.undelete(doc)), actor=actor)

    stored = documents.update(database, doc_id, change)
    if stored is not None:
        return stored
    empty = private_fields.stamp_new(
        {"_id": doc_id}, pvt_type=document_types.CONFIG, account_id=account_id, db_name=database.name
    )
    try:
        return documents.put(database, change(empty))
    except Conflict:  # another process created it just now
        return documents.update(database, doc_id, change) or empty


def _account_database(account_id: str) -> Database:
    return couch().database(database_names.account_db(account_id))


def _live_settings(doc: Document | None) -> Document:
    return doc if private_fields.is_live(doc) else {}
