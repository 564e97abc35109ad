"""Migrate one mailbox batch by batch: store and verify messages, then take their entries out of its array."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from couch.database import Document
from migration.legacy_array import ImportedArray, LegacyArray, ServedArray
from migration.outages import Retry
from migration.progress import Progress, Row
from migration.survey import RunOptions, SurveyedAccount
from storage import document_types, private_fields
from voicemail.legacy import boxes, entries
from voicemail.legacy import store as legacy_store
from voicemail.legacy.entries import Entry
from voicemail.legacy.outcomes import EntryResult, MigrationOptions, Outcome
from voicemail.messages import bulk

# How often a mailbox's document is written while it is migrated: its array may be megabytes long.
_MAX_BOX_WRITES = 10


class BoxMigration:
    """The migration of one mailbox. `document` is the account's document as it is stored here."""

    def __init__(
        self,
        account: SurveyedAccount,
        document: Document,
        *,
        options: RunOptions,
        progress: Progress,
        retry: Retry,
        is_served: bool,
    ) -> None:
        self._account, self._document = account, document
        self._options, self._progress, self._retry = options, progress, retry
        self._is_served = is_served

    def run(self, box_id: str) -> None:
        """Migrate the mailbox's entries, until all are done or a stop is requested."""
        source = self._account.source
        box = self._retry(lambda: source.fetch([box_id])).get(box_id)
        if box is None or box.get("pvt_type") != document_types.MAILBOX:
            return
        array = order_entries(box)
        legacy_array = self._legacy_array(box, has_entries=bool(array))
        simulated_ids: set[str] = set()
        write_after = max(self._options.batch, -(-len(array) // _MAX_BOX_WRITES))
        unwritten = 0
        for start in range(0, len(array), self._options.batch):
            if self._progress.is_stopping:
                break
            results = self._store(box, array[start : start + self._options.batch])
            unwritten += len(results)
            if legacy_array is not None:
                legacy_array.add(results)
                if unwritten >= write_after:
                    self._retry(legacy_array.write)
                    unwritten = 0
            shown = _simulate_repeats(results, simulated_ids) if self._options.dry_run else results
            self._progress.add_rows(_report_rows(self._account.account_id, shown))
        if legacy_array is not None:
            # Also after a request to stop: what is stored must leave the array.
            self._remove_with_box(self._retry(legacy_array.write))

    def _store(self, box: Document, batch: list[Entry]) -> list[EntryResult]:
        options = MigrationOptions(
            link=self._options.link,
            dry_run=self._options.dry_run,
            actor=self._options.actor,
            shared_media=self._account.media_of_other_boxes(box["_id"]),
        )
        library = self._account.source.library
        return self._retry(partial(legacy_store.store_messages, self._document, box, batch, library, options))

    def _legacy_array(self, box: Document, *, has_entries: bool) -> LegacyArray | None:
        """The array to update; None if nothing is to be written."""
        account_id, box_id, actor = self._account.account_id, box["_id"], self._options.actor
        if self._options.dry_run:
            return None
        if not self._is_served:
            return ImportedArray(account_id, box_id, actor)
        if has_entries or boxes.modernise(box) != box:
            return ServedArray(account_id, box_id, actor)
        return None

    def _remove_with_box(self, box: Document | None) -> None:
        """If a mailbox was deleted while its messages were stored, remove them as its deletion removed the others."""
        if box is not None and not private_fields.is_live(box):
            actor = self._options.actor
            self._retry(partial(bulk.remove_messages, self._document, box, None, None, actor, with_expired=True))


def order_entries(box: Document) -> list[Entry]:
    """A mailbox's entries in the order of migration: those of a month together, so that a batch needs few MODbs."""
    return sorted(entries.parse_array(box), key=lambda entry: entry.timestamp or 0)


def _simulate_repeats(results: Iterable[EntryResult], message_ids: set[str]) -> Iterator[EntryResult]:
    """The results of a dry run as if the messages of earlier batches, whose ids are given, had been stored."""
    for result in results:
        if result.message_id in message_ids and result.outcome is not Outcome.FAILED:
            yield replace(result, outcome=Outcome.PRESENT, copied=0)
            continue
        if result.message_id is not None:
            message_ids.add(result.message_id)
        yield result


def _report_rows(account_id: str, results: Iterable[EntryResult]) -> Iterator[Row]:
    for result in results:
        yield Row(
            account_id,
            result.entry.box_id,
            result.entry.media_id,
            result.message_id,
            str(result.outcome),
            result.reason or "",
            result.copied,
        )
