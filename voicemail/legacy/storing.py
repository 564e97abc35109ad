"""Storing what entries of Kazoo 3.x become: a batch of one box at a time, in few requests but for the audio.

Whoever does it again, or at the same time, finds the messages there by their ids and stores nothing twice. A
message is stored together with its audio, in one write, and counts as stored when CouchDB's digest of the stored
audio is that of the bytes that were read.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

from couch.client import Database, Document, MissingDatabase, couch
from couch.parallel import in_parallel
from crossbar.errors import DatastoreConflict, RequestTooLarge, UnspecifiedFault
from storage import database_names, gregorian, modbs
from storage.private_fields import Actor
from voicemail.audio import recording
from voicemail.legacy import digests, documents, entries, undated
from voicemail.legacy.documents import Audio, Library
from voicemail.legacy.entries import Entry
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import store as message_store

NO_MEDIA_ID = "no_media_id"
NO_AUDIO = "no_audio"
TOO_LARGE = "too_large"
BROKEN_AUDIO = "broken_audio"
REFUSED = "refused"
CONFLICT = "conflict"
# Audio of so many bytes is held in memory while it is stored; longer audio is streamed.
_SHORT = 256 * 1024
# So many bytes of audio go into one request.
_TOGETHER = 2 * 1024 * 1024
_ATTEMPTS = 6


class Outcome(StrEnum):
    """What became of an entry."""

    MIGRATED = "migrated"
    LINKED = "linked"
    RESOLVED = "resolved"  # its message was there, with a link in place of the audio that it has now
    PRESENT = "present"  # its message was there, or was and has been removed since
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What became of an entry, or would: its message's id, or the reason why there is none; bytes of audio copied."""

    entry: Entry
    outcome: Outcome
    message_id: str | None = None
    reason: str | None = None
    copied: int = 0


@dataclass(frozen=True)
class How:
    """How entries are to be migrated."""

    link: bool = False
    """Leave the audio where it is, and link to it as Kazoo's own migration may."""
    silent: bool = False
    """A message without audio will do, where there is none: it is about to be removed, or to get new audio."""
    dry_run: bool = False
    """Find out what would become of the entries, and write nothing."""
    shared: frozenset[str] = frozenset()
    """Media ids that entries of other boxes have as well, and that one of those is to get the first id for: who
    migrates several boxes side by side says so, that their ids don't depend on which of them is first."""
    actor: Actor | None = None


@dataclass
class _Plan:
    """An entry on its way: what is known of it, and what came of it."""

    entry: Entry
    media_id: str
    media: Document | None
    found: Audio | None
    seconds: int
    month: str
    message_id: str
    stored: Document | None = None
    digest: str | None = None
    rev: str | None = None
    """The revision that the message was stored as."""
    result: Result | None = None

    def end(self, outcome: Outcome, *, copied: int = 0) -> None:
        self.result = Result(self.entry, outcome, self.message_id, copied=copied)

    def fail(self, reason: str) -> None:
        self.result = Result(self.entry, Outcome.FAILED, reason=reason)


def store(
    account: Mapping[str, Any], box: Mapping[str, Any], chosen: Sequence[Entry], library: Library, how: How
) -> list[Result]:
    """Store the messages that entries of a box become, in their order; how each fared. The box stays as it is.

    The account's document is looked at for id, realm and time zone, the box's for id, number, zone and owner.
    Raises DatastoreUnreachable; then some messages may be stored, and the next call finds them.
    """
    return _Batch(account, box, library, how).run(chosen)


