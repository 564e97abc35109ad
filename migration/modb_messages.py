"""Read the messages in an account's MODbs, as a migration needs them: all, removed ones too, and their links."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from couch.client import couch
from couch.database import Database, Document
from migration.couchdb_source import iterate_documents
from migration.outages import Retry
from storage import database_names, document_types, modbs
from voicemail.audio import recording
from voicemail.legacy.documents import PREVIOUS_ID


def list_modbs(account_id: str, retry: Retry) -> list[Database]:
    """The account's MODbs, the oldest first. Adds no design documents to them, as `modbs.list_existing` may."""
    months = retry(partial(modbs.list_months, account_id))
    return [couch().database(database_names.modb(account_id, month)) for month in months]


def iterate_messages(modb: Database, retry: Retry) -> Iterator[Document]:
    """All messages of a MODb, including removed ones."""
    return (doc for doc in iterate_documents(modb, retry=retry) if doc.get("pvt_type") == document_types.MESSAGE)


def iterate_migrated(modb: Database, retry: Retry) -> Iterator[Document]:
    """The messages of a MODb that were migrated from media documents, including removed ones."""
    return (doc for doc in iterate_messages(modb, retry) if isinstance(doc.get(PREVIOUS_ID), str))


def iterate_linked(modb: Database, retry: Retry) -> Iterator[Document]:
    """The messages of a MODb whose audio is linked with Kazoo's soft link, including removed ones."""
    return (doc for doc in iterate_messages(modb, retry) if not doc.get("_attachments") and linked_ids(doc))


def linked_ids(message: Mapping[str, Any], account_id: str | None = None) -> set[str]:
    """The ids of the documents to which a message's soft links lead; with an account only those in its databases."""
    entries = message.get("pvt_attachments")
    ids = set()
    for entry in entries.values() if isinstance(entries, dict) else []:
        handler = entry.get("handler") if isinstance(entry, dict) else None
        link = handler.get(recording.LINK) if isinstance(handler, dict) else None
        if isinstance(link, dict) and isinstance(link.get("att_docid"), str) and _leads_to(link, account_id):
            ids.add(link["att_docid"])
    return ids


def _leads_to(link: Mapping[str, Any], account_id: str | None) -> bool:
    owner = database_names.parse(str(link.get("att_dbname") or ""))
    return account_id is None or owner is None or owner.account_id == account_id
