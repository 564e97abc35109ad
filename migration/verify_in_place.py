"""Verify an account that was migrated in place.

Each message is compared with its media document, each media document must have its message, and what is left in the
arrays must be marked.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from couch.client import couch
from couch.database import Database, Document
from migration import modb_messages, sources
from migration.compare import Comparison, Verdict, compare_message, fingerprint
from migration.couchdb_source import iterate_documents
from migration.progress import Row
from migration.verification import BATCH, EXTRA, MARKED, MISSING, UNCLAIMED, Verification
from storage import database_names, private_fields
from voicemail.legacy import entries, outcomes
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.entries import ERROR, Entry
from voicemail.legacy.media import usable_audio


class InPlaceVerification(Verification):
    """The verification of an account in the served CouchDB."""

    is_served = True

    def verify(self) -> None:
        """Verify messages, then the entries that are left, then audio that nothing names."""
        claimed_media = {fingerprint(media_id) for media_id in self.account.survey.greeting_ids}
        first_messages: set[int] = set()
        for modb, messages in self.migrated_messages():
            self.progress.expect(messages=len(messages))
            verdicts = self.retry(partial(self._compare, modb, messages))
            self.report(
                [
                    self._message_row(message, verdict, first_messages)
                    for message, verdict in zip(messages, verdicts, strict=True)
                ]
            )
            claimed_media |= {fingerprint(message[PREVIOUS_ID]) for message in messages}
        for box in self.account.boxes:
            claimed_media |= self._report_entries(box.id)
        if not self.is_partial:
            self._report_unclaimed(claimed_media)

    def _compare(self, modb: Database, messages: Sequence[Document]) -> list[Verdict]:
        media = self.library.fetch(message[PREVIOUS_ID] for message in messages)
        comparisons = (Comparison(modb, message, media.get(message[PREVIOUS_ID])) for message in messages)
        return [compare_message(comparison, None, self.library) for comparison in comparisons]

    def _message_row(self, message: Document, verdict: Verdict, first_messages: set[int]) -> Row:
        """A message's row; a second message of the same entry is extra, unless it was copied by a client."""
        media_id, box_id = message[PREVIOUS_ID], message.get("source_id")
        entry_mark = fingerprint(media_id, box_id, message.get("utc_seconds"))
        if not message.get("history"):
            if entry_mark in first_messages and private_fields.is_live(message):
                return self.row(EXTRA, "twice", box_id, media_id, message["_id"])
            first_messages.add(entry_mark)
        return self.row(verdict.outcome, verdict.reason, box_id, media_id, message["_id"])

    def _report_entries(self, box_id: str) -> set[int]:
        """Report what is left in a mailbox's array; fingerprints of the media documents that it names."""
        box = self.retry(partial(self.account.source.fetch, [box_id])).get(box_id)
        array = entries.parse_array(box) if box else []
        self.report(map(self._entry_row, array))
        return {fingerprint(entry.media_id) for entry in array if entry.media_id is not None}

    def _entry_row(self, entry: Entry) -> Row:
        error = entry.raw.get(ERROR) if isinstance(entry.raw, dict) else outcomes.NO_MEDIA_ID
        outcome, reason = (MARKED, str(error)) if error else (MISSING, "not_migrated")
        return self.row(outcome, reason, entry.box_id, entry.media_id, None)

    def _report_unclaimed(self, claimed_media: set[int]) -> None:
        """Report the media documents with audio that no message and no entry names."""
        modbs = modb_messages.list_modbs(self.account_id, self.retry)
        unclaimed = self._unclaimed_media(claimed_media)
        while batch := list(islice(unclaimed, BATCH)):
            deleted_ids = self.retry(partial(_find_deleted, modbs, batch))
            self.progress.expect(messages=len(batch))
            self.report([self._media_row(media, deleted_ids.get(media["_id"])) for media in batch])

    def _unclaimed_media(self, claimed_media: set[int]) -> Iterator[Document]:
        database = couch().database(database_names.account_db(self.account_id))
        return (
            doc
            for doc in iterate_documents(database, retry=self.retry)
            if sources.is_voicemail(doc)
            and usable_audio(doc) is not None
            and fingerprint(doc["_id"]) not in claimed_media
        )

    def _media_row(self, media: Document, deleted_id: str | None) -> Row:
        if deleted_id is None:
            return self.row(UNCLAIMED, "", media.get("source_id"), media["_id"], None)
        return self.row(MISSING, "deleted", media.get("source_id"), media["_id"], deleted_id)


def _find_deleted(modbs: Sequence[Database], media: Sequence[Document]) -> dict[str, str]:
    """The ids of messages that were deleted from a MODb, by the ids of their media documents."""
    deleted: dict[str, str] = {}
    for modb in modbs:
        owner = database_names.parse(modb.name)
        month = owner.month if owner and owner.month else ""
        media_ids: dict[str, str] = {}
        for doc in media:
            media_ids[entries.message_id(month, doc["_id"])] = doc["_id"]
            message_id = entries.alternative_message_id(month, doc["_id"], str(doc.get("source_id")))
            media_ids[message_id] = doc["_id"]
        for row in modb.all_docs(keys=list(media_ids)):
            if (row.get("value") or {}).get("deleted") and row["id"] in media_ids:
                deleted[media_ids[row["id"]]] = row["id"]
    return deleted
