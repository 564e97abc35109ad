"""The parts that changes of many messages are made of: batches by month, and the outcome of each message.

An id says which month holds its message, so fetching any number of messages costs a request or two per month.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from couch.database import Database, Document
from couch.retry import paced_attempts
from storage import database_names, modbs, private_fields
from storage.private_fields import Actor
from voicemail.messages import metadata, retention
from voicemail.messages import store as message_store
from voicemail.messages.folders import DELETED

NOT_FOUND = "not_found"
CONFLICT = "conflict"
MISSING_AUDIO = "missing_audio"
_BATCH_SIZE = 500
_ATTEMPTS = 9
# Up to so many months are looked up one by one. For more, one request tells which exist.
_FEW_MONTHS = 6


@dataclass
class Outcome:
    """The ids of the messages that were changed, and ``{id: reason}`` of those that were not.

    After a move or copy `succeeded` holds the ids of the new messages.
    """

    succeeded: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)
    """The changed messages as they are stored now, by id; after a move those that were left behind."""
    new_ids: dict[str, str] = field(default_factory=dict)
    """After a move, the ids of the new messages by the ids of the old ones."""

    def fail(self, message_id: str, reason: str) -> None:
        """Record why a message was not changed."""
        self.failed.append({message_id: reason})


def by_month(
    account_id: str, ids: Iterable[str], outcome: Outcome, size: int = _BATCH_SIZE
) -> Iterator[tuple[Database, list[str]]]:
    """Divide ids, without repetitions, into batches of one month: each with its MODb.

    What is not the id of a message, or is one of a month without a MODb, fails as not found.
    """
    months: dict[str, list[str]] = {}
    for message_id in dict.fromkeys(ids):
        month = database_names.month_of_message(message_id)
        if month is None:
            outcome.fail(message_id, NOT_FOUND)
        else:
            months.setdefault(month, []).append(message_id)
    opened = _open_modbs(account_id, months)
    for month, month_ids in months.items():
        modb = opened.get(month)
        if modb is None:
            for message_id in month_ids:
                outcome.fail(message_id, NOT_FOUND)
            continue
        for start in range(0, len(month_ids), size):
            yield modb, month_ids[start : start + size]


def _open_modbs(account_id: str, months: Mapping[str, object]) -> dict[str, Database]:
    """The existing MODbs of some months."""
    if len(months) > _FEW_MONTHS:
        return {month: modb for month, modb in modbs.list_existing(account_id) if month in months}
    opened = {month: modbs.find(account_id, month) for month in months}
    return {month: modb for month, modb in opened.items() if modb is not None}


def fetch(account_id: str, box_id: str, ids: Sequence[str]) -> dict[str, tuple[Database, Document]]:
    """The live messages of a mailbox among some ids, each with its MODb, in the order of the ids."""
    messages: dict[str, tuple[Database, Document]] = {}
    for modb, batch in by_month(account_id, ids, Outcome()):
        for message_id, doc in modb.fetch(batch).items():
            if message_store.is_message(doc, box_id):
                messages[message_id] = (modb, doc)
    return {message_id: messages[message_id] for message_id in ids if message_id in messages}


def partition(
    docs: Mapping[str, Document], ids: Iterable[str], box_id: str, limit: int, outcome: Outcome
) -> tuple[list[Document], list[Document]]:
    """Divide fetched documents into the messages of a mailbox that may be changed and those past their retention.

    Ids that are not those of live messages of the mailbox fail as not found.
    """
    changeable: list[Document] = []
    expired: list[Document] = []
    for message_id in ids:
        doc = docs.get(message_id)
        if doc is None or not message_store.is_message(doc, box_id):
            outcome.fail(message_id, NOT_FOUND)
        else:
            (expired if retention.is_expired(doc, limit) else changeable).append(doc)
    return changeable, expired


def refuse_expired(modb: Database, expired: Iterable[Document], actor: Actor | None, outcome: Outcome) -> list[str]:
    """Fail messages that are past their retention, and store the folder ``deleted`` in them, as Kazoo does.

    Returns the ids of those that another writer changed meanwhile.
    """
    changed = []
    for doc in expired:
        if metadata.folder(doc) == DELETED:
            outcome.fail(doc["_id"], retention.REASON)
        else:
            changed.append(private_fields.stamp_update(metadata.put_in_folder(doc, DELETED), actor=actor))
    saved_ids, conflicts = save(modb, changed, outcome)
    for message_id in saved_ids:
        outcome.fail(message_id, retention.REASON)
    return conflicts


def save(modb: Database, docs: Sequence[Document], outcome: Outcome) -> tuple[list[str], list[str]]:
    """Store documents in one request: the ids of those stored, and of those that another writer changed meanwhile.

    Those that CouchDB rejects fail, with CouchDB's error as the reason.
    """
    saved_ids: list[str] = []
    conflicts: list[str] = []
    for doc, result in zip(docs, modb.put_all(docs), strict=True):
        if result.error == CONFLICT:
            conflicts.append(result.id)
        elif result.error is not None:
            outcome.fail(result.id, result.error)
        else:
            saved_ids.append(result.id)
            outcome.documents[result.id] = {**doc, "_rev": result.rev}
    return saved_ids, conflicts


def retry_conflicts(ids: list[str], attempt: Callable[[list[str]], list[str]]) -> list[str]:
    """Call `attempt` with ids, and again with the ids it returns: those that another writer changed meanwhile.

    Returns the ids that still conflict after the last attempt.
    """
    conflicts = ids
    for _ in paced_attempts(_ATTEMPTS):
        conflicts = attempt(conflicts)
        if not conflicts:
            break
    return conflicts
