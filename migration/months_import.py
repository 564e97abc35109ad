"""Import messages that another system has in MODbs already: one that is migrated in part, or a Kazoo 4.

A message is stored under its own id together with its audio, in one write. A message that is here is never
overwritten, and so a second run changes nothing. Linked audio is copied, as the document that holds it is not
imported.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from couch.client import couch
from couch.database import Database, Document
from couch.errors import Conflict, Rejected, TooLarge
from couch.parallel import in_parallel
from migration import compare, modb_messages
from migration.outages import Retry
from migration.progress import Progress, Row
from migration.sources import AccountSource, MonthSource, without_database_fields
from migration.survey import RunOptions, SurveyedAccount
from storage import database_names, modbs, ownership
from voicemail.audio import copying, recording
from voicemail.legacy import outcomes
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.media import Audio, MediaLibrary, attached_audio
from voicemail.legacy.outcomes import Outcome
from voicemail.messages import store as message_store

COPIED = "copied"
_BATCH = 100
# An import may change where the audio is, and its name.
_AUDIO_FIELDS = frozenset({"media_filename", "pvt_attachments"})


class _AudioSource(NamedTuple):
    """Where the audio of a message is: the document that it is attached to, and that document's library."""

    library: MediaLibrary
    doc: Document
    audio: Audio


