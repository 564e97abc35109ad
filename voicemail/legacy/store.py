"""Store the messages that entries of Kazoo 3.x become: a batch of one mailbox at a time, in few requests.

A second run, or another process at the same time, finds the messages there by their ids and stores nothing twice. A
message is stored together with its audio, in one write. It counts as stored if CouchDB's digest of the stored audio
is that of the bytes that were read.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

from couch.database import Database, Document
from couch.errors import Conflict, Rejected, TooLarge
from couch.parallel import in_parallel
from couch.retry import paced_attempts
from storage import gregorian, modbs
from voicemail.audio import copying, recording
from voicemail.legacy import documents, plan
from voicemail.legacy.entries import Entry
from voicemail.legacy.media import Audio, MediaLibrary
from voicemail.legacy.outcomes import (
    BROKEN_AUDIO,
    CONFLICT,
    NO_AUDIO,
    NO_MEDIA_ID,
    REFUSED,
    TOO_LARGE,
    EntryResult,
    MigrationOptions,
    Outcome,
)
from voicemail.legacy.plan import PlannedMessage
from voicemail.mailboxes import time_zone
from voicemail.messages import store as message_store

# Audio of at most so many bytes is held in memory while it is stored; longer audio is streamed.
_MAX_BYTES_IN_MEMORY = 256 * 1024
_MAX_BYTES_PER_REQUEST = 2 * 1024 * 1024
_ATTEMPTS = 6


def store_messages(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    batch: Sequence[Entry],
    library: MediaLibrary,
    options: MigrationOptions,
) -> list[EntryResult]:
    """Store the messages that entries of a mailbox become; a result per entry. The mailbox stays as it is.

    Uses the account's id, realm and time zone, and the mailbox's id, number, time zone and owner.
    Raises Unreachable; some messages may be stored by then, and the next call finds them.
    """
    media = library.fetch({entry.media_id for entry in batch if entry.media_id is not None})
    plans = plan.plan_messages(account["_id"], box, batch, media, gregorian.now())
    unique: dict[str, PlannedMessage] = {}
    plans = [None if planned is None else unique.setdefault(planned.message_id, planned) for planned in plans]
    _Batch(account, box, library, options).run(list(unique.values()))
    return [_entry_result(entry, planned) for entry, planned in zip(batch, plans, strict=True)]


def _entry_result(entry: Entry, planned: PlannedMessage | None) -> EntryResult:
    """An entry's result. The second of two entries for one message finds what the first one became."""
    if planned is None or planned.result is None:
        return EntryResult(entry, Outcome.FAILED, reason=NO_MEDIA_ID)
    if planned.entry is entry:
        return planned.result
    outcome = Outcome.FAILED if planned.result.outcome is Outcome.FAILED else Outcome.PRESENT
    return replace(planned.result, entry=entry, outcome=outcome, copied=0)


