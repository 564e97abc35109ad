"""Purging: media documents of 3.x are deleted once their audio is in a MODb, and nobody else needs them.

Each document's audio is verified now. What an entry of a box, a box's greeting or a soft link names stays.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import NamedTuple

from accounts.api.exception_handler import api_error
from couch.client import Database, Document, couch
from couch.errors import CouchError
from crossbar.errors import ApiError
from migration import audio_links, comparing, sources
from migration.comparing import fingerprint
from migration.migrate import Options, Work, patient, side_by_side, survey
from migration.progress import Ask, Patient, Row, Stopped, Tally, Watch
from migration.sources import Source
from storage import database_names
from voicemail.legacy import entries
from voicemail.legacy import media as legacy_media
from voicemail.legacy.documents import PREVIOUS_ID

PURGED, KEPT, FAILED = "purged", "kept", "failed"
_BATCH = 200


def purge(source: Source, options: Options, watch: Watch) -> Tally:
    """Delete what is safe to delete of the served CouchDB; with `dry_run` only tell.

    Outcomes: purged, kept with the reason, failed. Raises Unknown, Unreachable.
    """
    with suppress(Stopped):
        works = survey(source, options, watch)
        # Entries are none of this: what is to do shows as it comes.
        watch.expect(messages=-watch.tally.messages)
        watch.phase("purging")
        for _ in side_by_side(partial(_purge, options, watch, patient(source, watch)), works, options.workers, watch):
            watch.account_done()
    watch.end(stopped=watch.stopping)
    return watch.tally


def _purge(options: Options, watch: Watch, ask: Patient, work: Work) -> None:
    account_id = work.source.account_id
    try:
        purging = _Purge(options, work, ask)
        for modb in audio_links.month_databases(account_id, ask):
            for docs in purging.batches(modb):
                rows = purging.settle(modb, docs)
                watch.expect(messages=len(rows))
                watch.rows(rows)
                if watch.stopping:
                    return
    except Stopped:
        return
    except (ApiError, CouchError) as error:
        ask.end_if_gone(error)
        reason = api_error(error).message
        watch.problem(account_id, None, reason, f"Account {account_id} is not purged: {reason}")


class _Safe(NamedTuple):
    """A media document that may be deleted, and the message that has its audio."""

    message: Document
    media: Document


class _Purge:
    """The media documents of one account. A CouchDB that is away is waited for."""

    def __init__(self, options: Options, work: Work, ask: Ask) -> None:
        self.options, self.work, self.ask = options, work, ask
        self.account_id = work.source.account_id
        self.database = couch().database(database_names.account_db(self.account_id))
        self.library = work.source.library
        self.linked = {
            fingerprint(target)
            for modb in audio_links.month_databases(self.account_id, ask)
            for doc in audio_links.linked(modb, ask)
            for target in audio_links.links_of(doc)
        }
        self.told: set[int] = set()

    def batches(self, modb: Database) -> Iterator[list[Document]]:
        """The messages of a month that have come from media documents, some at a time."""
        found = (doc for doc in audio_links.messages_of(modb, self.ask) if isinstance(doc.get(PREVIOUS_ID), str))
        while some := list(islice(found, _BATCH)):
            yield some

    def settle(self, modb: Database, docs: list[Document]) -> list[Row]:
        """Delete the media documents of some messages, where that is safe; what became of each there was."""
        rows, safe = self.ask(partial(self._look, modb, docs))
        return rows + self._delete(safe)

    def _look(self, modb: Database, docs: list[Document]) -> tuple[list[Row], list[_Safe]]:
        """What is kept, and what may be deleted."""
        media = dict(self.library.fetch(doc[PREVIOUS_ID] for doc in docs))
        needed = self._needed()
        rows: list[Row] = []
        safe: dict[str, _Safe] = {}
        for doc in docs:
            found = media.get(doc[PREVIOUS_ID])
            if found is None or not sources.is_voicemail(found):
                continue
            reason = self._why_not(modb, doc, found, needed)
            if reason:
                rows.append(self._row(doc, KEPT, reason))
            else:
                safe[found["_id"]] = _Safe(doc, found)
        return rows, list(safe.values())

    def _why_not(self, modb: Database, doc: Document, media: Document, needed: set[int]) -> str:
        mark = fingerprint(media["_id"])
        if mark in needed:
            return "entry"
        if mark in self.linked:
            return "link"
        found = legacy_media.usable_audio(media)
        if found is None:
            return "no_audio"
        if not doc.get("_attachments"):
            return "not_copied"
        return "" if comparing.same_audio(found, media, self.library, modb, doc) else "audio_differs"

    def _needed(self) -> set[int]:
        """What boxes name, as they are now: a box may have got an entry a moment ago."""
        ids = [box.id for box in self.work.survey.boxes]
        needed = {fingerprint(one) for one in self.work.survey.greetings}
        for start in range(0, len(ids), _BATCH):
            for box in self.work.source.documents(ids[start : start + _BATCH]).values():
                needed |= {
                    fingerprint(entry.media_id) for entry in entries.parse_array(box) if entry.media_id is not None
                }
                played = box.get("media")
                needed |= {fingerprint(one) for one in played.values()} if isinstance(played, dict) else set()
        return needed

    def _delete(self, safe: Sequence[_Safe]) -> list[Row]:
        if self.options.dry_run:
            fresh = [one for one in safe if fingerprint(one.media["_id"]) not in self.told]
            self.told |= {fingerprint(one.media["_id"]) for one in fresh}
            return [self._purged(one) for one in fresh]
        gone = [{"_id": media["_id"], "_rev": media["_rev"], "_deleted": True} for _, media in safe]
        saved = self.ask(partial(self.database.bulk, gone))
        # Asked again, CouchDB refuses what it did the first time, when its answer was lost.
        refused = [one.id for one in saved if one.error is not None]
        present = self.ask(partial(self.database.fetch, refused))
        return [
            self._purged(one)
            if result.error is None or result.id not in present
            else self._row(one.message, FAILED, result.error)
            for one, result in zip(safe, saved, strict=True)
        ]

    def _purged(self, one: _Safe) -> Row:
        return self._row(one.message, PURGED, "", _length(one.media))

    def _row(self, doc: Document, outcome: str, reason: str, length: int = 0) -> Row:
        return Row(self.account_id, doc.get("source_id"), doc[PREVIOUS_ID], doc["_id"], outcome, reason, length)


def _length(media: Document) -> int:
    found = legacy_media.usable_audio(media)
    return found.length if found else 0
