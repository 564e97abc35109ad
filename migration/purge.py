"""Purge media documents of 3.x: delete those whose audio is in a MODb, and that nothing else needs.

Each document's audio is compared before it is deleted. A document that a mailbox's entry, a greeting or a soft link
names is kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import NamedTuple

from couch.client import couch
from couch.database import Database, Document
from couch.errors import CouchError
from crossbar.errors import ApiError
from migration import compare, modb_messages, sources
from migration.compare import fingerprint
from migration.concurrency import map_in_threads
from migration.outages import OutageRetry, Retry, error_reason
from migration.progress import Progress, Row, Stopped, Tally
from migration.sources import Source
from migration.survey import RunOptions, SurveyedAccount, outage_retry, survey_accounts
from storage import database_names
from voicemail.legacy import entries
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.media import usable_audio

PURGED, KEPT, FAILED = "purged", "kept", "failed"
_BATCH = 200


def purge(source: Source, options: RunOptions, progress: Progress) -> Tally:
    """Delete the media documents in the served CouchDB that are safe to delete; with `dry_run` only report them.

    Outcomes: purged, kept with the reason, failed. Raises UnknownId, Unreachable.
    """
    with suppress(Stopped):
        accounts = survey_accounts(source, options, progress)
        # The entries that the survey counted are not purged; media documents are counted as they are found.
        progress.expect(messages=-progress.tally.messages_total)
        progress.begin_phase("purging")
        purge_account = partial(_purge_account, options, progress, outage_retry(source, options, progress))
        for _ in map_in_threads(purge_account, accounts, options.workers, progress):
            progress.finish_account()
    progress.finish()
    return progress.tally


def _purge_account(options: RunOptions, progress: Progress, retry: OutageRetry, account: SurveyedAccount) -> None:
    account_id = account.account_id
    try:
        account_purge = _AccountPurge(options, account, retry)
        for modb in modb_messages.list_modbs(account_id, retry):
            for messages in account_purge.batches(modb):
                rows = account_purge.process(modb, messages)
                progress.expect(messages=len(rows))
                progress.add_rows(rows)
                if progress.is_stopping:
                    return
    except Stopped:
        return
    except (ApiError, CouchError) as error:
        retry.reraise_outage(error)
        sentence = f"Account {account_id} is not purged: {error_reason(error)}"
        progress.add_problem(account_id, None, error_reason(error), sentence)


class _Candidate(NamedTuple):
    """A media document that is safe to delete, and the message that has its audio."""

    message: Document
    media: Document


class _AccountPurge:
    """The media documents of one account. All requests may be repeated, as it waits for a CouchDB that is away."""

    def __init__(self, options: RunOptions, account: SurveyedAccount, retry: Retry) -> None:
        self._options, self._account, self._retry = options, account, retry
        self._account_id = account.account_id
        self._database = couch().database(database_names.account_db(self._account_id))
        self._library = account.source.library
        self._linked = {
            fingerprint(media_id)
            for modb in modb_messages.list_modbs(self._account_id, retry)
            for message in modb_messages.iterate_linked(modb, retry)
            for media_id in modb_messages.linked_ids(message)
        }
        self._reported: set[int] = set()
        """Media documents that a dry run has reported already."""

    def batches(self, modb: Database) -> Iterator[list[Document]]:
        """The messages of a MODb that were migrated from media documents, in batches."""
        messages = modb_messages.iterate_migrated(modb, self._retry)
        while batch := list(islice(messages, _BATCH)):
            yield batch

    def process(self, modb: Database, messages: list[Document]) -> list[Row]:
        """Delete the media documents of some messages, where that is safe; a row for each one that existed."""
        rows, candidates = self._retry(partial(self._examine, modb, messages))
        return rows + self._delete(candidates)

    def _examine(self, modb: Database, messages: list[Document]) -> tuple[list[Row], list[_Candidate]]:
        """Rows for the media documents that are kept, and those that are safe to delete."""
        media = self._library.fetch(message[PREVIOUS_ID] for message in messages)
        needed = self._find_needed()
        rows: list[Row] = []
        candidates: dict[str, _Candidate] = {}
        for message in messages:
            doc = media.get(message[PREVIOUS_ID])
            if doc is None or not sources.is_voicemail(doc):
                continue
            reason = self._reason_to_keep(modb, message, doc, needed)
            if reason:
                rows.append(self._row(message, KEPT, reason))
            else:
                candidates[doc["_id"]] = _Candidate(message, doc)
        return rows, list(candidates.values())

    def _reason_to_keep(self, modb: Database, message: Document, media: Document, needed: set[int]) -> str:
        """Why a media document must be kept; empty if it is safe to delete."""
        if fingerprint(media["_id"]) in needed:
            return "entry"
        if fingerprint(media["_id"]) in self._linked:
            return "link"
        audio = usable_audio(media)
        if audio is None:
            return "no_audio"
        if not message.get("_attachments"):
            return "not_copied"
        is_same = compare.has_same_audio(audio, media, self._library, modb, message)
        return "" if is_same else "audio_differs"

    def _find_needed(self) -> set[int]:
        """The media documents that mailboxes name now: since the survey a mailbox may have got an entry."""
        box_ids = [box.id for box in self._account.survey.boxes]
        needed = {fingerprint(media_id) for media_id in self._account.survey.greeting_ids}
        for start in range(0, len(box_ids), _BATCH):
            for box in self._account.source.fetch(box_ids[start : start + _BATCH]).values():
                array = entries.parse_array(box)
                needed |= {fingerprint(entry.media_id) for entry in array if entry.media_id is not None}
                needed |= {fingerprint(media_id) for media_id in sources.played_media(box)}
        return needed

    def _delete(self, candidates: Sequence[_Candidate]) -> list[Row]:
        if self._options.dry_run:
            unreported = [item for item in candidates if fingerprint(item.media["_id"]) not in self._reported]
            self._reported |= {fingerprint(item.media["_id"]) for item in unreported}
            return [self._purged_row(item) for item in unreported]
        deletions = [{"_id": media["_id"], "_rev": media["_rev"], "_deleted": True} for _, media in candidates]
        results = self._retry(partial(self._database.put_all, deletions))
        # If the answer to a first attempt was lost, CouchDB refuses to delete again what it has deleted.
        refused_ids = [result.id for result in results if result.error is not None]
        present = self._retry(partial(self._database.fetch, refused_ids))
        return [
            self._purged_row(candidate)
            if result.error is None or result.id not in present
            else self._row(candidate.message, FAILED, result.error)
            for candidate, result in zip(candidates, results, strict=True)
        ]

    def _purged_row(self, candidate: _Candidate) -> Row:
        audio = usable_audio(candidate.media)
        return self._row(candidate.message, PURGED, "", audio.length if audio else 0)

    def _row(self, message: Document, outcome: str, reason: str, length: int = 0) -> Row:
        box_id, media_id = message.get("source_id"), message[PREVIOUS_ID]
        return Row(self._account_id, box_id, media_id, message["_id"], outcome, reason, length)
