"""Changes of many messages at once: their folder, their removal, moves and copies to other boxes.

What is changed costs a fetch and a bulk write per month touched, not per message; only audio is carried one
by one. Every id ends up in `succeeded` or, with its reason, in `failed`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts import databases, gregorian, modbs, private
from accounts.couch import Database, Document
from accounts.private import Actor
from crossbar.errors import BadIdentifier, DatastoreConflict
from voicemail import audio, mailboxes, messages, metadata, retention

NOT_FOUND = "not_found"
CONFLICT = "conflict"
MISSING_AUDIO = "missing_audio"
_BATCH = 500
_ATTEMPTS = 5


@dataclass
class Outcome:
    """What became of each message: the ids of those that were changed, and ``{id: reason}`` of the others.

    A move or copy tells the new messages' ids.
    """

    succeeded: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)

    def fail(self, message_id: str, reason: str) -> None:
        """Count a message as not changed."""
        self.failed.append({message_id: reason})


Change = Callable[[Document], Document]


def change_folder(
    account: Mapping[str, Any], box: Mapping[str, Any], ids: Iterable[str], folder: str | None, actor: Actor | None
) -> Outcome:
    """Put messages of a box into a folder; an unknown or missing one stands for ``saved``, as in Kazoo."""
    wanted = folder if folder in metadata.FOLDERS else metadata.SAVED
    return _apply(account, box, ids, lambda doc: _in_folder(doc, wanted), actor)


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

    Those past their retention are refused, unless the box itself goes (`with_expired`).
    """
    chosen = _every_id(account["_id"], box["_id"], folder) if ids is None else ids

    def removed(doc: Document) -> Document:
        return {**_in_folder(doc, metadata.DELETED), "pvt_deleted": True}

    return _apply(account, box, chosen, removed, actor, with_expired=with_expired)


def move(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    destination: Mapping[str, Any],
    actor: Actor | None,
) -> Outcome:
    """Move messages into another box, under new ids. A source is removed only when its copy is safely stored.

    The new id derives from the old one and the destination: a repeat after a kill finds the copy, and only
    removes the source.
    """
    outcome = Outcome()
    moved: dict[str, str] = {}
    for message_id, modb, doc in _found(account, box, ids, outcome):
        try:
            moved[message_id] = _carry(account, modb, doc, destination, actor, _moved_id(doc, destination))
        except BadIdentifier:
            outcome.fail(message_id, MISSING_AUDIO)
        except DatastoreConflict:
            outcome.fail(message_id, CONFLICT)
    sources = remove(account, box, moved, None, actor)
    outcome.succeeded += [moved[message_id] for message_id in sources.succeeded]
    outcome.failed += sources.failed
    return outcome


def copy(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    destinations: Sequence[Mapping[str, Any]],
    actor: Actor | None,
) -> Outcome:
    """Copy messages into one or several boxes, each copy under an id of its own."""
    outcome = Outcome()
    for message_id, modb, doc in _found(account, box, ids, outcome):
        for destination in destinations:
            try:
                outcome.succeeded.append(_carry(account, modb, doc, destination, actor, None))
            except BadIdentifier:
                outcome.fail(message_id, MISSING_AUDIO)
    return outcome


def fetch(account_id: str, message_id: str) -> Document:
    """A message's document by its id alone; BadIdentifier."""
    month = databases.month_of_message(message_id)
    modb = modbs.open_for(account_id, month) if month else None
    doc = modb.get(message_id) if modb else None
    if doc is None:
        raise BadIdentifier(message_id)
    return doc


def fetch_many(account_id: str, box_id: str, ids: Sequence[str]) -> dict[str, tuple[Database, Document]]:
    """The live messages of a box among some ids, each with its MODb, in the order of the ids."""
    found: dict[str, tuple[Database, Document]] = {}
    for modb, batch in _batches(account_id, ids, Outcome()):
        docs = modb.fetch(batch)
        found |= {one: (modb, docs[one]) for one in batch if messages.is_of_box(docs.get(one), box_id)}
    return {one: found[one] for one in ids if one in found}


def _in_folder(doc: Document, folder: str) -> Document:
    return {**doc, "metadata": {**metadata.of(doc), "folder": folder}}


def _by_month(account_id: str, ids: Iterable[str], outcome: Outcome) -> dict[str, list[str]]:
    """Ids, each once, by the month that holds them; what is no message's id is not found."""
    months: dict[str, list[str]] = {}
    for message_id in dict.fromkeys(ids):
        month = databases.month_of_message(message_id)
        if month is None:
            outcome.fail(message_id, NOT_FOUND)
        else:
            months.setdefault(month, []).append(message_id)
    return months


def _batches(account_id: str, ids: Iterable[str], outcome: Outcome) -> Iterator[tuple[Database, list[str]]]:
    """Ids in batches, each with its MODb; those of a month without one are not found."""
    for month, some in _by_month(account_id, ids, outcome).items():
        modb = modbs.open_for(account_id, month)
        if modb is None:
            for message_id in some:
                outcome.fail(message_id, NOT_FOUND)
            continue
        for start in range(0, len(some), _BATCH):
            yield modb, some[start : start + _BATCH]


