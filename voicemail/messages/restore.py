"""Bringing removed messages back: into the listings of the mailbox they were removed from, audio and all.

Removing keeps the document (``pvt_deleted``), and tells the folder that the message was in (``pvt_removed_from``).
A message that Kazoo removed doesn't tell it: that one comes back as ``new``, so that whoever missed it notices it.

What can't be restored: a message of a mailbox that is removed or gone (restore the mailbox first), one that went on
into another mailbox, and one past its retention, which nothing may change any more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from couch.client import Database, Document
from crossbar.errors import BadIdentifier
from storage import gregorian, modbs, private_fields
from storage.private_fields import Actor
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, changes, metadata, retention
from voicemail.messages import store as message_store
from voicemail.messages.bulk import REMOVED_FROM, REMOVED_WITH_BOX, Outcome
from voicemail.messages.listing import REMOVED
from voicemail.messages.move import MOVED_TO

MAILBOX_GONE = "mailbox_gone"
MOVED = "moved"


def restore(
    account: Mapping[str, Any],
    box_id: str,
    ids: Iterable[str],
    actor: Actor | None,
    folder: str | None = None,
    *,
    with_expired: bool = False,
) -> Outcome:
    """Restore removed messages of a box into the folder they were in, or into `folder`.

    Every id ends up in `succeeded` or, with its reason, in `failed`: ``mailbox_gone``, ``moved``, ``not_found``,
    ``conflict``, retention.REASON (unless the box itself comes back: `with_expired`). One that is restored already
    has succeeded, and stays in whatever folder it is in now. Costs a fetch and a bulk write per month, and a request
    for the box before and after: a box that is removed meanwhile takes its messages with it.
    """
    outcome = Outcome()
    wanted = list(dict.fromkeys(ids))
    if not _is_there(account["_id"], box_id):
        _take_back(account, box_id, wanted, actor, outcome)
        return outcome
    limit = gregorian.FIRST if with_expired else retention.limit(account["_id"])
    for modb, batch in bulk.batches(account["_id"], wanted, outcome):
        restored: list[str] = []
        attempt = partial(_write, modb, box_id, folder, limit, actor, outcome, restored)
        for message_id in bulk.settle(batch, attempt):
            outcome.fail(message_id, bulk.CONFLICT)
        if restored and not _is_there(account["_id"], box_id):
            _take_back(account, box_id, restored, actor, outcome)
    return outcome


def find(account_id: str, box_id: str, message_id: str) -> tuple[Database, Document]:
    """A removed message of a box, whether the box is there or not: its MODb and document; else BadIdentifier.

    One that was moved isn't a removed one: it is where it was moved to.
    """
    database = message_store.database_of(account_id, message_id)
    doc = None if database is None else database.get(message_id)
    if database is None or doc is None or not is_removed(doc, box_id) or doc.get(MOVED_TO):
        raise BadIdentifier(message_id)
    return database, doc


def mailbox(account_id: str, box_id: str) -> tuple[Document, bool]:
    """The mailbox of a removed message, and whether it is there; what is known of it where it is removed or gone."""
    doc = None if box_id[:1] in ("", "_") else mailbox_store.database_of(account_id).get(box_id)
    if doc is None or doc.get("pvt_type") != mailbox_store.TYPE:
        return {"_id": box_id}, False
    return doc, private_fields.is_live(doc)


def removed_ids(account_id: str, box_id: str, since: int | None = None) -> Iterator[str]:
    """The ids of a box's removed messages, the latest month first: all, or those removed at a time or later."""
    for _, modb in modbs.existing(account_id):
        rows = modb.stream_view(REMOVED.design, REMOVED.of_box, startkey=[box_id], endkey=[box_id, {}])
        # All ids of a month are taken before any is restored: a restored message leaves the view.
        yield from [row["id"] for row in rows if since is None or (row["value"].get("removed") or since) >= since]


def is_removed(doc: Mapping[str, Any] | None, box_id: str) -> bool:
    """Whether a document is a removed message of a box."""
    return (
        doc is not None
        and doc.get("pvt_type") == message_store.TYPE
        and doc.get("source_id") == box_id
        and not private_fields.is_live(doc)
    )


def folder_back(removed_from: object, folder: object) -> str:
    """The folder that a removed message comes back into, by the one it tells it was in and the one it is in."""
    for told in (removed_from, metadata.NEW if folder == metadata.DELETED else folder):
        if isinstance(told, str) and told in metadata.FOLDERS:
            return told
    return metadata.NEW


def _write(
    modb: Database,
    box_id: str,
    folder: str | None,
    limit: int,
    actor: Actor | None,
    outcome: Outcome,
    restored: list[str],
    ids: list[str],
) -> list[str]:
    """Fetch, restore and store some messages of one month; the ids of those that another writer changed meanwhile."""
    docs = modb.fetch(ids)
    changed: list[Document] = []
    for message_id in ids:
        doc = docs.get(message_id)
        reason = _reason_against(doc, box_id, limit)
        if doc is None or reason is not None:
            outcome.fail(message_id, reason or bulk.NOT_FOUND)
        elif private_fields.is_live(doc):
            outcome.succeeded.append(message_id)
            outcome.documents[message_id] = doc
        else:
            changed.append(private_fields.stamp_update(_restored(doc, folder), actor=actor))
    stored, conflicts = bulk.store(modb, changed, outcome)
    outcome.succeeded += stored
    restored += stored
    return conflicts


def _reason_against(doc: Document | None, box_id: str, limit: int) -> str | None:
    """Why a document can't be restored as a message of a box; None when nothing speaks against it."""
    if message_store.is_of_box(doc, box_id):
        return None
    if doc is None or not is_removed(doc, box_id):
        return bulk.NOT_FOUND
    if doc.get(MOVED_TO):
        return MOVED
    return retention.REASON if retention.is_expired(doc, limit) else None


def _restored(doc: Document, folder: str | None) -> Document:
    wanted = folder if folder in metadata.FOLDERS else folder_back(doc.get(REMOVED_FROM), metadata.folder(doc))
    live = {key: value for key, value in doc.items() if key not in ("pvt_deleted", REMOVED_FROM, REMOVED_WITH_BOX)}
    return bulk.in_folder(live, wanted)


def _is_there(account_id: str, box_id: str) -> bool:
    return mailbox(account_id, box_id)[1]


def _take_back(
    account: Mapping[str, Any], box_id: str, ids: Sequence[str], actor: Actor | None, outcome: Outcome
) -> None:
    """See that messages are removed whose box was removed while they came back: who removed it may have passed them
    by, or a kill kept us from looking.
    """
    changes.remove(account, {"_id": box_id}, ids, None, actor, with_expired=True)
    for message_id in ids:
        if message_id in outcome.succeeded:
            outcome.succeeded.remove(message_id)
        outcome.documents.pop(message_id, None)
        outcome.fail(message_id, MAILBOX_GONE)
