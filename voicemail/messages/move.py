"""Move and copy messages to other mailboxes, with their audio.

A copy is a new message of the current month. Messages without audio of their own cost a fetch and a bulk write per
month. Audio is streamed from one document to the other, for several messages at a time.

One write decides a move: the one that removes the source, made on the very revision that was copied. So no concurrent
change of the source is lost, and of several requests that move or remove a message one wins. The source then holds
the id of its copy (``pvt_moved_to``). A request that loses deletes the copy that it made.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from couch.client import Database, Document
from couch.errors import Conflict
from couch.parallel import in_parallel
from storage import database_names, gregorian, modbs, private_fields
from storage.private_fields import Actor
from voicemail.audio import copying, recording
from voicemail.audio.copying import BrokenAudio
from voicemail.audio.recording import MissingAudio
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes import time_zone
from voicemail.messages import batches, deletion, metadata, retention
from voicemail.messages import store as message_store
from voicemail.messages.batches import CONFLICT, MISSING_AUDIO, NOT_FOUND, Outcome
from voicemail.messages.deletion import MOVED_TO, REMOVED_FROM, REMOVED_WITH_BOX
from voicemail.messages.folders import NEW

# Few enough that documents are fresh when they are copied, and that no request takes all the connections.
_BATCH_SIZE = 100
_AUDIO_AT_ONCE = 8


def move_messages(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    target_box: Mapping[str, Any],
    actor: Actor | None,
) -> Outcome:
    """Move messages of a mailbox to another one; `succeeded` holds their new ids.

    A new id derives from the old one and the target: a retry after a crash finds the copy, and only removes the
    source.
    """
    outcome = Outcome()
    destination = _Destination.now(account, target_box, actor)
    limit = retention.limit(account["_id"])
    current_ids = on_access.list_current_ids(account, box, ids, actor, outcome)
    for modb, batch in batches.by_month(account["_id"], current_ids, outcome, _BATCH_SIZE):
        move = _Move(destination, modb, box["_id"], limit, outcome)
        for message_id in batches.retry_conflicts(batch, move.attempt):
            outcome.fail(message_id, move.reasons.get(message_id, CONFLICT))
    return outcome


def copy_messages(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    target_boxes: Sequence[Mapping[str, Any]],
    actor: Actor | None,
) -> Outcome:
    """Copy messages of a mailbox to one or more others; `succeeded` holds the ids of all copies."""
    outcome = Outcome()
    destinations = [_Destination.now(account, target_box, actor) for target_box in target_boxes]
    limit = retention.limit(account["_id"])
    current_ids = on_access.list_current_ids(account, box, ids, actor, outcome)
    for modb, batch in batches.by_month(account["_id"], current_ids, outcome, _BATCH_SIZE):
        changeable, expired = batches.partition(modb.fetch(batch), batch, box["_id"], limit, outcome)
        for message_id in batches.refuse_expired(modb, expired, actor, outcome):
            outcome.fail(message_id, retention.REASON)
        for destination in destinations:
            pending = [_PendingCopy(doc, message_store.new_id(destination.month)) for doc in changeable]
            for source_id, result in destination.store_copies(modb, pending):
                if isinstance(result, str):
                    outcome.fail(source_id, result)
                else:
                    outcome.succeeded.append(result["_id"])
    return outcome


class _PendingCopy(NamedTuple):
    """A message to copy: its document, the copy's id, and the revision of a stale copy to replace."""

    source: Document
    copy_id: str
    stale_revision: str | None = None