def _apply(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    change: Change,
    actor: Actor | None,
    *,
    with_expired: bool = False,
) -> Outcome:
    """Change the messages of a box that have these ids, again on fresh documents where somebody was quicker."""
    outcome = Outcome()
    limit = gregorian.FIRST if with_expired else retention.limit(account["_id"])
    for modb, batch in _batches(account["_id"], ids, outcome):
        left = batch
        for _ in range(_ATTEMPTS):
            left = _write(modb, box["_id"], left, change, limit, actor, outcome)
            if not left:
                break
        for message_id in left:
            outcome.fail(message_id, CONFLICT)
    return outcome


def _write(
    modb: Database,
    box_id: str,
    ids: list[str],
    change: Change,
    limit: int,
    actor: Actor | None,
    outcome: Outcome,
) -> list[str]:
    """Fetch, change and store some messages of one month; the ids of those that another writer changed meanwhile."""
    docs = modb.fetch(ids)
    changed: list[Document] = []
    expired: set[str] = set()
    for message_id in ids:
        doc = docs.get(message_id)
        if doc is None or not messages.is_of_box(doc, box_id):
            outcome.fail(message_id, NOT_FOUND)
            continue
        if retention.is_expired(doc, limit):
            # Nothing changes it any more, but what it is shown as is what it becomes: deleted.
            expired.add(message_id)
            doc = _in_folder(doc, metadata.DELETED)
        else:
            doc = change(doc)
        changed.append(private.stamp_update(doc, actor=actor))
    conflicts = []
    for saved in modb.bulk(changed):
        if saved.error == CONFLICT:
            conflicts.append(saved.id)
        elif saved.error is not None:
            outcome.fail(saved.id, saved.error)
        elif saved.id in expired:
            outcome.fail(saved.id, retention.REASON)
        else:
            outcome.succeeded.append(saved.id)
    return conflicts


def _every_id(account_id: str, box_id: str, folder: str | None) -> Iterator[str]:
    """The ids of all live messages of a box, or of one of its folders."""
    for _, modb in modbs.existing(account_id):
        rows = modb.stream_view("mailbox_messages", "listing_by_mailbox", startkey=[box_id], endkey=[box_id, {}])
        # All ids of a month are taken before any is changed: a removed message leaves the view.
        yield from [row["id"] for row in rows if folder is None or (row["value"].get("folder") or "new") == folder]


def _found(
    account: Mapping[str, Any], box: Mapping[str, Any], ids: Iterable[str], outcome: Outcome
) -> Iterator[tuple[str, Database, Document]]:
    """The messages of a box that may be carried elsewhere; the others are counted as failed."""
    limit = retention.limit(account["_id"])
    for modb, batch in _batches(account["_id"], ids, outcome):
        docs = modb.fetch(batch)
        for message_id in batch:
            doc = docs.get(message_id)
            if doc is None or not messages.is_of_box(doc, box["_id"]):
                outcome.fail(message_id, NOT_FOUND)
            elif retention.is_expired(doc, limit):
                outcome.fail(message_id, retention.REASON)
            else:
                yield message_id, modb, doc


def _moved_id(doc: Mapping[str, Any], destination: Mapping[str, Any]) -> str:
    """The id that a message gets in the box it is moved to: the same one however often the move is repeated.

    Its revision is no part of it: a change of the source between two attempts must not make a second copy.
    """
    month = gregorian.month_of(gregorian.now())
    digest = hashlib.sha256(f"{doc['_id']} {destination['_id']}".encode()).hexdigest()
    return f"{month}-{digest[:32]}"


def _carry(
    account: Mapping[str, Any],
    modb: Database,
    doc: Document,
    destination: Mapping[str, Any],
    actor: Actor | None,
    new_id: str | None,
) -> str:
    """Store a copy of a message in another box, audio and all; the copy's id."""
    now = gregorian.now()
    target = modbs.ensure(account["_id"], gregorian.month_of(now))
    if new_id is not None:
        there = target.get(new_id)
        if there is not None and messages.is_of_box(there, destination["_id"]):
            return new_id
        if there is not None:
            # It was moved there once, and on from there or removed: this is another journey.
            new_id = None
    copied = _copied(account, doc, destination, now, new_id, actor)
    if not doc.get("_attachments"):
        # No audio at all, or a soft link to it, which the copy holds as well.
        return str(target.put(copied)["_id"])
    found = audio.recording(modb, doc)
    stream = found.open()
    try:
        named = messages.with_audio_name(copied, found.name)
        stored = target.put_with_attachment(named, found.name, found.content_type, stream, found.length)
    finally:
        stream.close()
    return str(stored["_id"])


def _copied(
    account: Mapping[str, Any],
    doc: Document,
    destination: Mapping[str, Any],
    now: int,
    new_id: str | None,
    actor: Actor | None,
) -> Document:
    """The document of a message's copy in another box: new, as of now, its history told."""
    described = {
        **metadata.of(doc),
        "to": mailboxes.number(destination),
        "folder": metadata.NEW,
        "timestamp": now,
    }
    zone = mailboxes.zone(account, destination)
    built = messages.build(account, destination, described, zone, message_id=new_id, actor=actor)
    own = {key: value for key, value in doc.items() if not key.startswith("_") and key not in built}
    history = doc.get("history")
    return {**own, **built, "history": [*(history if isinstance(history, list) else []), doc["source_id"]]}
