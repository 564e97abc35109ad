"""Verify an account that was imported: compare it with another system, or a backup, entry by entry."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from accounts import accounts
from couch.client import couch
from couch.database import Database, Document
from migration import import_accounts
from migration.box_migration import order_entries
from migration.compare import Comparison, Verdict, compare_message, fingerprint
from migration.legacy_array import entry_key
from migration.months_import import list_source_months, report_foreign
from migration.progress import Row
from migration.verification import BATCH, EXTRA, MARKED, MISSING, Verification
from storage import database_names, gregorian
from voicemail.legacy import documents, entries
from voicemail.legacy import store as legacy_store
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.entries import Entry
from voicemail.legacy.outcomes import EntryResult, MigrationOptions, Outcome

Stored = tuple[Database, Document]


class SourceVerification(Verification):
    """The verification of an account against its source."""

    is_served = False
    _outcomes: dict[int, str]
    """The outcomes of the messages that should exist, by the fingerprints of their ids."""
    _document: Document

    def account_document(self) -> Document | None:
        """The account's document here, if there is one, else that of the source."""
        database = accounts.database_of(self.account_id)
        return (database.get(self.account_id) if database.exists() else None) or super().account_document()

    def verify(self) -> None:
        """Verify the account's documents, its months, its entries, and that there are no other messages."""
        self._outcomes = {}
        self._verify_documents()
        for month in self.retry(partial(list_source_months, self.account, self.options)):
            for rows in month.compare(self.retry):
                self._outcomes |= {fingerprint(row.message_id): row.outcome for row in rows}
                self.progress.expect(messages=len(rows))
                self.report(rows)
            report_foreign(month, self.progress)
        for box in self.account.boxes:
            self._verify_box(box.id)
        self._report_extra()

    def _verify_documents(self) -> None:
        account = self.account
        import_account = partial(
            import_accounts.import_account,
            account.source,
            account.survey,
            realm_owner=account.realm_owner,
            dry_run=True,
        )
        imported = self.retry(import_account)
        self._document = imported.document
        if imported.counts:
            types = ", ".join(f"{count} {kind}" for kind, count in sorted(imported.counts.items()))
            sentence = f"Account {self.account_id} lacks documents here: {types}"
            self.progress.add_problem(self.account_id, None, MISSING, sentence)

    def _report_extra(self) -> None:
        """Report messages that come from no entry and no month of the source."""
        for _, messages in self.migrated_messages():
            extra = [
                message
                for message in messages
                if not message.get("history")
                and fingerprint(message["_id"]) not in self._outcomes
                and message.get("source_id") in self.box_ids
            ]
            self.progress.expect(messages=len(extra))
            self.report(
                [self.row(EXTRA, "", message["source_id"], message[PREVIOUS_ID], message["_id"]) for message in extra]
            )

    def _verify_box(self, box_id: str) -> None:
        """Compare the messages of a mailbox's entries."""
        box = self.retry(partial(self.account.source.fetch, [box_id])).get(box_id) or {}
        stored_box = self.retry(partial(accounts.database_of(self.account_id).get, box_id))
        failed_entries = {entry_key(entry.raw) for entry in entries.parse_array(stored_box)} if stored_box else set()
        # In the order of the migration: the first of several entries for one message becomes it.
        array = order_entries(box) if box else []
        for start in range(0, len(array), BATCH):
            batch = array[start : start + BATCH]
            self.report(self.retry(partial(self._verify_entries, box, batch, failed_entries)))

    def _verify_entries(self, box: Document, batch: Sequence[Entry], failed_entries: set[bytes]) -> list[Row]:
        options = MigrationOptions(dry_run=True, shared_media=self.account.media_of_other_boxes(box["_id"]))
        results = legacy_store.store_messages(self._document, box, batch, self.library, options)
        media = self.library.fetch(entry.media_id for entry in batch if entry.media_id is not None)
        stored = _fetch_messages(self.account_id, (result.message_id for result in results if result.message_id))
        batch_outcomes: dict[int, str] = {}
        rows = []
        for result in results:
            mark = fingerprint(result.message_id)
            verdict = self._known_failure(result, failed_entries, stored)
            if verdict is None:
                outcome = batch_outcomes.get(mark) or self._outcomes.get(mark)
                # With an outcome it is the message of an earlier entry, or of a month of the source.
                verdict = Verdict(outcome) if outcome else self._compare(box, result, media, stored)
            if result.message_id is not None:
                batch_outcomes.setdefault(mark, verdict.outcome)
            entry = result.entry
            rows.append(self.row(verdict.outcome, verdict.reason, entry.box_id, entry.media_id, result.message_id))
        # Not earlier: until here everything may be repeated.
        for mark, outcome in batch_outcomes.items():
            self._outcomes.setdefault(mark, outcome)
        return rows

    def _known_failure(
        self, result: EntryResult, failed_entries: set[bytes], stored: dict[str, Stored]
    ) -> Verdict | None:
        """The verdict for an entry without a message; None if it has one."""
        if result.message_id is None or result.outcome is Outcome.FAILED:
            if entry_key(result.entry.raw) in failed_entries:
                return Verdict(MARKED, result.reason or "")
            return Verdict(MISSING, "not_migrated")
        return None if result.message_id in stored else Verdict(MISSING, "not_migrated")

    def _compare(
        self, box: Document, result: EntryResult, media: Mapping[str, Document], stored: dict[str, Stored]
    ) -> Verdict:
        """Compare an entry's message with the one that a migration would build now."""
        entry, message_id = result.entry, str(result.message_id)
        modb, message = stored[message_id]
        doc = media.get(entry.media_id or "")
        now = message.get("utc_seconds") or gregorian.now()
        seconds = entries.message_time(entry, doc, entries.box_time(box), now)
        expected = documents.build_message(self._document, box, entry, doc, message_id=message_id, seconds=seconds)
        return compare_message(Comparison(modb, message, doc), expected, self.library)


def _fetch_messages(account_id: str, message_ids: Iterable[str]) -> dict[str, Stored]:
    """Those messages that exist, by id, each with its MODb."""
    months: dict[str, list[str]] = {}
    for message_id in dict.fromkeys(message_ids):
        months.setdefault(database_names.month_of_message(message_id) or "", []).append(message_id)
    messages: dict[str, Stored] = {}
    for month, ids in months.items():
        modb = couch().database(database_names.modb(account_id, month))
        docs = modb.fetch(ids) if modb.exists() else {}
        messages |= {message_id: (modb, doc) for message_id, doc in docs.items()}
    return messages
