"""The erasure itself: documents, databases and their traces are deleted for good.

What somebody restored or changed since it was soft-deleted is not erased. The mailbox, user or account itself goes
first, on the very revision that was soft-deleted: from then on nobody can restore what belongs to it.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import groupby

from django.db.models import QuerySet

from accounts import account_index
from couch import erasing
from couch.client import couch
from couch.database import Document
from couch.errors import MissingDatabase
from erasure import documents, listing, scan, traces
from erasure.models import Erasure, ErasureItem
from erasure.scan import Tick
from search import index as search_index
from storage import database_names, maintenance, private_fields
from voicemail.legacy import boxes
from voicemail.messages import store as message_store

Kind, State = Erasure.Kind, ErasureItem.State
SUBJECTS = ("mailbox", "user", "account")


class Changed(Exception):
    """The mailbox, user or account itself was restored or changed after it was removed."""


def erase(erasure: Erasure, tick: Tick) -> None:
    """Erase the items of an erasure, whatever belongs to them, and their traces. Raises Changed.

    Messages that were changed are left, and held. Repeating it goes on where it was interrupted.
    """
    _erase_subjects(erasure)
    if erasure.kind == Kind.ACCOUNT:
        _drop_databases(erasure.account_id, tick)
        traces.erase_traces(erasure, tick)
        _erase_system_documents(erasure)
        return
    # What isn't soft-deleted by itself goes with what it belongs to.
    erasure.items.filter(state=State.LISTED, is_lead=False).update(state=State.REMOVED)
    pending = erasure.items.filter(state=State.REMOVED)
    for name, items in _item_batches(pending.exclude(kind__in=(*SUBJECTS, listing.ENTRY))):
        _erase_items(erasure, name, items)
        tick(len(items))
    _erase_entries(erasure)
    _erase_late_messages(erasure, tick)
    for account_id in set(erasure.items.values_list("account_id", flat=True)):
        # Old revisions of mailboxes hold entries of 3.x.
        documents.note_compaction(erasure, scan.account_database(account_id).name)
    traces.erase_traces(erasure, tick)


def _erase_subjects(erasure: Erasure) -> None:
    """Erase the mailboxes, the user or the account themselves; raises Changed before any is erased."""
    items = list(erasure.items.filter(state=State.REMOVED, kind__in=SUBJECTS).order_by("pk"))
    held = [item for item in items if _is_changed(couch().database(item.database).get(item.document_id), item)]
    if not held:
        for item in items:
            if documents.erase_revisions(erasure, item.database, {item.document_id: item.revision}):
                held.append(item)
            else:
                _set_state([item], State.ERASED)
    if held:
        _set_state(held, State.HELD)
        raise Changed


def _erase_items(erasure: Erasure, name: str, items: list[ErasureItem]) -> None:
    """Erase documents of a database; those that were soft-deleted by themselves only if nobody changed them."""
    docs: Mapping[str, Document] = {}
    with suppress(MissingDatabase):
        docs = couch().database(name).fetch(item.document_id for item in items)
    changed_ids = {
        item.document_id for item in items if item.is_lead and _is_changed(docs.get(item.document_id), item)
    }
    revisions = {item.document_id: item.revision if item.is_lead else "" for item in items}
    revisions = {doc_id: revision for doc_id, revision in revisions.items() if doc_id not in changed_ids}
    if revisions:
        changed_ids |= set(documents.erase_revisions(erasure, name, revisions))
    for item in items:
        # The last revision with a body: by it, it is checked that nothing can be read any more.
        item.revision = (docs.get(item.document_id) or {}).get("_rev", item.revision)
        item.state = State.HELD if item.document_id in changed_ids else State.ERASED
    ErasureItem.objects.bulk_update(items, ["revision", "state"])


def _erase_entries(erasure: Erasure) -> None:
    """Take entries of 3.x that could not become messages out of their mailboxes; others went with their mailbox."""
    items = erasure.items.filter(kind=listing.ENTRY, state__in=(State.LISTED, State.REMOVED))
    for account_id, box_id in (
        items.filter(is_lead=True).order_by().values_list("account_id", "mailbox_id").distinct()
    ):
        media_ids = set(items.filter(mailbox_id=box_id).values_list("document_id", flat=True))
        boxes.remove_entries(account_id, box_id, media_ids)
    items.update(state=State.ERASED)


def _is_changed(doc: Document | None, item: ErasureItem) -> bool:
    """Whether a document is no longer as it was soft-deleted; one that is gone is as good as erased."""
    return doc is not None and (private_fields.is_live(doc) or doc["_rev"] != item.revision)


def _set_state(items: list[ErasureItem], state: str) -> None:
    ErasureItem.objects.filter(pk__in=[item.pk for item in items]).update(state=state)


def _item_batches(items: "QuerySet[ErasureItem]") -> Iterator[tuple[str, list[ErasureItem]]]:
    """Items in batches of one database, all read before any changes its state."""
    for name, group in groupby(list(items.order_by("database", "pk")), key=lambda item: item.database):
        of_database = list(group)
        for start in range(0, len(of_database), erasing.BATCH_SIZE):
            yield name, of_database[start : start + erasing.BATCH_SIZE]


def _erase_late_messages(erasure: Erasure, tick: Tick) -> None:
    """Erase messages of erased mailboxes that were stored after the listing."""
    box_ids = set(erasure.items.filter(kind="mailbox", state=State.ERASED).values_list("document_id", flat=True))
    for modb in scan.month_databases(erasure.account_id) if box_ids else ():
        late_ids = [
            doc["_id"]
            for doc in scan.scan_documents(modb, tick)
            if doc.get("pvt_type") == message_store.TYPE and doc.get("source_id") in box_ids
        ]
        documents.erase_from(erasure, modb.name, late_ids)


def _drop_databases(account_id: str, tick: Tick) -> None:
    """Delete the databases of an account, its months first."""
    for name in sorted(maintenance.list_account_databases(account_id), key=len, reverse=True):
        couch().drop(name)
        search_index.drop_database(name)
        tick(1)


def _erase_system_documents(erasure: Erasure) -> None:
    """Erase what databases of the system hold of an account: its copy among all accounts, its hooks and tokens."""
    account_id = erasure.account_id
    for name in (database_names.WEBHOOKS, database_names.TOKENS):
        ids = [
            doc["_id"]
            for doc in scan.scan_documents(couch().database(name))
            if account_id in (doc.get("pvt_account_id"), doc.get("account_id"))
        ]
        documents.erase_from(erasure, name, ids)
    documents.erase_from(erasure, account_index.database().name, [account_id])