@dataclass(frozen=True)
class _Destination:
    """A mailbox that copies are stored in, and the time and month they get."""

    account: Mapping[str, Any]
    box: Mapping[str, Any]
    zone: ZoneInfo | None
    actor: Actor | None
    seconds: int
    modb: Database

    @classmethod
    def now(cls, account: Mapping[str, Any], box: Mapping[str, Any], actor: Actor | None) -> "_Destination":
        """The mailbox with the current time and this month's MODb."""
        seconds = gregorian.now()
        modb = modbs.ensure(account["_id"], gregorian.month_of(seconds))
        return cls(account, box, time_zone.of_box(account, box), actor, seconds, modb)

    @property
    def month(self) -> str:
        return gregorian.month_of(self.seconds)

    def recent_modbs(self) -> list[tuple[str, Database]]:
        """This month and its MODb, after the previous month and its MODb if that exists."""
        previous = gregorian.month_of(gregorian.month_bounds(self.month)[0] - 1)
        modb = modbs.find(self.account["_id"], previous)
        return [*([] if modb is None else [(previous, modb)]), (self.month, self.modb)]

    def store_copies(
        self, source_modb: Database, pending: Sequence[_PendingCopy]
    ) -> Iterator[tuple[str, Document | str]]:
        """Store copies of messages of one month: for each the source's id, and the copy or the reason it failed."""
        # A link to audio is copied with the document.
        without_audio = [copy for copy in pending if not copy.source.get("_attachments")]
        with_audio = [copy for copy in pending if copy.source.get("_attachments")]
        docs = [self._build(copy) for copy in without_audio]
        for copy, doc, result in zip(without_audio, docs, self.modb.put_all(docs), strict=True):
            yield copy.source["_id"], result.error or {**doc, "_rev": result.rev}
        for start in range(0, len(with_audio), _AUDIO_AT_ONCE):
            batch = with_audio[start : start + _AUDIO_AT_ONCE]
            results = in_parallel(partial(self._store_with_audio, source_modb), batch)
            yield from zip((copy.source["_id"] for copy in batch), results, strict=True)

    def _store_with_audio(self, source_modb: Database, copy: _PendingCopy) -> Document | str:
        try:
            audio = recording.locate(source_modb, copy.source)
            stream = audio.open()
        except MissingAudio:
            return MISSING_AUDIO
        doc = message_store.with_audio_name(self._build(copy), audio.name)
        try:
            return copying.copy_audio(self.modb, doc, audio.name, audio, stream)
        except Conflict:
            return CONFLICT
        except BrokenAudio as error:  # another attempt may store it whole
            self.modb.delete(copy.copy_id, error.revision)
            return CONFLICT

    def _build(self, copy: _PendingCopy) -> Document:
        """The document of a copy: new, of the current time, with the source's mailbox added to its history."""
        source = copy.source
        fields = {
            **metadata.of(source),
            "to": mailbox_store.number(self.box),
            "folder": NEW,
            "timestamp": self.seconds,
        }
        built = message_store.build(
            self.account, self.box, fields, self.zone, message_id=copy.copy_id, actor=self.actor
        )
        not_copied = {*built, MOVED_TO, REMOVED_FROM, REMOVED_WITH_BOX}
        copied = {key: value for key, value in source.items() if not key.startswith("_") and key not in not_copied}
        history = source.get("history")
        extended = [*(history if isinstance(history, list) else []), source["source_id"]]
        revision = {"_rev": copy.stale_revision} if copy.stale_revision else {}
        return {**copied, **built, "history": extended, **revision}