@dataclass
class _Batch:
    account: Mapping[str, Any]
    box: Mapping[str, Any]
    library: Library
    how: How
    now: int = field(default_factory=gregorian.now)

    def run(self, chosen: Sequence[Entry]) -> list[Result]:
        media = self.library.fetch({one.media_id for one in chosen if one.media_id is not None})
        plans = [self._plan(entry, media) for entry in chosen]
        self._recall([plan for plan in plans if plan is not None])
        first: dict[str, _Plan] = {}
        told = [None if plan is None else first.setdefault(plan.message_id, plan) for plan in plans]
        self._settle(list(first.values()))
        return [_told(entry, plan) for entry, plan in zip(chosen, told, strict=True)]

    def _plan(self, entry: Entry, media: Mapping[str, Document]) -> _Plan | None:
        if entry.media_id is None:
            return None
        doc = media.get(entry.media_id)
        seconds = entries.when(entry, doc, entries.created(self.box), self.now)
        month = gregorian.month_of(seconds)
        message_id = entries.message_id(month, entry.media_id)
        return _Plan(entry, entry.media_id, doc, documents.audio_of(doc), seconds, month, message_id)

    def _recall(self, plans: Iterable[_Plan]) -> None:
        """Messages without a time of their own are where an earlier run has put them, if one has."""
        undecided = [plan for plan in plans if entries.told(plan.entry, plan.media) is None]
        found = undated.stored(self.account["_id"], self.box["_id"], (plan.media_id for plan in undecided))
        for plan in undecided:
            doc = found.get(plan.media_id)
            month = database_names.month_of_message(doc["_id"]) if doc is not None else None
            if doc is not None and month is not None:
                plan.month, plan.message_id = month, doc["_id"]
                plan.seconds = entries.plausible(doc.get("utc_seconds")) or plan.seconds

    def _settle(self, plans: list[_Plan]) -> None:
        """Bring each message to where it belongs, again on what is stored then where somebody was quicker."""
        for _ in range(_ATTEMPTS):
            self._look(plans)
            self._store([plan for plan in plans if plan.result is None])
            plans = [plan for plan in plans if plan.result is None]
            if not plans:
                return
        for plan in plans:
            plan.fail(CONFLICT)

    def _look(self, plans: Iterable[_Plan]) -> None:
        """See what is stored under the messages' ids; an id that another box's message has is given up."""
        for month, some in _by_month(plans).items():
            stored = self._fetch(month, some)
            for plan in some:
                plan.stored = stored.get(plan.message_id)
            others = [plan for plan in some if not self._may_have_first_id(plan)]
            for plan in others:
                plan.message_id = entries.other_message_id(month, plan.media_id, self.box["_id"])
            again = self._fetch(month, others)
            for plan in others:
                plan.stored = again.get(plan.message_id)

    def _fetch(self, month: str, plans: Iterable[_Plan]) -> dict[str, Document]:
        """What is stored under the messages' ids."""
        ids = [plan.message_id for plan in plans]
        if self.how.dry_run:  # opening a MODb may add views to it
            modb: Database | None = couch().database(database_names.modb(self.account["_id"], month))
        else:
            modb = modbs.open_for(self.account["_id"], month)
        try:
            return {} if modb is None else modb.fetch(ids)
        except MissingDatabase:
            return {}

    def _may_have_first_id(self, plan: _Plan) -> bool:
        if plan.stored is None:
            return plan.media_id not in self.how.shared
        return undated.is_of(plan.stored, self.box["_id"], plan.media_id)

    def _store(self, plans: list[_Plan]) -> None:
        quiet: list[_Plan] = []
        spoken: list[_Plan] = []
        for plan in plans:
            verdict = self._verdict(plan)
            brings_bytes = verdict is not Outcome.LINKED and plan.found is not None
            if verdict is None:
                plan.fail(NO_AUDIO)
            elif verdict is Outcome.PRESENT or self.how.dry_run:
                plan.end(verdict, copied=_length(plan) if brings_bytes and verdict is not Outcome.PRESENT else 0)
            else:
                (spoken if brings_bytes else quiet).append(plan)
        for month, some in _by_month(quiet).items():
            self._store_documents(modbs.ensure(self.account["_id"], month), some)
        for month, some in _by_month(spoken).items():
            self._store_spoken(modbs.ensure(self.account["_id"], month), some)

    def _verdict(self, plan: _Plan) -> Outcome | None:
        """What is to become of a message; None when it can't become anything."""
        stored = plan.stored
        if stored is None:
            if plan.found is None:
                return Outcome.MIGRATED if self.how.silent else None
            return Outcome.LINKED if self.how.link else Outcome.MIGRATED
        if plan.found is None or self.how.link or stored.get("_attachments"):
            return Outcome.PRESENT
        if stored.get("pvt_attachments"):
            return Outcome.RESOLVED
        # Whoever stored it died before its audio came. A removed message needs none.
        return Outcome.PRESENT if stored.get("pvt_deleted") else Outcome.MIGRATED

    def _store_documents(self, modb: Database, plans: list[_Plan]) -> None:
        """Store messages that bring no bytes, in one request."""
        docs = []
        for plan in plans:
            doc = self._document(plan)
            if plan.found is not None:
                doc = documents.with_link(doc, self.account["_id"], plan.media_id, plan.found)
            docs.append(doc)
        for plan, saved in zip(plans, modb.bulk(docs), strict=True):
            if saved.error is None:
                plan.end(Outcome.MIGRATED if plan.found is None else Outcome.LINKED)
            elif saved.error != CONFLICT:
                plan.fail(saved.error)

    def _store_spoken(self, modb: Database, plans: list[_Plan]) -> None:
        """Store messages with their audio, short ones together, and see that all of it arrived."""
        for some in _together([plan for plan in plans if _length(plan) <= _SHORT]):
            self._store_together(modb, some)
        in_parallel(partial(self._store_one, modb), [plan for plan in plans if _length(plan) > _SHORT])
        arrived = [plan for plan in plans if plan.digest is not None]
        stored = modb.fetch(plan.message_id for plan in arrived)
        for plan in arrived:
            self._verify(modb, plan, stored.get(plan.message_id))

    def _store_together(self, modb: Database, plans: list[_Plan]) -> None:
        """Store messages with short audio in one request: CouchDB takes hundreds that way in the time of a few."""
        read = zip(plans, in_parallel(self._read, plans), strict=True)
        spoken = [(plan, content) for plan, content in read if content is not None]
        try:
            results = modb.bulk([self._spoken_document(plan, content) for plan, content in spoken])
        except (RequestTooLarge, UnspecifiedFault):
            # One that CouchDB refuses must not keep the others from being stored.
            in_parallel(partial(self._store_one, modb), [plan for plan, _ in spoken])
            return
        for (plan, content), saved in zip(spoken, results, strict=True):
            if saved.error is None:
                plan.digest, plan.rev = digests.of(content), saved.rev
            elif saved.error != CONFLICT:
                plan.fail(REFUSED)

    def _read(self, plan: _Plan) -> bytes | None:
        """A message's audio, whole; None when there is none, or not all of it."""
        if plan.found is None or plan.media is None:
            return None
        stream = self.library.open(plan.media, plan.found.name)
        if stream is None:
            plan.fail(NO_AUDIO)
            return None
        try:
            content = b"".join(documents.pieces(stream))[: plan.found.length]
        except ValueError:
            content = b""
        finally:
            stream.close()
        if len(content) < plan.found.length:
            plan.fail(BROKEN_AUDIO)
            return None
        return content

    def _spoken_document(self, plan: _Plan, content: bytes) -> Document:
        if plan.found is None:
            raise AssertionError("what was read has been found")
        name = documents.fit_name(plan.found)
        doc = message_store.with_audio_name(plan.stored or self._document(plan), name)
        stub = {"content_type": plan.found.content_type, "data": base64.b64encode(content).decode()}
        return {**doc, "_attachments": {name: stub}}

    def _store_one(self, modb: Database, plan: _Plan) -> None:
        if plan.found is None or plan.media is None:
            return
        stream = self.library.open(plan.media, plan.found.name)
        if stream is None:
            plan.fail(NO_AUDIO)
            return
        reading = digests.Reading(stream)
        name = documents.fit_name(plan.found)
        doc = message_store.with_audio_name(plan.stored or self._document(plan), name)
        try:
            saved = modb.put_with_attachment(doc, name, plan.found.content_type, reading, plan.found.length)
            plan.digest, plan.rev = reading.digest, saved["_rev"]
        except DatastoreConflict:
            return
        except RequestTooLarge:
            plan.fail(TOO_LARGE)
        except UnspecifiedFault:
            plan.fail(REFUSED)
        except ValueError:  # fewer bytes than the stub said
            plan.fail(BROKEN_AUDIO)
        finally:
            stream.close()

    def _verify(self, modb: Database, plan: _Plan, stored: Document | None) -> None:
        """Whether what is stored now is what was read; a message that went on meanwhile is looked at again."""
        digest, plan.digest = plan.digest, None
        if stored is None or plan.found is None or not recording.has_audio(stored):
            return
        # What a client made of it since, other audio for one, is none of this.
        is_used = stored["_rev"] != plan.rev
        if is_used or (digest is not None and digests.has_audio_of(modb, stored, digest)):
            was_link = bool((plan.stored or {}).get("pvt_attachments"))
            plan.end(Outcome.RESOLVED if was_link else Outcome.MIGRATED, copied=plan.found.length)
        else:
            # Whoever looks again must not take it for done.
            modb.delete(plan.message_id, stored["_rev"])
            plan.fail(BROKEN_AUDIO)

    def _document(self, plan: _Plan) -> Document:
        return documents.build(
            self.account,
            self.box,
            plan.entry,
            plan.media,
            plan.message_id,
            plan.seconds,
            self._zone,
            self.how.actor,
        )

    @cached_property
    def _zone(self) -> ZoneInfo | None:
        return mailbox_store.zone(self.account, self.box)


def _together(plans: Sequence[_Plan]) -> Iterator[list[_Plan]]:
    """Messages in groups whose audio fits into one request."""
    some: list[_Plan] = []
    held = 0
    for plan in plans:
        if some and held + _length(plan) > _TOGETHER:
            yield some
            some, held = [], 0
        some.append(plan)
        held += _length(plan)
    if some:
        yield some


def _told(entry: Entry, plan: _Plan | None) -> Result:
    """An entry's result; of two entries of one message, the second finds what the first one made."""
    if plan is None or plan.result is None:
        return Result(entry, Outcome.FAILED, reason=NO_MEDIA_ID)
    if plan.entry is entry:
        return plan.result
    outcome = Outcome.FAILED if plan.result.outcome is Outcome.FAILED else Outcome.PRESENT
    return replace(plan.result, entry=entry, outcome=outcome, copied=0)


def _length(plan: _Plan) -> int:
    return plan.found.length if plan.found else 0


def _by_month(plans: Iterable[_Plan]) -> dict[str, list[_Plan]]:
    months: dict[str, list[_Plan]] = {}
    for plan in plans:
        months.setdefault(plan.month, []).append(plan)
    return months