@dataclass
class _Batch:
    account: Mapping[str, Any]
    box: Mapping[str, Any]
    library: MediaLibrary
    options: MigrationOptions

    def run(self, plans: list[PlannedMessage]) -> None:
        """Give each message a result; look again, and store again, where another writer was quicker."""
        for _ in paced_attempts(_ATTEMPTS):
            plan.look_up_stored(self.account["_id"], self.box["_id"], plans, self.options)
            self._store(plans)
            plans = [planned for planned in plans if planned.result is None]
            if not plans:
                return
        for planned in plans:
            planned.fail(CONFLICT)

    def _store(self, plans: list[PlannedMessage]) -> None:
        without_audio: list[PlannedMessage] = []
        with_audio: list[PlannedMessage] = []
        for planned in plans:
            outcome = plan.decide_outcome(planned, self.options)
            copies_audio = outcome in (Outcome.MIGRATED, Outcome.RESOLVED) and planned.audio is not None
            if outcome is None:
                planned.fail(NO_AUDIO)
            elif outcome is Outcome.PRESENT or self.options.dry_run:
                planned.finish(outcome, copied=planned.audio_length if copies_audio else 0)
            else:
                (with_audio if copies_audio else without_audio).append(planned)
        for month, batch in plan.group_by_month(without_audio).items():
            self._store_without_audio(modbs.ensure(self.account["_id"], month), batch)
        for month, batch in plan.group_by_month(with_audio).items():
            self._store_with_audio(modbs.ensure(self.account["_id"], month), batch)

    def _store_without_audio(self, modb: Database, plans: list[PlannedMessage]) -> None:
        """Store messages whose audio is linked or missing, in one request."""
        messages = []
        for planned in plans:
            message = self._build(planned)
            if planned.audio is not None:
                message = documents.add_link(message, self.account["_id"], planned.media_id, planned.audio)
            messages.append(message)
        for planned, saved in zip(plans, modb.put_all(messages), strict=True):
            if saved.error is None:
                planned.finish(Outcome.MIGRATED if planned.audio is None else Outcome.LINKED)
            elif saved.error != CONFLICT:
                planned.fail(saved.error)

    def _store_with_audio(self, modb: Database, plans: list[PlannedMessage]) -> None:
        """Store messages with their audio, several with short audio in one request, and verify them."""
        short = [planned for planned in plans if planned.audio_length <= _MAX_BYTES_IN_MEMORY]
        for group in _group_for_requests(short):
            self._store_group(modb, group)
        long = [planned for planned in plans if planned.audio_length > _MAX_BYTES_IN_MEMORY]
        in_parallel(partial(self._store_one, modb), long)
        written = [planned for planned in plans if planned.written_digest is not None]
        stored = modb.fetch(planned.message_id for planned in written)
        for planned in written:
            self._verify(modb, planned, stored.get(planned.message_id))

    def _store_group(self, modb: Database, plans: list[PlannedMessage]) -> None:
        """Store messages with short audio in one request: CouchDB takes hundreds this way in the time of a few."""
        contents = in_parallel(self._read, plans)
        readable = [
            (planned, content) for planned, content in zip(plans, contents, strict=True) if content is not None
        ]
        try:
            results = modb.put_all([self._build_with_audio(planned, content) for planned, content in readable])
        except (TooLarge, Rejected):
            # A message that CouchDB refuses must not keep the others from being stored.
            in_parallel(partial(self._store_one, modb), [planned for planned, _ in readable])
            return
        for (planned, content), saved in zip(readable, results, strict=True):
            if saved.error is None:
                planned.written_digest, planned.written_revision = copying.digest_bytes(content), saved.rev
            elif saved.error != CONFLICT:
                planned.fail(REFUSED)

    def _read(self, planned: PlannedMessage) -> bytes | None:
        """A message's whole audio; None, with the reason in the message's result, if it can't be read."""
        source = self._open(planned)
        if source is None:
            return None
        audio, stream = source
        try:
            content = b"".join(copying.read_pieces(stream))[: audio.length]
        except ValueError:
            content = b""
        finally:
            stream.close()
        if len(content) < audio.length:
            planned.fail(BROKEN_AUDIO)
            return None
        return content

    def _open(self, planned: PlannedMessage) -> tuple[Audio, copying.Stream] | None:
        """A message's audio; None, with the reason in the message's result, if it is gone."""
        stream = None
        if planned.audio is not None and planned.media is not None:
            stream = self.library.open(planned.media, planned.audio.name)
        if planned.audio is None or stream is None:
            planned.fail(NO_AUDIO)
            return None
        return planned.audio, stream

    def _build_with_audio(self, planned: PlannedMessage, content: bytes) -> Document:
        if planned.audio is None:
            raise AssertionError("its audio was read")
        name = copying.fit_name(planned.audio)
        stub = {"content_type": planned.audio.content_type, "data": base64.b64encode(content).decode()}
        return {**self._build_for_audio(planned, name), "_attachments": {name: stub}}

    def _store_one(self, modb: Database, planned: PlannedMessage) -> None:
        source = self._open(planned)
        if source is None:
            return
        audio, stream = source
        name = copying.fit_name(audio)
        try:
            stored = copying.put_with_audio(modb, self._build_for_audio(planned, name), name, audio, stream)
            planned.written_digest, planned.written_revision = stored.digest, stored.document["_rev"]
        except Conflict:
            return
        except TooLarge:
            planned.fail(TOO_LARGE)
        except Rejected:
            planned.fail(REFUSED)
        except ValueError:  # fewer bytes than the stub states
            planned.fail(BROKEN_AUDIO)

    def _verify(self, modb: Database, planned: PlannedMessage, stored: Document | None) -> None:
        """Compare the stored audio with what was read. A message deleted since then is left to the next attempt."""
        digest, planned.written_digest = planned.written_digest, None
        if stored is None or planned.audio is None or not recording.has_audio(stored):
            return
        # A client that changed the message since may have given it other audio.
        is_changed = stored["_rev"] != planned.written_revision
        if is_changed or (digest is not None and copying.matches_digest(modb, stored, digest)):
            was_linked = bool((planned.stored or {}).get("pvt_attachments"))
            planned.finish(Outcome.RESOLVED if was_linked else Outcome.MIGRATED, copied=planned.audio.length)
        else:
            # The next run must not take it for done.
            modb.delete(planned.message_id, stored["_rev"])
            planned.fail(BROKEN_AUDIO)

    def _build_for_audio(self, planned: PlannedMessage, name: str) -> Document:
        return message_store.with_audio_name(planned.stored or self._build(planned), name)

    def _build(self, planned: PlannedMessage) -> Document:
        return documents.build_message(
            self.account,
            self.box,
            planned.entry,
            planned.media,
            message_id=planned.message_id,
            seconds=planned.seconds,
            zone=self._zone,
            actor=self.options.actor,
        )

    @cached_property
    def _zone(self) -> ZoneInfo | None:
        return time_zone.of_box(self.account, self.box)


def _group_for_requests(plans: Sequence[PlannedMessage]) -> Iterator[list[PlannedMessage]]:
    """Messages in groups whose audio fits into one request."""
    group: list[PlannedMessage] = []
    size = 0
    for planned in plans:
        if group and size + planned.audio_length > _MAX_BYTES_PER_REQUEST:
            yield group
            group, size = [], 0
        group.append(planned)
        size += planned.audio_length
    if group:
        yield group
