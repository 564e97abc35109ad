"""Carrying messages into other boxes: moves and copies, audio and all.

A copy is a new message of the current month. What has no audio of its own costs a fetch and a bulk write per month
touched; audio is streamed from one document into the next, several side by side.

A move is decided by one write, the one that removes the source, and that is made on the very revision that was
carried: nothing that anybody did to the source meanwhile gets lost, and of several who move or remove one message
one wins. The source then tells where it went (``pvt_moved_to``); who lost takes its own copy away again.
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
from voicemail.audio import recording
from voicemail.audio.recording import MissingAudio
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, metadata, retention
from voicemail.messages import store as message_store
from voicemail.messages.bulk import CONFLICT, MISSING_AUDIO, NOT_FOUND, REMOVED_FROM, REMOVED_WITH_BOX, Outcome

MOVED_TO = "pvt_moved_to"
# Few enough that what was fetched is fresh when it is carried, and that no request has all the connections.
_BATCH = 100
_SIDE_BY_SIDE = 8


def move(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    destination: Mapping[str, Any],
    actor: Actor | None,
) -> Outcome:
    """Move messages of a box into another; `succeeded` tells their new ids.

    The new id derives from the old one and the destination: a repeat after a kill finds the copy, and only
    removes the source.
    """
    outcome = Outcome()
    route = _Route.to(account, destination, actor)
    limit = retention.limit(account["_id"])
    current = on_access.list_current_ids(account, box, ids, actor, outcome)
    for modb, batch in bulk.batches(account["_id"], current, outcome, _BATCH):
        moving = _Move(route, modb, box["_id"], limit, outcome)
        for message_id in bulk.settle(batch, moving.attempt):
            outcome.fail(message_id, moving.reasons.get(message_id, CONFLICT))
    return outcome


def copy(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    destinations: Sequence[Mapping[str, Any]],
    actor: Actor | None,
) -> Outcome:
    """Copy messages of a box into one or several; `succeeded` tells the ids of all copies, each one of its own."""
    outcome = Outcome()
    routes = [_Route.to(account, destination, actor) for destination in destinations]
    limit = retention.limit(account["_id"])
    current = on_access.list_current_ids(account, box, ids, actor, outcome)
    for modb, batch in bulk.batches(account["_id"], current, outcome, _BATCH):
        fit, expired = bulk.sorted_out(modb.fetch(batch), batch, box["_id"], limit, outcome)
        for message_id in bulk.refuse(modb, expired, actor, outcome):
            outcome.fail(message_id, retention.REASON)
        for route in routes:
            for source, result in route.carry(modb, [_Load(doc, message_store.new_id(route.month)) for doc in fit]):
                if isinstance(result, str):
                    outcome.fail(source, result)
                else:
                    outcome.succeeded.append(result["_id"])
    return outcome


class _Load(NamedTuple):
    """A message to carry: its document, the id its copy gets, and the revision of the copy it is to replace."""

    doc: Document
    new_id: str
    replaced: str | None = None


@dataclass(frozen=True)
class _Route:
    """The way into a box, as of now."""

    account: Mapping[str, Any]
    destination: Mapping[str, Any]
    zone: ZoneInfo | None
    actor: Actor | None
    now: int
    modb: Database

    @classmethod
    def to(cls, account: Mapping[str, Any], destination: Mapping[str, Any], actor: Actor | None) -> "_Route":
        now = gregorian.now()
        modb = modbs.ensure(account["_id"], gregorian.month_of(now))
        return cls(account, destination, mailbox_store.zone(account, destination), actor, now, modb)

    @property
    def month(self) -> str:
        return gregorian.month_of(self.now)

    def months(self) -> list[tuple[str, Database]]:
        """The month before, if it has a MODb, and this month."""
        before = gregorian.month_of(gregorian.month_bounds(self.month)[0] - 1)
        modb = modbs.open_for(self.account["_id"], before)
        return [*([] if modb is None else [(before, modb)]), (self.month, self.modb)]

    def carry(self, source: Database, loads: Sequence[_Load]) -> Iterator[tuple[str, Document | str]]:
        """Store copies of messages of one month: for each its source's id, and the copy or why there is none."""
        # Linked audio needs no carrying: the copy holds the same link.
        silent = [load for load in loads if not load.doc.get("_attachments")]
        spoken = [load for load in loads if load.doc.get("_attachments")]
        copies = [self._copied(load) for load in silent]
        for load, copied, saved in zip(silent, copies, self.modb.bulk(copies), strict=True):
            yield load.doc["_id"], saved.error or {**copied, "_rev": saved.rev}
        for start in range(0, len(spoken), _SIDE_BY_SIDE):
            some = spoken[start : start + _SIDE_BY_SIDE]
            results = in_parallel(partial(self._carry_audio, source), some)
            yield from zip((load.doc["_id"] for load in some), results, strict=True)

    def _carry_audio(self, source: Database, load: _Load) -> Document | str:
        try:
            found = recording.recording(source, load.doc)
            stream = found.open()
        except MissingAudio:
            return MISSING_AUDIO
        try:
            named = message_store.with_audio_name(self._copied(load), found.name)
            return self.modb.put_with_attachment(named, found.name, found.content_type, stream, found.length)
        except Conflict:
            return CONFLICT
        finally:
            stream.close()

    def _copied(self, load: _Load) -> Document:
        """The document of a message's copy: new, as of now, its history told."""
        described = {
            **metadata.of(load.doc),
            "to": mailbox_store.number(self.destination),
            "folder": metadata.NEW,
            "timestamp": self.now,
        }
        built = message_store.build(
            self.account, self.destination, described, self.zone, message_id=load.new_id, actor=self.actor
        )
        left_out = {*built, MOVED_TO, REMOVED_FROM, REMOVED_WITH_BOX}
        own = {key: value for key, value in load.doc.items() if not key.startswith("_") and key not in left_out}
        history = load.doc.get("history")
        told = [*(history if isinstance(history, list) else []), load.doc["source_id"]]
        replaced = {"_rev": load.replaced} if load.replaced else {}
        return {**own, **built, "history": told, **replaced}


