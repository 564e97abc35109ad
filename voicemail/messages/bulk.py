"""Which messages of a box some ids name, and what became of each when many are changed at once.

An id says which month holds its message, so finding any number of messages costs a request or two per month.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from couch.client import Database, Document
from storage import database_names, modbs, private_fields
from storage.private_fields import Actor
from voicemail.messages import metadata, retention
from voicemail.messages import store as message_store

NOT_FOUND = "not_found"
CONFLICT = "conflict"
MISSING_AUDIO = "missing_audio"
REMOVED_FROM = "pvt_removed_from"
"""Where a removed message tells the folder it was in, which restoring it needs. Kazoo leaves the member alone."""
REMOVED_WITH_BOX = "pvt_removed_with_box"
"""Marks a message that went because its box did: it comes back with the box."""
_BATCH = 500
_ATTEMPTS = 8
# So many months are looked for one by one; for more, one request tells which there are.
_FEW_MONTHS = 6


@dataclass
class Outcome:
    """What became of each message: the ids of those that were changed, and ``{id: reason}`` of the others.

    A move or copy tells the new messages' ids.
    """

    succeeded: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)
    """The changed messages as they are stored now, by their ids; of a move or copy nothing."""

    def fail(self, message_id: str, reason: str) -> None:
        """Count a message as not changed."""
        self.failed.append({message_id: reason})


def batches(
    account_id: str, ids: Iterable[str], outcome: Outcome, size: int = _BATCH
) -> Iterator[tuple[Database, list[str]]]:
    """Ids, each once, in batches of one month, each with its MODb.

    What is no message's id, or of a month without MODb, is counted as not found.
    """
    months: dict[str, list[str]] = {}
    for message_id in dict.fromkeys(ids):
        month = database_names.month_of_message(message_id)
        if month is None:
            outcome.fail(message_id, NOT_FOUND)
        else:
            months.setdefault(month, []).append(message_id)
    found = _modbs(account_id, months)
    for month, some in months.items():
        modb = found.get(month)
        if modb is None:
            for message_id in some:
                outcome.fail(message_id, NOT_FOUND)
            continue
        for start in range(0, len(some), size):
            yield modb, some[start : start + size]


def _modbs(account_id: str, months: Mapping[str, object]) -> dict[str, Database]:
    """The MODbs of some months, those that exist."""
    if len(months) > _FEW_MONTHS:
        return {month: modb for month, modb in modbs.existing(account_id) if month in months}
    opened = {month: modbs.open_for(account_id, month) for month in months}
    return {month: modb for month, modb in opened.items() if modb is not None}


def fetch(account_id: str, box_id: str, ids: Sequence[str]) -> dict[str, tuple[Database, Document]]:
    """The live messages of a box among some ids, each with its MODb, in the order of the ids."""
    found: dict[str, tuple[Database, Document]] = {}
    for modb, batch in batches(account_id, ids, Outcome()):
        docs = modb.fetch(batch)
        found |= {one: (modb, docs[one]) for one in batch if message_store.is_of_box(docs.get(one), box_id)}
    return {one: found[one] for one in ids if one in found}


def sorted_out(
    docs: Mapping[str, Document], ids: Iterable[str], box_id: str, limit: int, outcome: Outcome
) -> tuple[list[Document], list[Document]]:
    """Of fetched documents, the live messages of a box that may be changed, and those past their retention.

    The ids of no live message of the box are counted as not found.
    """
    fit: list[Document] = []
    expired: list[Document] = []
    for message_id in ids:
        doc = docs.get(message_id)
        if doc is None or not message_store.is_of_box(doc, box_id):
            outcome.fail(message_id, NOT_FOUND)
        else:
            (expired if retention.is_expired(doc, limit) else fit).append(doc)
    return fit, expired


def refuse(modb: Database, expired: Iterable[Document], actor: Actor | None, outcome: Outcome) -> list[str]:
    """Refuse to change messages past their retention: what they are shown as is what they become, deleted.

    Returns the ids of those that another writer changed meanwhile.
    """
    undeleted = []
    for doc in expired:
        if metadata.folder(doc) == metadata.DELETED:
            outcome.fail(doc["_id"], retention.REASON)
        else:
            undeleted.append(private_fields.stamp_update(in_folder(doc, metadata.DELETED), actor=actor))
    stored, conflicts = store(modb, undeleted, outcome)
    for message_id in stored:
        outcome.fail(message_id, retention.REASON)
    return conflicts


def store(modb: Database, docs: Sequence[Document], outcome: Outcome) -> tuple[list[str], list[str]]:
    """Store documents in one request: the ids of those stored, and of those that another writer changed meanwhile.

    Those that CouchDB refuses are counted as failed, with its word for why.
    """
    stored: list[str] = []
    conflicts: list[str] = []
    for doc, saved in zip(docs, modb.bulk(docs), strict=True):
        if saved.error == CONFLICT:
            conflicts.append(saved.id)
        elif saved.error is not None:
            outcome.fail(saved.id, saved.error)
        else:
            stored.append(saved.id)
            outcome.documents[saved.id] = {**doc, "_rev": saved.rev}
    return stored, conflicts


def settle(ids: list[str], attempt: Callable[[list[str]], list[str]]) -> list[str]:
    """Attempt something with some messages, and again with those that it returns: somebody else was quicker there.

    Returns the ids of those where that never ended.
    """
    left = attempt(ids)
    for turn in range(_ATTEMPTS):
        if not left:
            break
        # Writers that lost together must not meet again.
        time.sleep(random.uniform(0, 0.01 * 2 ** min(turn, 5)))  # noqa: S311 - no secret
        left = attempt(left)
    return left


def in_folder(doc: Document, folder: str) -> Document:
    """A message's document with the message in a folder."""
    return {**doc, "metadata": {**metadata.of(doc), "folder": folder}}


def removed(doc: Document) -> Document:
    """A message's document with the message gone from every listing; the document stays, and tells its folder."""
    was_in = metadata.folder(doc) or metadata.NEW
    return {**in_folder(doc, metadata.DELETED), "pvt_deleted": True, REMOVED_FROM: was_in}


def removed_with_box(doc: Document) -> Document:
    """The same for a message whose box is removed."""
    return {**removed(doc), REMOVED_WITH_BOX: True}
