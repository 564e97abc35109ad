"""An account's own database: mailboxes, their numbers, owners and greetings, and what messages link to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from couch.client import couch
from couch.database import Database, Document
from doctor.data.kinds import Faults
from media import greetings
from storage import database_names, document_types, ownership, private_fields
from voicemail.mailboxes import numbers

_PAGE_SIZE = 200


@dataclass
class OwnDocuments:
    """What has to be known of an account's documents to check those that link to them: ids, no documents."""

    account_id: str
    live_ids: set[str] = field(default_factory=set)
    ids_with_audio: set[str] = field(default_factory=set)
    live_boxes: set[str] = field(default_factory=set)
    boxes_by_number: dict[str, list[str]] = field(default_factory=dict)
    owner_of_box: dict[str, str] = field(default_factory=dict)
    media_of_greeting: dict[str, str] = field(default_factory=dict)
    """By the path of the document and the member."""


def iterate_documents(database: Database) -> Iterator[Document]:
    """Yield a database's documents but for design documents, read page by page."""
    start = ""
    while True:
        rows = database.all_docs(startkey=start, limit=_PAGE_SIZE + 1, include_docs=True)
        for row in rows[:_PAGE_SIZE]:
            doc = row.get("doc")
            if isinstance(doc, dict) and not row["id"].startswith("_"):
                yield doc
        if len(rows) <= _PAGE_SIZE:
            return
        start = rows[_PAGE_SIZE]["id"]


def read(account_id: str, faults: Faults) -> OwnDocuments:
    """Read an account's own database, and add what is wrong in it."""
    own = OwnDocuments(account_id)
    for doc in iterate_documents(couch().database(database_names.account_db(account_id))):
        _read_document(own, doc, faults)
    _check_links(own, faults)
    return own


def has_attachment(doc: Mapping[str, Any]) -> bool:
    """Whether a document has an attachment."""
    return isinstance(doc.get("_attachments"), dict) and bool(doc["_attachments"])


def _read_document(own: OwnDocuments, doc: Document, faults: Faults) -> None:
    doc_id, path = doc["_id"], f"accounts/{own.account_id}/{doc['_id']}"
    if not ownership.may_be_in(doc, own.account_id):
        faults.add("document_of_another_account", path)
    if has_attachment(doc):
        own.ids_with_audio.add(doc_id)
    if not private_fields.is_live(doc):
        return
    own.live_ids.add(doc_id)
    if doc.get("pvt_type") == document_types.MAILBOX:
        _read_box(own, doc, faults)
    elif doc.get("pvt_type") == document_types.USER:
        _read_greeting(own, f"accounts/{own.account_id}/users/{doc_id}", doc, greetings.OWNERS_NAME)


def _read_box(own: OwnDocuments, box: Document, faults: Faults) -> None:
    box_id = box["_id"]
    path = f"accounts/{own.account_id}/vmboxes/{box_id}"
    own.live_boxes.add(box_id)
    for number in numbers.of(box):
        own.boxes_by_number.setdefault(number, []).append(box_id)
    owner_id = box.get("owner_id")
    if isinstance(owner_id, str) and owner_id:
        own.owner_of_box[box_id] = owner_id
    for member in greetings.KINDS:
        _read_greeting(own, path, box, member)
    entries = box.get("messages")
    if isinstance(entries, list) and entries:
        faults.add("entries_of_3x", f"{path} ({len(entries):,})")


def _read_greeting(own: OwnDocuments, path: str, doc: Document, member: str) -> None:
    if media_id := greetings.stored_id(doc, member):
        own.media_of_greeting[f"{path} ({member})"] = media_id


def _check_links(own: OwnDocuments, faults: Faults) -> None:
    """Add what links into nowhere, now that all ids are known."""
    base = f"accounts/{own.account_id}/vmboxes"
    for number, box_ids in own.boxes_by_number.items():
        if len(box_ids) > 1:
            faults.add("mailbox_number_twice", f"{base}: {number} of {', '.join(box_ids)}")
    for box_id, owner_id in own.owner_of_box.items():
        if owner_id not in own.live_ids:
            faults.add("mailbox_owner_missing", f"{base}/{box_id} ({owner_id})")
    for path, media_id in own.media_of_greeting.items():
        if media_id not in own.live_ids:
            faults.add("greeting_missing", f"{path}: {media_id}")
        elif media_id not in own.ids_with_audio:
            faults.add("greeting_silent", f"{path}: {media_id}")
