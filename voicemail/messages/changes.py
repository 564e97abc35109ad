"""Changes of many messages of a box at once: their folder, and their removal.

They cost a fetch and a bulk write per month touched, not per message. Every id ends up in `succeeded` or, with
its reason, in `failed`. Moving and copying to other boxes is in `carrying`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from couch.client import Database, Document, Row
from storage import gregorian, modbs, private_fields
from storage.private_fields import Actor
from voicemail.legacy import on_access
from voicemail.messages import bulk, metadata, retention
from voicemail.messages.bulk import Outcome

Change = Callable[[Document], Document]


def change_folder(
    account: Mapping[str, Any], box: Mapping[str, Any], ids: Iterable[str], folder: str | None, actor: Actor | None
) -> Outcome:
    """Put messages of a box into a folder; an unknown or missing one stands for ``saved``, as in Kazoo."""
    wanted = folder if folder in metadata.FOLDERS else metadata.SAVED
    outcome = Outcome()
    current = on_access.list_current_ids(account, box, ids, actor, outcome)
    return _apply(account, box, current, lambda doc: bulk.in_folder(doc, wanted), actor, outcome)


def remove(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str] | None,
    folder: str | None,
    actor: Actor | None,
    *,
    with_expired: bool = False,
) -> Outcome:
    """Remove messages of a box: those of some ids, else those of a folder, else all that there are.

    Those past their retention are refused, unless the box itself goes, or is gone (`with_expired`).
    """
    change = bulk.removed_with_box if with_expired else bulk.removed
    if ids is None:
        if not with_expired:  # what 3.x left in a box goes with the box
            on_access.migrate_to_remove(account, box, folder, actor)
        ids = _every_id(account["_id"], box["_id"], folder)
        return _apply(account, box, ids, change, actor, Outcome(), with_expired=with_expired)
    outcome = Outcome()
    current = on_access.list_current_ids(account, box, ids, actor, outcome, audio_optional=True)
    return _apply(account, box, current, change, actor, outcome, with_expired=with_expired)


def _apply(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    change: Change,
    actor: Actor | None,
    outcome: Outcome,
    *,
    with_expired: bool = False,
) -> Outcome:
    """Change the messages of a box that have these ids, again on fresh documents where somebody was quicker."""
    limit = gregorian.FIRST if with_expired else retention.limit(account["_id"])
    for modb, batch in bulk.batches(account["_id"], ids, outcome):
        for message_id in bulk.settle(batch, partial(_write, modb, box["_id"], change, limit, actor, outcome)):
            outcome.fail(message_id, bulk.CONFLICT)
    return outcome


def _write(
    modb: Database, box_id: str, change: Change, limit: int, actor: Actor | None, outcome: Outcome, ids: list[str]
) -> list[str]:
    """Fetch, change and store some messages of one month; the ids of those that another writer changed meanwhile."""
    fit, expired = bulk.sorted_out(modb.fetch(ids), ids, box_id, limit, outcome)
    changed: list[Document] = []
    for doc in fit:
        wanted = change(doc)
        if wanted == doc:
            outcome.succeeded.append(doc["_id"])
            outcome.documents[doc["_id"]] = doc
        else:
            changed.append(private_fields.stamp_update(wanted, actor=actor))
    stored, conflicts = bulk.store(modb, changed, outcome)
    outcome.succeeded += stored
    return conflicts + bulk.refuse(modb, expired, actor, outcome)


def _every_id(account_id: str, box_id: str, folder: str | None) -> Iterator[str]:
    """The ids of all live messages of a box, or of one of its folders as listings show them."""
    limit = retention.limit(account_id)
    for _, modb in modbs.existing(account_id):
        rows = modb.stream_view("mailbox_messages", "listing_by_mailbox", startkey=[box_id], endkey=[box_id, {}])
        # All ids of a month are taken before any is changed: a removed message leaves the view.
        yield from [row["id"] for row in rows if folder is None or _shown_folder(row, limit) == folder]


def _shown_folder(row: Row, limit: int) -> str:
    left = retention.as_number(row["value"].get("timestamp"))
    if left is not None and left < limit:
        return metadata.DELETED
    return row["value"].get("folder") or metadata.NEW
