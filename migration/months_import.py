"""Messages that another system has in MODbs already: it was migrated in part, or is a Kazoo 4. They come as they are.

A message is stored under its own id with its audio, in one write. One that is here is never overwritten, and so a
repeat changes nothing. Linked audio comes along, as the document that it is in stays behind.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from couch.client import Database, Document, couch
from couch.errors import Conflict, Rejected, TooLarge
from couch.parallel import in_parallel
from migration import audio_links, comparing
from migration.progress import Ask, Row
from migration.sources import AccountSource, MonthSource
from storage import database_names, modbs
from voicemail.audio import copying, recording
from voicemail.legacy import media as legacy_media
from voicemail.legacy import outcomes
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.media import Audio, MediaLibrary
from voicemail.legacy.outcomes import Outcome
from voicemail.messages import store as message_store

COPIED = "copied"
_BATCH = 100
# Where the audio is, and what its name is, may be another here.
_PLACES = frozenset({"media_filename", "pvt_attachments"})


class _Found(NamedTuple):
    """Where the audio of a message is."""

    library: MediaLibrary
    doc: Document
    audio: Audio


@dataclass
class Month:
    """The messages of one month of an account of another system."""

    source: AccountSource
    month: str
    boxes: frozenset[str] | None = None
    """Ids of boxes whose messages are wanted; None: all."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many documents were no messages, by type; known at the end."""

    @property
    def name(self) -> str:
        """The name of its database."""
        return database_names.modb(self.source.account_id, self.month)

    def bring(self, ask: Ask, *, dry_run: bool = False) -> Iterator[list[Row]]:
        """Store what is missing here, some at a time; what became of each message: copied, present or failed."""
        todo = self._messages(ask)
        while docs := list(islice(todo, _BATCH)):
            yield ask(partial(self._bring, docs, dry_run=dry_run))

    def compare(self, ask: Ask) -> Iterator[list[Row]]:
        """What the messages here are, compared with those there: as `comparing` says it, or missing."""
        todo = self._messages(ask)
        while docs := list(islice(todo, _BATCH)):
            yield ask(partial(self._compare, docs))

    def _messages(self, ask: Ask) -> Iterator[Document]:
        found = self._there.messages(ask, self.left_out)
        return (doc for doc in found if self.boxes is None or doc.get("source_id") in self.boxes)

    @property
    def _there(self) -> MonthSource:
        return self.source.month(self.month)

    def _here(self, docs: Sequence[Document]) -> dict[str, Document]:
        modb = couch().database(self.name)
        return modb.fetch(doc["_id"] for doc in docs) if modb.exists() else {}

    def _bring(self, docs: Sequence[Document], *, dry_run: bool) -> list[Row]:
        here = self._here(docs)
        if dry_run:
            return [self._told(doc, here.get(doc["_id"]), self._found(doc)) for doc in docs]
        modb = modbs.ensure(self.source.account_id, self.month)
        return in_parallel(lambda doc: self._store(modb, doc, here.get(doc["_id"])), docs)

    def _told(self, doc: Document, here: Document | None, found: _Found | None) -> Row:
        """What a message is going to be."""
        if here is not None and (found is None or recording.has_audio(here)):
            return self._row(doc, Outcome.PRESENT)
        if found is None:
            return self._row(doc, COPIED, "" if recording.has_audio(doc) else outcomes.NO_AUDIO)
        return self._row(doc, COPIED, "", found.audio.length)

    def _store(self, modb: Database, doc: Document, here: Document | None) -> Row:
        found = self._found(doc)
        told = self._told(doc, here, found)
        if told.outcome != COPIED:
            return told
        whole = here if here is not None else bare(doc)
        try:
            if found is None:
                modb.put(whole)
                return told
            return self._store_spoken(modb, whole, found, told)
        except Conflict:
            return self._row(doc, Outcome.PRESENT)  # somebody was quicker
        except TooLarge:
            return self._row(doc, Outcome.FAILED, outcomes.TOO_LARGE)
        except Rejected:
            return self._row(doc, Outcome.FAILED, outcomes.REFUSED)
        except ValueError:  # fewer bytes than the stub said
            return self._row(doc, Outcome.FAILED, outcomes.BROKEN_AUDIO)

    def _store_spoken(self, modb: Database, whole: Document, found: _Found, told: Row) -> Row:
        stream = found.library.open(found.doc, found.audio.name)
        if stream is None:
            return self._row(whole, Outcome.FAILED, outcomes.NO_AUDIO)
        reading, name = copying.DigestingStream(stream), copying.fit_name(found.audio)
        try:
            named = message_store.with_audio_name(whole, name)
            saved = modb.put_with_attachment(named, name, found.audio.content_type, reading, found.audio.length)
        finally:
            stream.close()
        stored = modb.get(whole["_id"]) or {}
        if stored.get("_rev") != saved["_rev"] or copying.has_audio(modb, stored, reading.digest):
            return told
        # Whoever looks again must not take it for done.
        modb.delete(whole["_id"], saved["_rev"])
        return self._row(whole, Outcome.FAILED, outcomes.BROKEN_AUDIO)

    def _found(self, doc: Document) -> _Found | None:
        """Where a message's audio is, in its system; None when there is none that can be read."""
        own = legacy_media.attached_audio(doc)
        if own is not None:
            return _Found(self._there, doc, own)
        for target in sorted(audio_links.links_of(doc)):
            media = self.source.library.fetch([target]).get(target)
            linked = legacy_media.attached_audio(media) if media is not None else None
            if media is not None and linked is not None:
                return _Found(self.source.library, media, linked)
        return None

    def _compare(self, docs: Sequence[Document]) -> list[Row]:
        modb, here = couch().database(self.name), self._here(docs)
        return [self._compared(modb, doc, here.get(doc["_id"])) for doc in docs]

    def _compared(self, modb: Database, doc: Document, stored: Document | None) -> Row:
        if stored is None:
            return self._row(doc, "missing", "not_migrated")
        differing = next((key for key in bare(doc) if key not in _PLACES and stored.get(key) != doc[key]), "")
        found = self._found(doc)
        if found is not None and not comparing.same_audio(found.audio, found.doc, found.library, modb, stored):
            differing = differing or "audio"
        if not differing:
            return self._row(doc, comparing.VERIFIED)
        # Whoever changes a message says when.
        is_used = stored.get("pvt_modified") != doc.get("pvt_modified")
        return self._row(doc, comparing.CHANGED if is_used else comparing.DIFFERING, "" if is_used else differing)

    def _row(self, doc: Document, outcome: str, reason: str = "", copied: int = 0) -> Row:
        box_id, previous = (_text(doc.get(key)) for key in ("source_id", PREVIOUS_ID))
        return Row(self.source.account_id, box_id, previous, doc["_id"], str(outcome), reason, copied)


def bare(doc: Document) -> Document:
    """A document without its revision and attachments, which are of another database."""
    return {key: value for key, value in doc.items() if key == "_id" or not key.startswith("_")}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
