"""Copy documents from another system as they are, under their own ids: messages in MODbs, and media.

A document is stored together with its audio, in one write. A document that is here is never overwritten, and so a
second run changes nothing; only audio that it lacks is added. Linked audio is copied, as the document that holds it
is not imported.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from couch.database import Database, Document
from couch.errors import Conflict, Rejected, TooLarge
from couch.parallel import in_parallel
from migration import compare, modb_messages
from migration.outages import Retry
from migration.progress import Row
from migration.sources import AccountSource, without_database_fields
from storage import documents
from voicemail.audio import copying, recording
from voicemail.legacy import outcomes
from voicemail.legacy.media import Audio, MediaLibrary, attached_audio
from voicemail.legacy.outcomes import Outcome

COPIED = "copied"
ID_TAKEN = "id_taken"
BATCH = 100
# An import may change where the audio is, and its name.
_AUDIO_FIELDS = frozenset({"media_filename", "pvt_attachments"})


class _AudioSource(NamedTuple):
    """Where the audio of a document is: the document that it is attached to, and that document's library."""

    library: MediaLibrary
    doc: Document
    audio: Audio


class DocumentImport:
    """The documents of a kind in one database of an account of another system, and in its namesake here."""

    def __init__(self, source: AccountSource, library: MediaLibrary, database: Database) -> None:
        """`library` has the documents in the source, `database` is where they belong here."""
        self.source, self._library, self._database = source, library, database

    def import_documents(self, retry: Retry, *, dry_run: bool = False) -> Iterator[list[Row]]:
        """Store the documents that are missing here, a batch at a time; each is copied, present or failed."""
        for batch in self._batches(retry):
            yield retry(partial(self._import_batch, batch, dry_run=dry_run))

    def compare(self, retry: Retry) -> Iterator[list[Row]]:
        """Compare the documents here with those of the source; each has an outcome of `compare`, or is missing."""
        for batch in self._batches(retry):
            yield retry(partial(self._compare_batch, batch))

    # --- what a kind of documents decides ---

    def _batches(self, retry: Retry) -> Iterator[list[Document]]:
        """The documents in the source, in batches of at most BATCH."""
        raise NotImplementedError

    def _ensure_database(self) -> None:
        """Create the database here if it is missing."""
        raise NotImplementedError

    def _with_audio_name(self, doc: Document, name: str) -> Document:
        """The document that is to be stored with an attachment of a name."""
        raise NotImplementedError

    def _row(self, doc: Document, outcome: str, reason: str = "", copied: int = 0) -> Row:
        """A line of the report."""
        raise NotImplementedError

    # --- import ---

    def _fetch_stored(self, docs: Sequence[Document]) -> dict[str, Document]:
        return self._database.fetch(doc["_id"] for doc in docs) if self._database.exists() else {}

    def _import_batch(self, docs: Sequence[Document], *, dry_run: bool) -> list[Row]:
        stored = self._fetch_stored(docs)
        if dry_run:
            return [self._plan(doc, stored.get(doc["_id"]), self._find_audio(doc)) for doc in docs]
        self._ensure_database()
        return in_parallel(lambda doc: self._import(doc, stored.get(doc["_id"])), docs)

    def _plan(self, doc: Document, stored: Document | None, audio_source: _AudioSource | None) -> Row:
        """What is to become of a document: copied, or present already."""
        if stored is not None and stored.get("pvt_type") != doc.get("pvt_type"):
            return self._row(doc, Outcome.FAILED, ID_TAKEN)
        if stored is not None and (audio_source is None or recording.has_audio(stored)):
            return self._row(doc, Outcome.PRESENT)
        if audio_source is None:
            return self._row(doc, COPIED, outcomes.NO_AUDIO if lacks_audio(doc) else "")
        return self._row(doc, COPIED, copied=audio_source.audio.length)

    def _import(self, doc: Document, stored: Document | None) -> Row:
        audio_source = self._find_audio(doc)
        planned = self._plan(doc, stored, audio_source)
        if planned.outcome != COPIED:
            return planned
        try:
            reason = self._store(doc, stored, audio_source)
        except Conflict:
            return self._row(doc, Outcome.PRESENT)  # another writer was quicker
        except TooLarge:
            reason = outcomes.TOO_LARGE
        except Rejected:
            reason = outcomes.REFUSED
        except ValueError:  # fewer bytes than the stub states, or other ones than were read
            reason = outcomes.BROKEN_AUDIO
        return self._row(doc, Outcome.FAILED, reason) if reason else planned

    def _store(self, doc: Document, stored: Document | None, audio_source: _AudioSource | None) -> str:
        """Store a document with its audio; the reason if it can't be stored, or an empty text."""
        imported = stored if stored is not None else without_database_fields(doc)
        if audio_source is None:
            documents.put(self._database, imported)
            return ""
        audio = audio_source.audio
        stream = audio_source.library.open(audio_source.doc, audio.name)
        if stream is None:
            return outcomes.NO_AUDIO
        name = copying.fit_name(audio)
        try:
            copying.copy_audio(self._database, self._with_audio_name(imported, name), name, audio, stream)
        except copying.BrokenAudio as error:
            # The next run must not take it for done.
            if stored is None:
                self._database.delete(doc["_id"], error.revision)
            else:
                self._database.put({**stored, "_rev": error.revision})
            raise
        return ""

    def _find_audio(self, doc: Document) -> _AudioSource | None:
        """Where a document's audio is in its system; None if there is none that can be read."""
        own_audio = attached_audio(doc)
        if own_audio is not None:
            return _AudioSource(self._library, doc, own_audio)
        for media_id in sorted(modb_messages.linked_ids(doc, self.source.account_id)):
            media = self.source.library.fetch([media_id]).get(media_id)
            linked_audio = attached_audio(media) if media is not None else None
            if media is not None and linked_audio is not None:
                return _AudioSource(self.source.library, media, linked_audio)
        return None

    # --- comparison ---

    def _compare_batch(self, docs: Sequence[Document]) -> list[Row]:
        stored = self._fetch_stored(docs)
        return [self._compare(doc, stored.get(doc["_id"])) for doc in docs]

    def _compare(self, doc: Document, stored: Document | None) -> Row:
        if stored is None:
            return self._row(doc, "missing", "not_migrated")
        if stored.get("pvt_type") != doc.get("pvt_type"):
            return self._row(doc, compare.DIFFERING, "pvt_type")
        names = (name for name in without_database_fields(doc) if name not in _AUDIO_FIELDS)
        difference = next((name for name in names if stored.get(name) != doc[name]), "")
        audio_source = self._find_audio(doc)
        if audio_source is not None and not difference:
            library, audio_doc, audio = audio_source
            is_same = compare.has_same_audio(audio, audio_doc, library, self._database, stored)
            difference = "" if is_same else "audio"
        if not difference:
            return self._row(doc, compare.VERIFIED)
        # Every change by a client changes the time of modification.
        if stored.get("pvt_modified") != doc.get("pvt_modified"):
            return self._row(doc, compare.CHANGED)
        return self._row(doc, compare.DIFFERING, difference)


def lacks_audio(doc: Document) -> bool:
    """Whether a document has no audio and should have some: what is made of a text needs none."""
    return not recording.has_audio(doc) and doc.get("media_source") != "tts"
