"""Move and copy messages to other mailboxes, with their audio.

A copy is a new message. As in Kazoo, it is of now and in folder ``new``; an operator's copy keeps the time and folder
of its source, and is stored in the same month (`keeps_time`). Messages without audio of their own cost a fetch and a
bulk write per month. Audio is streamed from one document to the other, for several messages at a time.

One write decides a move: the one that removes the source, made on the very revision that was copied. So no concurrent
change of the source is lost, and of several requests that move or remove a message one wins. A request that loses
deletes the copy that it made. The source then holds the id of its copy (``pvt_moved_to``), and the copy the ids that
the message had before (``pvt_moved_from``).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from couch.database import Database, Document
from couch.errors import Conflict
from couch.parallel import in_parallel
from crossbar.errors import ValidationFailed
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
from voicemail.messages.deletion import MOVED_FROM, MOVED_TO, REMOVED_FROM, REMOVED_WITH_BOX
from voicemail.messages.folders import NEW

# Few enough that documents are fresh when they are copied, and that no request takes all the connections.
_BATCH_SIZE = 100
_AUDIO_AT_ONCE = 8


def require_few_copies(ids: Iterable[str], box_ids: Iterable[str]) -> None:
    """Raise ValidationFailed if copies of messages to mailboxes are more than COPIES_PER_REQUEST."""
    count, limit = len(set(ids)) * len(set(box_ids)), settings.COPIES_PER_REQUEST
    if limit and count > limit:
        message = f"A request can't make more than {limit} copies"
        raise ValidationFailed.field("source_id", "maxItems", message, target=limit, value=count)


def move_messages(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    target_box: Mapping[str, Any],
    actor: Actor | None,
    *,
    keeps_time: bool = False,
) -> Outcome:
    """Move messages of a mailbox to another one; `succeeded` holds their new ids, `new_ids` these by the old ones.

    A new id derives from the old one and the target: a retry after a crash finds the copy, and only removes the
    source. Raises ValidationFailed (``source_id``) if the target is the mailbox itself.
    """
    _require_another_box(box, [target_box])
    outcome = Outcome()
    open_destination = _Destination.opener(account, target_box, actor, keeps_time=keeps_time)
    limit = retention.limit(account["_id"])
    current_ids = on_access.list_current_ids(account, box, ids, actor, outcome)
    for modb, batch in batches.by_month(account["_id"], current_ids, outcome, _BATCH_SIZE):
        move = _Move(open_destination(modb), modb, box["_id"], limit, outcome)
        for message_id in batches.retry_conflicts(batch, move.attempt):
            outcome.fail(message_id, move.reasons.get(message_id, CONFLICT))
    return outcome


def copy_messages(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    target_boxes: Sequence[Mapping[str, Any]],
    actor: Actor | None,
    *,
    keeps_time: bool = False,
    key: str = "",
) -> Outcome:
    """Copy messages of a mailbox to one or more others; `succeeded` holds the ids of all copies.

    With a `key`, copies have ids that derive from it: whoever repeats the call after a crash makes no second copy;
    and `new_ids` holds the ids of the copies by those of their sources, of the last target.
    Raises ValidationFailed (``source_id``) if the mailbox itself is among the targets.
    """
    _require_another_box(box, target_boxes)
    outcome = Outcome()
    openers = [_Destination.opener(account, target, actor, keeps_time=keeps_time) for target in target_boxes]
    limit = retention.limit(account["_id"])
    current_ids = on_access.list_current_ids(account, box, ids, actor, outcome)
    for modb, batch in batches.by_month(account["_id"], current_ids, outcome, _BATCH_SIZE):
        changeable, expired = batches.partition(modb.fetch(batch), batch, box["_id"], limit, outcome)
        for message_id in batches.refuse_expired(modb, expired, actor, outcome):
            outcome.fail(message_id, retention.REASON)
        for open_destination in openers:
            destination = open_destination(modb)
            copy_ids = {doc["_id"]: destination.copy_id(doc, key) for doc in changeable}
            stored_ids = destination.modb.fetch(copy_ids.values()).keys() if key else frozenset[str]()
            pending = [_PendingCopy(doc, copy_ids[doc["_id"]]) for doc in changeable]
            results = destination.store_copies(modb, [copy for copy in pending if copy.copy_id not in stored_ids])
            errors = {source_id: result for source_id, result in results if isinstance(result, str)}
            for copy in pending:
                source_id = copy.source["_id"]
                if source_id in errors:
                    outcome.fail(source_id, errors[source_id])
                    continue
                outcome.succeeded.append(copy.copy_id)
                if key:
                    outcome.new_ids[source_id] = copy.copy_id
    return outcome


def _require_another_box(box: Mapping[str, Any], target_boxes: Sequence[Mapping[str, Any]]) -> None:
    if any(target["_id"] == box["_id"] for target in target_boxes):
        message = "The messages are in this mailbox already"
        raise ValidationFailed.field("source_id", "invalid", message, value=box["_id"])


class _PendingCopy(NamedTuple):
    """A message to copy: its document, the copy's id, and the revision of a stale copy to replace."""

    source: Document
    copy_id: str
    stale_revision: str | None = None
    is_move: bool = False
    """Whether the source is going to be removed."""


