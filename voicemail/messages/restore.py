"""Restore removed messages to the mailbox they were removed from, with their audio.

A removed message's document is kept, with the folder it was in (see `deletion`). Kazoo doesn't note the folder: a
message that Kazoo removed is restored as ``new``, so that whoever missed it notices it.

Not restored are messages of a removed mailbox (restore the mailbox first), messages that were moved to another
mailbox, and messages past their retention, which must not be changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from couch.database import Database, Document
from crossbar.errors import BadIdentifier
from storage import gregorian, private_fields
from storage.private_fields import Actor
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import batches, bulk, deletion, retention
from voicemail.messages import store as message_store
from voicemail.messages.batches import Outcome
from voicemail.messages.deletion import MOVED_TO

MAILBOX_GONE = "mailbox_gone"
MOVED = "moved"


def restore_messages(
    account: Mapping[str, Any],
    box_id: str,
    ids: Iterable[str],
    actor: Actor | None,
    folder: str | None = None,
    *,
    with_expired: bool = False,
) -> Outcome:
    """Restore removed messages of a mailbox to the folder they were in, or to `folder`.

    Each id ends up in the outcome's `succeeded`, or in `failed` with a reason: ``mailbox_gone``, ``moved``,
    ``not_found``, ``conflict`` or retention.REASON (unless the mailbox itself is being restored: `with_expired`).
    A message that is live already succeeds and stays in its folder. Costs a fetch and a bulk write per month, and two
    requests for the mailbox: if it is deleted during the restore, the messages are removed again.
    """
    outcome = Outcome()
    unique_ids = list(dict.fromkeys(ids))
    if not _box_exists(account["_id"], box_id):
        _remove_again(account, box_id, unique_ids, actor, outcome)
        return outcome
    limit = gregorian.FIRST if with_expired else retention.limit(account["_id"])
    for modb, batch in batches.by_month(account["_id"], unique_ids, outcome):
        restored_ids: list[str] = []
        attempt = partial(_restore_batch, modb, box_id, folder, limit, actor, outcome, restored_ids)
        for message_id in batches.retry_conflicts(batch, attempt):
            outcome.fail(message_id, batches.CONFLICT)
        if restored_ids and not _box_exists(account["_id"], box_id):
            _remove_again(account, box_id, restored_ids, actor, outcome)
    return outcome


def get_removed(
    account_id: str, box_id: str, message_id: str, *, or_moved: bool = False
) -> tuple[Database, Document]:
    """The MODb and document of a removed message, whether its mailbox is removed or not.

    Raises BadIdentifier, also for a message that was moved to another mailbox, unless `or_moved`.
    """
    modb = message_store.modb_of(account_id, message_id)
    doc = None if modb is None else modb.get(message_id)
    if modb is None or doc is None or not deletion.is_removed(doc, box_id):
        raise BadIdentifier(message_id)
    if doc.get(MOVED_TO) and not or_moved:
        raise BadIdentifier(message_id)
    return modb, doc


def _restore_batch(
    modb: Database,
    box_id: str,
    folder: str | None,
    limit: int,
    actor: Actor | None,
    outcome: Outcome,
    restored_ids: list[str],
    ids: list[str],
) -> list[str]:
    """Fetch, restore and store messages of one month; the ids of those that another writer changed meanwhile."""
    docs = modb.fetch(ids)
    changed: list[Document] = []
    for message_id in ids:
        doc = docs.get(message_id)
        reason = _find_obstacle(doc, box_id, limit)
        if doc is None or reason is not None:
            outcome.fail(message_id, reason or batches.NOT_FOUND)
        elif private_fields.is_live(doc):
            outcome.succeeded.append(message_id)
            outcome.documents[message_id] = doc
        else:
            changed.append(private_fields.stamp_update(deletion.undelete_message(doc, folder), actor=actor))
    saved_ids, conflicts = batches.save(modb, changed, outcome)
    outcome.succeeded += saved_ids
    restored_ids += saved_ids
    return conflicts


def _find_obstacle(doc: Document | None, box_id: str, limit: int) -> str | None:
    """The reason why a document can't be restored as a message of a mailbox, or None."""
    if message_store.is_message(doc, box_id):
        return None
    if doc is None or not deletion.is_removed(doc, box_id):
        return batches.NOT_FOUND
    if doc.get(MOVED_TO):
        return MOVED
    return retention.REASON if retention.is_expired(doc, limit) else None


def _box_exists(account_id: str, box_id: str) -> bool:
    return mailbox_store.is_live(mailbox_store.find(account_id, box_id))


def _remove_again(
    account: Mapping[str, Any], box_id: str, ids: Sequence[str], actor: Actor | None, outcome: Outcome
) -> None:
    """Remove the messages again if their mailbox was deleted during the restore.

    Whoever deleted it may have passed before the messages were restored, or an earlier restore may have crashed
    before it looked at the mailbox.
    """
    bulk.remove_messages(account, {"_id": box_id}, ids, None, actor, with_expired=True)
    for message_id in ids:
        if message_id in outcome.succeeded:
            outcome.succeeded.remove(message_id)
        outcome.documents.pop(message_id, None)
        outcome.fail(message_id, MAILBOX_GONE)