@dataclass
class _Move:
    """Messages of one box and month on their way into another box."""

    route: _Route
    modb: Database
    box_id: str
    limit: int
    outcome: Outcome
    reasons: dict[str, str] = field(default_factory=dict)
    """Why messages are not moved yet, by their ids."""
    copies: dict[str, str] = field(default_factory=dict)
    """The copies' ids, by those of their sources."""
    made: dict[str, Document] = field(default_factory=dict)
    """The copies that this request made, by the ids of their sources."""

    def attempt(self, ids: list[str]) -> list[str]:
        """Move messages; the ids of those whose source, or copy, another writer changed meanwhile."""
        docs = self.modb.fetch(ids)
        outrun = [
            one for one in ids if one in self.copies and not message_store.is_of_box(docs.get(one), self.box_id)
        ]
        for message_id in outrun:
            self._outrun(message_id, docs.get(message_id))
        present = [one for one in ids if one not in outrun]
        fit, expired = bulk.sorted_out(docs, present, self.box_id, self.limit, self.outcome)
        left = bulk.refuse(self.modb, expired, self.route.actor, self.outcome)
        carried = self._carry(fit)
        left += [doc["_id"] for doc in fit if doc["_id"] not in carried]
        sources = [self._source_removed(doc) for doc in fit if doc["_id"] in carried]
        removed, conflicts = bulk.store(self.modb, sources, self.outcome)
        self.outcome.succeeded += [self.copies[message_id] for message_id in removed]
        return left + conflicts

    def _carry(self, docs: Sequence[Document]) -> set[str]:
        """See to a true copy of each message; the ids of the messages that have one now."""
        there = self._there(docs)
        ready: set[str] = set()
        loads: list[_Load] = []
        for doc in docs:
            load = self._load(doc, there.get(doc["_id"]))
            if load is None:
                self.copies[doc["_id"]] = there[doc["_id"]]["_id"]
                ready.add(doc["_id"])
            else:
                loads.append(load)
        renewed = {load.doc["_id"] for load in loads if load.replaced}
        for source, result in self.route.carry(self.modb, loads):
            if isinstance(result, str):
                self.reasons[source] = result
                continue
            self.copies[source] = result["_id"]
            ready.add(source)
            if source not in renewed or source in self.made:
                self.made[source] = result
        return ready

    def _there(self, docs: Sequence[Document]) -> dict[str, Document]:
        """What is stored already under the ids that copies get, by the ids of their sources.

        A move may have been cut short in the last hour of a month, and be repeated in the first of the next.
        """
        found: dict[str, Document] = {}
        for month, modb in self.route.months():
            wanted = {self._copy_id(doc, month): doc["_id"] for doc in docs}
            found |= {wanted[copy_id]: copied for copy_id, copied in modb.fetch(wanted).items()}
        return found

    def _load(self, doc: Document, copied: Document | None) -> _Load | None:
        """What is to be carried of a message, when this is stored as its copy; None when all of it is there."""
        if copied is None:
            return _Load(doc, self._copy_id(doc, self.route.month))
        if message_store.is_of_box(copied, self.route.destination["_id"]):
            if _content(copied) == _content(doc):
                return None
            if database_names.month_of_message(copied["_id"]) == self.route.month:
                return _Load(doc, copied["_id"], copied["_rev"])
        # It was moved there once, and on from there, or removed: this is another journey.
        return _Load(doc, message_store.new_id(self.route.month))

    def _copy_id(self, doc: Document, month: str) -> str:
        """The id that a message gets in the box it is moved to: the same one however often the move is repeated.

        Its revision is no part of it: a change of the source between two attempts must not make a second copy.
        """
        digest = hashlib.sha256(f"{doc['_id']} {self.route.destination['_id']}".encode()).hexdigest()
        return self.copies.get(doc["_id"]) or f"{month}-{digest[:32]}"

    def _source_removed(self, doc: Document) -> Document:
        moved = {**bulk.removed(doc), MOVED_TO: self.copies[doc["_id"]]}
        return private_fields.stamp_update(moved, actor=self.route.actor)

    def _outrun(self, message_id: str, source: Document | None) -> None:
        """Somebody else removed the source, whose copy is stored. By the same move, or for another reason?"""
        if source is not None and source.get(MOVED_TO) == self.copies[message_id]:
            self.outcome.succeeded.append(self.copies[message_id])
            return
        if message_id in self.made:
            made = self.made[message_id]
            with suppress(Conflict):
                self.route.modb.delete(made["_id"], made["_rev"])
        self.outcome.fail(message_id, NOT_FOUND)


def _content(doc: Mapping[str, Any]) -> tuple[object, ...]:
    """What a copy must have of its source; two documents with the same hold the same message."""
    stubs = doc.get("_attachments") or {}
    digests = sorted(str(stub.get("digest")) for stub in stubs.values())
    return digests, doc.get("pvt_attachments") or None, doc.get("transcription") or None
