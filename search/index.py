"""Puts documents into the index, and forgets them. Doing it twice changes nothing."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import transaction

from couch.database import Document
from search.entries import entry_of, is_storable_id
from search.models import Entry, Kind
from storage import database_names

_BATCH = 200
"""Documents in a transaction: other writers of a SQLite file wait for no more than these."""
_UPDATED = ("kind", "box_id", "time", "title", "detail", "is_removed", "words")


def put_documents(database: str, docs: Sequence[Document]) -> None:
    """Index documents of an account's database or MODb as they are now; forget those that can't be found any more."""
    owner = database_names.parse(database)
    if owner is None:
        return
    latest = {doc["_id"]: doc for doc in docs if is_storable_id(doc["_id"])}
    for batch in _item_batches(latest.values()):
        made = {doc["_id"]: entry_of(owner.account_id, owner.month, doc) for doc in batch}
        entries = [entry for entry in made.values() if entry is not None]
        gone_ids = [doc_id for doc_id, entry in made.items() if entry is None]
        with transaction.atomic():
            _rows_of(owner.account_id).filter(document_id__in=gone_ids).delete()
            Entry.objects.bulk_create(
                entries,
                update_conflicts=True,
                unique_fields=["account_id", "document_id"],
                update_fields=_UPDATED,
            )


def forget(account_id: str, document_ids: Iterable[str]) -> None:
    """Remove documents of an account from the index."""
    for ids in _item_batches(filter(is_storable_id, document_ids)):
        _rows_of(account_id).filter(document_id__in=ids).delete()


def drop_database(database: str) -> None:
    """Forget all documents of a database that was deleted."""
    owner = database_names.parse(database)
    if owner is not None:
        _of_database(owner).delete()


def list_ids(database: str) -> set[str]:
    """Return the ids of the documents of a database that are in the index."""
    owner = database_names.parse(database)
    return set() if owner is None else set(_of_database(owner).values_list("document_id", flat=True))


def _rows_of(account_id: str) -> Any:
    return Entry.objects.filter(account_id=account_id)


def _of_database(owner: database_names.AccountDatabase) -> Any:
    entries = _rows_of(owner.account_id)
    if owner.month is None:
        return entries.exclude(kind=Kind.MESSAGE)
    return entries.filter(kind=Kind.MESSAGE, document_id__startswith=f"{owner.month}-")


def _item_batches(items: Iterable[Any]) -> Iterable[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
