"""Purging: media documents of 3.x are deleted once their audio is in a MODb, and nobody else needs them.

Each document's audio is verified now. What an entry of a box, a box's greeting or a soft link names stays.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from accounts import databases
from accounts.couch import Database, Document, couch
from crossbar.errors import ApiError
from voicemail.legacy import documents, entries
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.migration import comparing, links, sources
from voicemail.migration.comparing import fingerprint
from voicemail.migration.running import Options, Work, side_by_side, survey
from voicemail.migration.sources import Source
from voicemail.migration.watching import Row, Stopped, Tally, Watch

PURGED, KEPT, FAILED = "purged", "kept", "failed"
_BATCH = 200


def purge(source: Source, options: Options, watch: Watch) -> Tally:
    """Delete what is safe to delete of the served CouchDB; with `dry_run` only tell.

    Outcomes: purged, kept with the reason, failed. Raises Unknown, DatastoreUnreachable.
    """
    works = survey(source, options, watch)
    # Entries are none of this: what is to do shows as it comes.
    watch.expect(messages=-watch.tally.messages)
    watch.phase("purging")
    for _ in side_by_side(partial(_purge, options, watch), works, options.workers, watch):
        watch.account_done()
    watch.end(stopped=watch.stopping)
    return watch.tally


def _purge(options: Options, watch: Watch, work: Work) -> None:
    account_id = work.source.account_id
    try:
        purging = _Purge(options, watch, work)
        for modb in links.month_databases(account_id):
            for docs in purging.batches(modb):
                watch.rows(watch.patiently(partial(purging.settle, modb, docs), couch().up))
                if watch.stopping:
                    return
    except Stopped:
        return
    except ApiError as error:
        watch.problem(account_id, None, error.message, f"Account {account_id} is not purged: {error.message}")


class _Purge:
    """The media documents of one account."""

    def __init__(self, options: Options, watch: Watch, work: Work) -> None:
        self.options, self.watch, self.work = options, watch, work
        self.account_id = work.source.account_id
        self.database = couch().database(databases.account_db(self.account_id))
        self.library = work.source.library
        self.linked = {
            fingerprint(target)
            for modb in links.month_databases(self.account_id)
            for doc in links.linked(modb)
            for target in links.links_of(doc)
        }
        self.told: set[int] = set()

    def batches(self, modb: Database) -> Iterator[list[Document]]:
        """The messages of a month that have come from media documents, some at a time."""
        found = (doc for doc in links.messages_of(modb) if isinstance(doc.get(PREVIOUS_ID), str))
        while some := list(islice(found, _BATCH)):
            yield some

    def settle(self, modb: Database, docs: list[Document]) -> list[Row]:
        """Delete the media documents of some messages, where that is safe; what became of each there was."""
        media = dict(self.library.fetch(doc[PREVIOUS_ID] for doc in docs))
        needed = self._needed()
        rows: list[Row] = []
        safe: dict[str, Document] = {}
        for doc in docs:
            found = media.get(doc[PREVIOUS_ID])
            if found is None or not sources.is_voicemail(found):
                continue
            reason = self._why_not(modb, doc, found, needed)
            if reason:
                rows.append(self._row(doc, KEPT, reason))
            else:
                safe[found["_id"]] = doc
        rows += self._delete({one: media[one] for one in safe}, safe)
        self.watch.expect(messages=len(rows))
        return rows

    def _why_not(self, modb: Database, doc: Document, media: Document, needed: set[int]) -> str:
        mark = fingerprint(media["_id"])
        if mark in needed:
            return "entry"
        if mark in self.linked:
            return "link"
        found = documents.audio_of(media)
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
                needed |= {fingerprint(entry.media_id) for entry in entries.of(box) if entry.media_id is not None}
                played = box.get("media")
                needed |= {fingerprint(one) for one in played.values()} if isinstance(played, dict) else set()
        return needed

    def _delete(self, media: dict[str, Document], claims: dict[str, Document]) -> list[Row]:
        if self.options.dry_run:
            fresh = [one for one in media if fingerprint(one) not in self.told]
            self.told |= {fingerprint(one) for one in fresh}
            return [self._row(claims[one], PURGED, "", _length(media[one])) for one in fresh]
        gone = [{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in media.values()]
        rows = []
        for saved in self.database.bulk(gone):
            if saved.error is None:
                rows.append(self._row(claims[saved.id], PURGED, "", _length(media[saved.id])))
            else:
                rows.append(self._row(claims[saved.id], FAILED, saved.error))
        return rows

    def _row(self, doc: Document, outcome: str, reason: str, length: int = 0) -> Row:
        return Row(self.account_id, doc.get("source_id"), doc[PREVIOUS_ID], doc["_id"], outcome, reason, length)


def _length(media: Document) -> int:
    found = documents.audio_of(media)
    return found.length if found else 0