@dataclass(frozen=True)
class _Destination:
    """A mailbox that copies are stored in, the MODb they are stored in, and the time they get."""

    account: Mapping[str, Any]
    box: Mapping[str, Any]
    zone: ZoneInfo | None
    actor: Actor | None
    modb: Database
    month: str
    seconds: int | None
    """None if each copy keeps the time and folder of its source."""

    @classmethod
    def opener(
        cls, account: Mapping[str, Any], box: Mapping[str, Any], actor: Actor | None, *, keeps_time: bool
    ) -> Callable[[Database], "_Destination"]:
        """A function that returns the destination of copies of messages in a MODb."""
        zone = time_zone.of_box(account, box)
        if keeps_time:
            # A copy beside its source is found by the listings that find the source, whatever times both have.
            return lambda modb: cls(account, box, zone, actor, modb, _month_of(modb), None)
        seconds = gregorian.now()
        month = gregorian.month_of(seconds)
        destination = cls(account, box, zone, actor, modbs.ensure(account["_id"], month), month, seconds)
        return lambda modb: destination

    def copy_id(self, source: Document, key: str) -> str:
        """The id of a copy of a message: random, or, with a key, the same one however often the copy is made."""
        if not key:
            return message_store.new_id(self.month)
        digest = hashlib.sha256(f"{key} {source['_id']} {self.box['_id']}".encode()).hexdigest()
        return f"{self.month}-{digest[:32]}"

    def recent_modbs(self) -> list[tuple[str, Database]]:
        """The month and its MODb; before it, if copies are of now, the previous month and its MODb if that exists."""
        previous = gregorian.month_of(gregorian.month_bounds(self.month)[0] - 1)
        modb = None if self.seconds is None else modbs.find(self.account["_id"], previous)
        return [*([] if modb is None else [(previous, modb)]), (self.month, self.modb)]

    def is_current(self, copy: Document, source: Document) -> bool:
        """Whether a stored message is the copy that is to be made of another one: no other content, no other time."""
        has_time = self.seconds is not None or retention.age(copy) == retention.age(source)
        return has_time and _content(copy) == _content(source)

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
        """The document of a copy: its source's, with the mailbox of the destination and the time that copies get.

        The source's mailbox is added to its history.
        """
        source = copy.source
        fields = {**metadata.of(source), "to": mailbox_store.number(self.box), **self._time_and_folder(source)}
        built = message_store.build(
            self.account, self.box, fields, self.zone, message_id=copy.copy_id, actor=self.actor
        )
        built["pvt_account_db"] = database_names.encode(self.modb.name)
        if self.seconds is None:
            built["utc_seconds"] = retention.age(source) or fields["timestamp"]
        not_copied = {*built, MOVED_TO, MOVED_FROM, REMOVED_FROM, REMOVED_WITH_BOX}
        copied = {key: value for key, value in source.items() if not key.startswith("_") and key not in not_copied}
        history = source.get("history")
        extended = [*(history if isinstance(history, list) else []), source["source_id"]]
        revision = {"_rev": copy.stale_revision} if copy.stale_revision else {}
        moved_from = {MOVED_FROM: [*deletion.former_ids(source), source["_id"]]} if copy.is_move else {}
        return {**copied, **built, **moved_from, "history": extended, **revision}

    def _time_and_folder(self, source: Document) -> Document:
        if self.seconds is not None:
            return {"timestamp": self.seconds, "folder": NEW}
        timestamp = metadata.timestamp(source) or gregorian.now()
        # Times outside the years of calendars, which odd documents may have, can't be in a message's name.
        in_calendar = min(max(timestamp, gregorian.FIRST), gregorian.LAST)
        return {"timestamp": in_calendar, "folder": metadata.folder(source) or NEW}


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
        for message_id in removed_ids:
            self._succeed(message_id)
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
            return _PendingCopy(source, self._copy_id(source, month), is_move=True)
        if message_store.is_message(stored, self.destination.box["_id"]):
            if self.destination.is_current(stored, source):
                return None
            if database_names.month_of_message(stored["_id"]) == month:
                return _PendingCopy(source, stored["_id"], stored["_rev"], is_move=True)
        # An earlier move's copy, which was moved on or removed since: this move needs another id.
        return _PendingCopy(source, message_store.new_id(month), is_move=True)

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
            self._succeed(message_id)
            return
        if message_id in self.own_copies:
            copy = self.own_copies[message_id]
            with suppress(Conflict):
                self.destination.modb.delete(copy["_id"], copy["_rev"])
        self.outcome.fail(message_id, NOT_FOUND)

    def _succeed(self, message_id: str) -> None:
        self.outcome.succeeded.append(self.copy_ids[message_id])
        self.outcome.new_ids[message_id] = self.copy_ids[message_id]


def _month_of(modb: Database) -> str:
    """The month of a MODb, ``YYYYMM``."""
    name = database_names.parse(modb.name)
    if name is None or name.month is None:
        raise ValueError(f"no MODb: {modb.name}")
    return name.month


def _content(doc: Mapping[str, Any]) -> tuple[object, ...]:
    """What a copy must have in common with its source: two documents with equal content hold the same message."""
    stubs = doc.get("_attachments") or {}
    digests = sorted(str(stub.get("digest")) for stub in stubs.values())
    return digests, doc.get("pvt_attachments") or None, doc.get("transcription") or None