@dataclass
class SourceMonth:
    """The messages that an account has in one month's MODb of another system."""

    source: AccountSource
    month: str
    boxes: frozenset[str] | None = None
    """Ids of the mailboxes whose messages are wanted; None for all."""
    other_types: Counter[str] = field(default_factory=Counter)
    """How many documents are no messages, by type; complete when all messages have been read."""
    foreign: int = 0
    """How many messages say that they belong to another account: they are left out."""

    def import_messages(self, retry: Retry, *, dry_run: bool = False) -> Iterator[list[Row]]:
        """Store the messages that are missing here, a batch at a time; each is copied, present or failed."""
        for messages in self._batches(retry):
            yield retry(partial(self._import_batch, messages, dry_run=dry_run))

    def compare(self, retry: Retry) -> Iterator[list[Row]]:
        """Compare the messages here with those of the source; each has an outcome of `compare`, or is missing."""
        for messages in self._batches(retry):
            yield retry(partial(self._compare_batch, messages))

    @property
    def _modb(self) -> Database:
        return couch().database(database_names.modb(self.source.account_id, self.month))

    @property
    def _source_modb(self) -> MonthSource:
        return self.source.open_month(self.month)

    def _batches(self, retry: Retry) -> Iterator[list[Document]]:
        messages = self._source_modb.messages(retry, self.other_types)
        pending = (doc for doc in messages if self._is_own(doc) and self._is_selected(doc))
        while batch := list(islice(pending, _BATCH)):
            yield batch

    def _is_own(self, message: Document) -> bool:
        is_own = ownership.may_be_in(message, self.source.account_id)
        self.foreign += not is_own
        return is_own

    def _is_selected(self, message: Document) -> bool:
        return self.boxes is None or message.get("source_id") in self.boxes

    def _fetch_stored(self, messages: Sequence[Document]) -> dict[str, Document]:
        modb = self._modb
        return modb.fetch(message["_id"] for message in messages) if modb.exists() else {}

    # --- import ---

    def _import_batch(self, messages: Sequence[Document], *, dry_run: bool) -> list[Row]:
        stored = self._fetch_stored(messages)
        if dry_run:
            return [self._plan(doc, stored.get(doc["_id"]), self._find_audio(doc)) for doc in messages]
        modb = modbs.ensure(self.source.account_id, self.month)
        return in_parallel(lambda doc: self._import(modb, doc, stored.get(doc["_id"])), messages)

    def _plan(self, message: Document, stored: Document | None, audio_source: _AudioSource | None) -> Row:
        """What is to become of a message: copied, or present already."""
        if stored is not None and (audio_source is None or recording.has_audio(stored)):
            return self._row(message, Outcome.PRESENT)
        if audio_source is None:
            return self._row(message, COPIED, "" if recording.has_audio(message) else outcomes.NO_AUDIO)
        return self._row(message, COPIED, copied=audio_source.audio.length)

    def _import(self, modb: Database, message: Document, stored: Document | None) -> Row:
        audio_source = self._find_audio(message)
        planned = self._plan(message, stored, audio_source)
        if planned.outcome != COPIED:
            return planned
        imported = stored if stored is not None else without_database_fields(message)
        try:
            reason = self._store(modb, imported, audio_source)
        except Conflict:
            return self._row(message, Outcome.PRESENT)  # another writer was quicker
        except TooLarge:
            reason = outcomes.TOO_LARGE
        except Rejected:
            reason = outcomes.REFUSED
        except ValueError:  # fewer bytes than the stub states, or other ones than were read
            reason = outcomes.BROKEN_AUDIO
        return self._row(message, Outcome.FAILED, reason) if reason else planned

    def _store(self, modb: Database, message: Document, audio_source: _AudioSource | None) -> str:
        """Store a message with its audio; the reason if it can't be stored, or an empty text."""
        if audio_source is None:
            modb.put(message)
            return ""
        audio = audio_source.audio
        stream = audio_source.library.open(audio_source.doc, audio.name)
        if stream is None:
            return outcomes.NO_AUDIO
        name = copying.fit_name(audio)
        try:
            copying.copy_audio(modb, message_store.with_audio_name(message, name), name, audio, stream)
        except copying.BrokenAudio as error:
            # The next run must not take it for done.
            modb.delete(message["_id"], error.revision)
            raise
        return ""

    def _find_audio(self, message: Document) -> _AudioSource | None:
        """Where a message's audio is in its system; None if there is none that can be read."""
        own_audio = attached_audio(message)
        if own_audio is not None:
            return _AudioSource(self._source_modb, message, own_audio)
        for media_id in sorted(modb_messages.linked_ids(message, self.source.account_id)):
            media = self.source.library.fetch([media_id]).get(media_id)
            linked_audio = attached_audio(media) if media is not None else None
            if media is not None and linked_audio is not None:
                return _AudioSource(self.source.library, media, linked_audio)
        return None

    # --- comparison ---

    def _compare_batch(self, messages: Sequence[Document]) -> list[Row]:
        stored = self._fetch_stored(messages)
        return [self._compare(message, stored.get(message["_id"])) for message in messages]

    def _compare(self, message: Document, stored: Document | None) -> Row:
        if stored is None:
            return self._row(message, "missing", "not_migrated")
        names = (name for name in without_database_fields(message) if name not in _AUDIO_FIELDS)
        difference = next((name for name in names if stored.get(name) != message[name]), "")
        source = self._find_audio(message)
        if source is not None and not difference:
            is_same = compare.has_same_audio(source.audio, source.doc, source.library, self._modb, stored)
            difference = "" if is_same else "audio"
        if not difference:
            return self._row(message, compare.VERIFIED)
        # Every change of a message by a client changes its time of modification.
        if stored.get("pvt_modified") != message.get("pvt_modified"):
            return self._row(message, compare.CHANGED)
        return self._row(message, compare.DIFFERING, difference)

    def _row(self, message: Document, outcome: str, reason: str = "", copied: int = 0) -> Row:
        box_id, previous_id = (_text_or_none(message.get(key)) for key in ("source_id", PREVIOUS_ID))
        return Row(self.source.account_id, box_id, previous_id, message["_id"], str(outcome), reason, copied)


def list_source_months(account: SurveyedAccount, options: RunOptions) -> list[SourceMonth]:
    """The months of an account of another system that are to be imported or compared."""
    boxes = frozenset(box.id for box in account.boxes) if options.boxes else None
    return [SourceMonth(account.source, month, boxes) for month in account.source.list_months()]


def report_foreign(month: SourceMonth, progress: Progress) -> None:
    """Report as a problem that messages of a month belong to another account; when all have been read."""
    if month.foreign:
        account_id = month.source.account_id
        sentence = (
            f"Messages of month {month.month} of account {account_id} that name another account are left out "
            f"({month.foreign}). {ownership.ADVICE}"
        )
        progress.add_problem(account_id, None, ownership.REASON, sentence)


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
