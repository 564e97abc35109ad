"""Changes of many messages of a mailbox at once: put them into a folder, or remove them.

They cost a fetch and a bulk write per month, not per message. Each id ends up in the outcome, in `succeeded` or with
a reason in `failed`. Moves and copies to other mailboxes are in `move`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from couch.database import Database, Document, Row
from storage import gregorian, modbs, private_fields, values, view_names
from storage.private_fields import Actor
from voicemail.legacy import on_access
from voicemail.messages import batches, deletion, metadata, misdated, retention
from voicemail.messages.batches import Outcome
from voicemail.messages.folders import FOLDERS, SAVED, shown_folder

Change = Callable[[Document], Document]


def change_folder(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    folder: str | None,
    actor: Actor | None,
    reason: str | None = None,
) -> Outcome:
    """Put messages of a mailbox into a folder. An unknown folder, or none, stands for ``saved``, as in Kazoo.

    `reason` is told to who follows changes (`folder_changes`).
    """
    target = folder if folder in FOLDERS else SAVED
    outcome = Outcome()
    current_ids = on_access.list_current_ids(account, box, ids, actor, outcome)
    return _change_all(
        account, box, current_ids, lambda doc: metadata.put_in_folder(doc, target, reason), actor, outcome
    )


def remove_messages(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str] | None,
    folder: str | None,
    actor: Actor | None,
    *,
    with_expired: bool = False,
) -> Outcome:
    """Remove messages of a mailbox: those with some ids, or else those of a folder, or else all.

    Messages past their retention fail, unless the mailbox itself is removed (`with_expired`).
    """
    change = deletion.soft_delete_with_box if with_expired else deletion.soft_delete
    if ids is None:
        if not with_expired:  # messages in 3.x's format are removed with the mailbox that holds them
            on_access.migrate_to_remove(account, box, folder, actor)
        all_ids = _list_ids(account["_id"], box["_id"], folder)
        return _change_all(account, box, all_ids, change, actor, Outcome(), with_expired=with_expired)
    outcome = Outcome()
    current_ids = on_access.list_current_ids(account, box, ids, actor, outcome, audio_optional=True)
    return _change_all(account, box, current_ids, change, actor, outcome, with_expired=with_expired)


def _change_all(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    change: Change,
    actor: Actor | None,
    outcome: Outcome,
    *,
    with_expired: bool = False,
) -> Outcome:
    """Change the messages of a mailbox that have these ids, each until no other writer interferes."""
    limit = gregorian.FIRST if with_expired else retention.limit(account["_id"])
    for modb, batch in batches.by_month(account["_id"], ids, outcome):
        attempt = partial(_change_batch, modb, box["_id"], change, limit, actor, outcome)
        for message_id in batches.retry_conflicts(batch, attempt):
            outcome.fail(message_id, batches.CONFLICT)
    return outcome


def _change_batch(
    modb: Database, box_id: str, change: Change, limit: int, actor: Actor | None, outcome: Outcome, ids: list[str]
) -> list[str]:
    """Fetch, change and store messages of one month; the ids of those that another writer changed meanwhile."""
    changeable, expired = batches.partition(modb.fetch(ids), ids, box_id, limit, outcome)
    changed: list[Document] = []
    for doc in changeable:
        new_doc = change(doc)
        if new_doc == doc:
            outcome.succeeded.append(doc["_id"])
            outcome.documents[doc["_id"]] = doc
        else:
            changed.append(private_fields.stamp_update(new_doc, actor=actor))
    saved_ids, conflicts = batches.save(modb, changed, outcome)
    outcome.succeeded += saved_ids
    return conflicts + batches.refuse_expired(modb, expired, actor, outcome)


def _list_ids(account_id: str, box_id: str, folder: str | None) -> Iterator[str]:
    """The ids of all live messages of a mailbox, or of those that listings show in a folder."""
    limit = retention.limit(account_id)
    for _, modb in modbs.list_existing(account_id):
        rows = modb.stream_view(*view_names.MESSAGES_BY_MAILBOX, startkey=[box_id], endkey=[box_id, {}])
        # All ids of a month are read before any message is changed: a removed message leaves the view.
        if folder is None:
            yield from [row["id"] for row in rows]
        else:
            misdated_messages = misdated.read(modb, limit)
            yield from [row["id"] for row in rows if _folder_of_row(row, limit, misdated_messages) == folder]


def _folder_of_row(row: Row, limit: int, misdated_messages: misdated.Messages) -> str:
    message = misdated_messages.get(row["id"])
    age = values.as_integer(row["value"].get("timestamp")) if message is None else message.age
    return shown_folder(row["value"].get("folder"), age, limit)
