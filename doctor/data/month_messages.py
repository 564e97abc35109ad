"""An account's messages of a month: their audio, mailbox and month, and whether the view counts them all."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from couch.client import couch
from couch.database import Database, Document
from doctor.data.kinds import Faults
from doctor.data.own_documents import OwnDocuments, has_attachment, iterate_documents
from storage import database_names, document_types, ownership, view_names
from voicemail.audio import recording
from voicemail.legacy.boxes import canonical_json

_BATCH = 200
_ATTEMPTS = 3


class _Link(NamedTuple):
    """Audio that is attached to another document."""

    path: str
    database: str
    doc_id: str


def check_month(own: OwnDocuments, database: Database, month: str, faults: Faults) -> int:
    """Add what is wrong with the messages of a MODb; returns how many live ones there are."""
    links: list[_Link] = []
    live_counts: Counter[bytes] = Counter()
    for doc in iterate_documents(database):
        path = f"accounts/{own.account_id}/vmboxes/{doc.get('source_id')}/messages/{doc['_id']}"
        if not ownership.may_be_in(doc, own.account_id):
            faults.add("document_of_another_account", path)
        if not _is_counted(doc):
            continue
        live_counts[canonical_json(doc.get("source_id"))] += 1
        _check_message(own, doc, month, path, faults)
        if (link := _find_link(doc, path)) is not None:
            links.append(link)
        if len(links) >= _BATCH:
            _check_links(own, links, faults)
            links = []
    _check_links(own, links, faults)
    _check_counts(database, month, own.account_id, live_counts, faults)
    return live_counts.total()


def _check_message(own: OwnDocuments, doc: Document, month: str, path: str, faults: Faults) -> None:
    box_id = doc.get("source_id")
    if not isinstance(box_id, str) or box_id not in own.live_boxes:
        faults.add("message_of_no_mailbox", path)
    if database_names.month_of_message(doc["_id"]) != month:
        faults.add("message_in_wrong_month", f"{path} (in {month})")
    if not recording.has_audio(doc):
        faults.add("message_without_audio", path)
    elif has_attachment(doc) and not any(_length(stub) for stub in doc["_attachments"].values()):
        faults.add("message_audio_empty", path)


def _length(stub: Any) -> int:
    length = stub.get("length") if isinstance(stub, dict) else None
    return length if isinstance(length, int) else 0


def _find_link(doc: Mapping[str, Any], path: str) -> _Link | None:
    """Where the audio of a message is that has none attached; None if it has, or has none at all."""
    if has_attachment(doc) or not recording.has_audio(doc):
        return None
    links = doc.get("pvt_attachments")
    entry = next(iter(links.values()), None) if isinstance(links, dict) else None
    handler = entry.get("handler") if isinstance(entry, dict) else None
    link = handler.get(recording.LINK) if isinstance(handler, dict) else None
    target = link if isinstance(link, dict) else {}
    database = database_names.decode(str(target.get("att_dbname") or ""))
    return _Link(path, database, str(target.get("att_docid") or ""))


def _check_links(own: OwnDocuments, links: list[_Link], faults: Faults) -> None:
    """Add the links to documents that are not there, have no attachment, or aren't the account's."""
    own_name = database_names.account_db(own.account_id)
    linked_ids: dict[str, set[str]] = {}
    for link in links:
        name = database_names.parse(link.database)
        if name is not None and name.account_id == own.account_id and link.database != own_name:
            linked_ids.setdefault(link.database, set()).add(link.doc_id)
    present = {(own_name, doc_id) for doc_id in own.ids_with_audio}
    for database, doc_ids in linked_ids.items():
        if couch().exists(database):
            docs = couch().database(database).fetch(doc_ids)
            present |= {(database, doc_id) for doc_id, doc in docs.items() if has_attachment(doc)}
    for link in links:
        if (link.database, link.doc_id) not in present:
            faults.add("message_audio_lost", link.path)


def _check_counts(database: Database, month: str, account_id: str, counts: Counter[bytes], faults: Faults) -> None:
    """Add a month whose view counts other messages than were read, and still does when both are counted again.

    Others may store messages meanwhile: a difference counts if it stays the same.
    """
    previous: tuple[Counter[bytes], Counter[bytes]] | None = None
    for _ in range(_ATTEMPTS):
        viewed = _count_by_view(database)
        if viewed == counts:
            return
        if previous == (viewed, counts):
            difference = f"{viewed.total():,} counted, {counts.total():,} there"
            faults.add("counts_differ", f"accounts/{account_id}: {month} ({difference})")
            return
        previous = viewed, counts
        counts = _count_documents(database)


def _count_by_view(database: Database) -> Counter[bytes]:
    rows = database.view(*view_names.MESSAGE_COUNTS_BY_FOLDER, group_level=1)
    counts: Counter[bytes] = Counter()
    for row in rows:
        counts[canonical_json(row["key"][0])] += row["value"] if isinstance(row["value"], int) else 0
    return +counts


def _count_documents(database: Database) -> Counter[bytes]:
    return Counter(canonical_json(doc.get("source_id")) for doc in iterate_documents(database) if _is_counted(doc))


def _is_counted(doc: Document) -> bool:
    """Whether the view counts a document: it is a message, and its ``pvt_deleted`` isn't true to JavaScript."""
    return doc.get("pvt_type") == document_types.MESSAGE and doc.get("pvt_deleted") in (None, False, 0, "")