@dataclass
class _Move:
    """A move of messages of one mailbox and month to another mailbox."""

    destination: _Destination
    modb: Database
    box_id: str
    limit: int
    outcome: Outcome
    reasons: dict[str, str] = field(default_factory=dict)
    """Why messages are not moved yet, by their ids."""
    copy_ids: dict[str, str] = field(default_factory=dict)
    """The ids of stored copies, by the ids of their sources."""
    own_copies: dict[str, Document] = field(default_factory=dict)
    """The copies that this request stored, by the ids of their sources."""

    def attempt(self, ids: list[str]) -> list[str]:
        """Move messages; the ids of those whose source, or copy, another writer changed meanwhile."""
        docs = self.modb.fetch(ids)
        lost_ids = {
            message_id
            for message_id in ids
            if message_id in self.copy_ids and not message_store.is_message(docs.get(message_id), self.box_id)
        }
        for message_id in lost_ids:
            self._lost_race(message_id, docs.get(message_id))
        remaining_ids = [message_id for message_id in ids if message_id not in lost_ids]
        changeable, expired = batches.partition(docs, remaining_ids, self.box_id, self.limit, self.outcome)
        conflicts = batches.refuse_expired(self.modb, expired, self.destination.actor, self.outcome)
        copied_ids = self._copy(changeable)
        conflicts += [doc["_id"] for doc in changeable if doc["_id"] not in copied_ids]
        removed_docs = [self._remove_source(doc) for doc in changeable if doc["_id"] in copied_ids]
        removed_ids, removal_conflicts = batches.save(self.modb, removed_docs, self.outcome)
        self.outcome.succeeded += [self.copy_ids[message_id] for message_id in removed_ids]
        return conflicts + removal_conflicts

    def _copy(self, sources: Sequence[Document]) -> set[str]:
        """Ensure that each message has a current copy; the ids of the messages that have one now."""
        stored_copies = self._fetch_copies(sources)
        copied_ids: set[str] = set()
        pending: list[_PendingCopy] = []
        for source in sources:
            copy = self._pending_copy(source, stored_copies.get(source["_id"]))
            if copy is None:
                self.copy_ids[source["_id"]] = stored_copies[source["_id"]]["_id"]
                copied_ids.add(source["_id"])
            else:
                pending.append(copy)
        replaced_ids = {copy.source["_id"] for copy in pending if copy.stale_revision}
        for source_id, result in self.destination.store_copies(self.modb, pending):
            if isinstance(result, str):
                self.reasons[source_id] = result
                continue
            self.copy_ids[source_id] = result["_id"]
            copied_ids.add(source_id)
            # A stale copy that was replaced may be another request's.
            if source_id not in replaced_ids or source_id in self.own_copies:
                self.own_copies[source_id] = result
        return copied_ids

    def _fetch_copies(self, sources: Sequence[Document]) -> dict[str, Document]:
        """The documents that are stored under the ids of copies, by the ids of the sources.

        A move that was interrupted in the last hour of a month may be repeated in the first hour of the next.
        """
        copies: dict[str, Document] = {}
        for month, modb in self.destination.recent_modbs():
            source_ids = {self._copy_id(source, month): source["_id"] for source in sources}
            copies |= {source_ids[copy_id]: doc for copy_id, doc in modb.fetch(source_ids).items()}
        return copies

    def _pending_copy(self, source: Document, stored: Document | None) -> _PendingCopy | None:
        """The copy that is to be made of a message, given what is stored as its copy; None if that is current."""
        month = self.destination.month
        if stored is None:
            return _PendingCopy(source, self._copy_id(source, month))
        if message_store.is_message(stored, self.destination.box["_id"]):
            if _content(stored) == _content(source):
                return None
            if database_names.month_of_message(stored["_id"]) == month:
                return _PendingCopy(source, stored["_id"], stored["_rev"])
        # An earlier move's copy, which was moved on or removed since: this move needs another id.
        return _PendingCopy(source, message_store.new_id(month))

    def _copy_id(self, source: Document, month: str) -> str:
        """The id that a message gets in the target mailbox, the same one however often the move is repeated.

        It doesn't depend on the revision: a change of the source between two attempts must not make a second copy.
        """
        digest = hashlib.sha256(f"{source['_id']} {self.destination.box['_id']}".encode()).hexdigest()
        return self.copy_ids.get(source["_id"]) or f"{month}-{digest[:32]}"

    def _remove_source(self, doc: Document) -> Document:
        removed = {**deletion.soft_delete(doc), MOVED_TO: self.copy_ids[doc["_id"]]}
        return private_fields.stamp_update(removed, actor=self.destination.actor)

    def _lost_race(self, message_id: str, source: Document | None) -> None:
        """Handle a message that another request removed after its copy was stored: by the same move, or otherwise."""
        if source is not None and source.get(MOVED_TO) == self.copy_ids[message_id]:
            self.outcome.succeeded.append(self.copy_ids[message_id])
            return
        if message_id in self.own_copies:
            copy = self.own_copies[message_id]
            with suppress(Conflict):
                self.destination.modb.delete(copy["_id"], copy["_rev"])
        self.outcome.fail(message_id, NOT_FOUND)


def _content(doc: Mapping[str, Any]) -> tuple[object, ...]:
    """What a copy must have in common with its source: two documents with equal content hold the same message."""
    stubs = doc.get("_attachments") or {}
    digests = sorted(str(stub.get("digest")) for stub in stubs.values())
    return digests, doc.get("pvt_attachments") or None, doc.get("transcription") or None
