"""Verify that nothing in an account's databases here belongs to another account.

The migration decides by `ownership`; here that is looked at in another way. All documents are read again, here and in
the source, and whatever account they name anywhere in their private members counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from couch.client import couch
from couch.database import Database, Document
from migration import modb_messages
from migration.compare import DIFFERING
from migration.couchdb_source import iterate_documents
from migration.outages import Retry
from migration.progress import Row
from migration.sources import MIGRATED_TYPES, Source, document_type
from storage import database_names
from storage.ownership import REASON
from voicemail.legacy.documents import PREVIOUS_ID

_BATCH = 200
_MEMBERS = ("pvt_account_id", "pvt_account_db")
_ACCOUNT_ID = re.compile(r"[0-9a-f]{32}")
_NOT_OF_AN_ID = re.compile(r"%2f|/|account|-\d{6}")


def find_foreign(source: Source, account_id: str, retry: Retry) -> Iterator[Row]:
    """A row for each document in an account's databases here that belongs to another account."""
    own_database = couch().database(database_names.account_db(account_id))
    for database in (own_database, *modb_messages.list_modbs(account_id, retry)):
        if not retry(database.exists):
            continue
        documents = (doc for doc in iterate_documents(database, retry=retry) if document_type(doc) in MIGRATED_TYPES)
        while batch := list(islice(documents, _BATCH)):
            yield from retry(partial(_check_batch, source, account_id, database, batch))


def named_accounts(doc: Mapping[str, Any]) -> set[str]:
    """The ids of all accounts that a document's private members name, in whatever form."""
    texts = (_NOT_OF_AN_ID.sub("", str(doc.get(member) or "").lower().replace("%252f", "/")) for member in _MEMBERS)
    return {account_id for text in texts for account_id in _ACCOUNT_ID.findall(text)}


def _check_batch(source: Source, account_id: str, database: Database, batch: list[Document]) -> list[Row]:
    origins: dict[str, set[str]] = {}
    if not source.is_served:
        ids = {doc_id for doc in batch for doc_id in _ids_in_source(doc)}
        for doc in source.read_again(account_id, ids):
            origins.setdefault(doc["_id"], set()).update(named_accounts(doc))
    return [
        Row(
            account_id,
            _id_or_none(doc.get("source_id")),
            _id_or_none(doc.get(PREVIOUS_ID)),
            doc["_id"],
            DIFFERING,
            REASON,
        )
        for doc in batch
        if not _is_own(doc, account_id, origins)
    ]


def _is_own(doc: Document, account_id: str, origins: Mapping[str, set[str]]) -> bool:
    """Whether a document here names no other account, and comes from documents of the same account."""
    if named_accounts(doc) - {account_id}:
        return False
    named_in_source = (origins.get(doc_id, set()) for doc_id in _ids_in_source(doc))
    return all(not names or account_id in names for names in named_in_source)


def _ids_in_source(doc: Document) -> Iterable[str]:
    """The ids that a document, and those that it comes from, have in the source."""
    # The id of a message is that of its media document, behind the month.
    ids = (doc["_id"], doc["_id"].partition("-")[2], doc.get(PREVIOUS_ID), doc.get("source_id"))
    return [doc_id for doc_id in ids if isinstance(doc_id, str) and doc_id]


def _id_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
