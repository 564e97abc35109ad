"""Migrate all accounts of a source, some of them, or some mailboxes; several mailboxes at once.

Every step may be repeated, and finds what is done already. So a run that was killed anywhere is simply started again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from couch.database import Database, Document
from couch.errors import CouchError
from crossbar.errors import ApiError
from migration import audio_links, import_accounts, modb_messages, sources
from migration.box_migration import BoxMigration
from migration.concurrency import map_in_threads
from migration.import_accounts import CannotImport
from migration.media_import import SourceMedia
from migration.months_import import SourceMonth, list_source_months, report_foreign
from migration.outages import describe_error, error_reason
from migration.progress import Progress, Stopped, Tally
from migration.sources import Source, SurveyedBox
from migration.survey import RunOptions, SurveyedAccount, outage_retry, survey_accounts
from storage import document_types, private_fields

Item = TypeVar("Item")


def migrate(source: Source, options: RunOptions, progress: Progress) -> Tally:
    """Migrate until all is done, or until a stop is requested and the batches under way have ended.

    Raises UnknownId before anything is written, and Unreachable if a CouchDB stays away.
    """
    with suppress(Stopped):
        _Migration(source, options, progress).run()
    progress.finish()
    return progress.tally


@dataclass
class _Account:
    """An account to migrate."""

    surveyed: SurveyedAccount
    document: Document
    """The account's document as it is stored here."""
    modbs: list[Database]
    """The MODbs that it has here before the migration."""
    months: list[SourceMonth] = field(default_factory=list)
    """The MODbs that it has in another system."""
    pending_boxes: int = 0

    @property
    def id(self) -> str:
        return self.surveyed.account_id


class _Migration:
    def __init__(self, source: Source, options: RunOptions, progress: Progress) -> None:
        self._source, self._options, self._progress = source, options, progress
        self._retry = outage_retry(source, options, progress)

    def run(self) -> None:
        """Survey, import what is missing, migrate mailboxes, resolve links."""
        self._progress.begin_phase("surveying")
        surveyed = survey_accounts(self._source, self._options, self._progress)
        if not self._source.is_served:
            self._import_system()
        accounts = [account for account in self._map(self._prepare, surveyed) if account is not None]
        if not self._source.is_served:
            self._progress.begin_phase("importing greetings")
        self._for_each(self._import_media, accounts)
        if not self._source.is_served:
            # Before the mailboxes: an entry may be a message in one of these months already.
            self._progress.begin_phase("importing months")
            self._for_each(self._import_month, [month for account in accounts for month in account.months])
        self._progress.begin_phase("migrating")
        self._migrate_boxes(accounts)
        if self._source.is_served and not self._options.link and not self._options.boxes:
            self._resolve_links(accounts)

    def _map(self, function: Callable[[Item], _Account | None], items: Iterable[Item]) -> Iterator[_Account | None]:
        return map_in_threads(function, items, self._options.workers, self._progress)

    def _for_each(self, function: Callable[[Item], None], items: Iterable[Item]) -> None:
        for _ in map_in_threads(function, items, self._options.workers, self._progress):
            pass

    def _import_system(self) -> None:
        self._progress.count_documents(left_out=self._retry(self._source.count_unrelated))
        self._progress.begin_phase("importing accounts")
        imported = self._retry(partial(import_accounts.import_config, self._source, dry_run=self._options.dry_run))
        self._progress.count_documents(imported=imported)

    # --- accounts ---

    def _prepare(self, surveyed: SurveyedAccount) -> _Account | None:
        """Import or find the account's documents; None if it can't be migrated."""
        account_id = surveyed.account_id
        try:
            document = self._retry(partial(self._account_document, surveyed))
            account = _Account(surveyed, document, modb_messages.list_modbs(account_id, self._retry))
            if not self._source.is_served:
                account.months = self._retry(partial(list_source_months, surveyed, self._options))
        except CannotImport as error:
            self._leave_out(surveyed, error.reason, str(error))
            return None
        except (ApiError, CouchError) as error:
            self._retry.reraise_outage(error)
            self._leave_out(surveyed, error_reason(error), describe_error(error))
            return None
        if private_fields.is_live(account.document):
            return account
        if surveyed.entries:
            self._progress.add_warnings(
                [f"Account {account_id} is deleted: its {surveyed.entries} messages stay as they are"]
            )
        self._skip(surveyed)
        return None

    def _account_document(self, surveyed: SurveyedAccount) -> Document:
        if self._source.is_served:
            document = sources.account_document(surveyed.source)
            if document is None:
                raise CannotImport("no_account_document", "it has no document")
            return document
        imported = import_accounts.import_account(
            surveyed.source, surveyed.survey, realm_owner=surveyed.realm_owner, dry_run=self._options.dry_run
        )
        used_types = {document_types.ACCOUNT, document_types.MAILBOX, document_types.USER, *sources.MEDIA_TYPES}
        type_counts = surveyed.survey.type_counts
        left_out = Counter({kind: count for kind, count in type_counts.items() if kind not in used_types})
        self._progress.count_documents(imported=imported.counts, left_out=left_out)
        return imported.document

    def _leave_out(self, surveyed: SurveyedAccount, reason: str, explanation: str) -> None:
        account_id = surveyed.account_id
        self._progress.add_problem(account_id, None, reason, f"Account {account_id} is left out: {explanation}")
        self._skip(surveyed)

    def _skip(self, surveyed: SurveyedAccount) -> None:
        self._progress.expect(messages=-surveyed.entries)
        self._progress.finish_account()

    @contextmanager
    def _reporting_problems(self, account_id: str, box_id: str | None, sentence: str) -> Iterator[None]:
        """Report an error of CouchDB's as a problem of an account or mailbox, so that the others go on."""
        try:
            yield
        except Stopped:
            pass
        except (ApiError, CouchError) as error:
            self._retry.reraise_outage(error)
            self._progress.add_problem(
                account_id, box_id, error_reason(error), f"{sentence}: {describe_error(error)}"
            )

    # --- greetings, months, mailboxes, links ---

    def _import_media(self, account: _Account) -> None:
        """Import greetings and other media; of an account that is migrated in place only count them."""
        with self._reporting_problems(account.id, None, f"Greetings of account {account.id} are not all imported"):
            media = SourceMedia(account.surveyed, is_served=self._source.is_served)
            dry_run = self._options.dry_run or self._source.is_served
            for rows in media.import_documents(self._retry, dry_run=dry_run):
                self._progress.add_rows(rows)
                if self._progress.is_stopping:
                    return
            self._progress.add_warnings(media.notes())

    def _import_month(self, month: SourceMonth) -> None:
        account_id = month.source.account_id
        sentence = f"Month {month.month} of account {account_id} is not imported completely"
        with self._reporting_problems(account_id, None, sentence):
            for rows in month.import_documents(self._retry, dry_run=self._options.dry_run):
                self._progress.expect(messages=len(rows))
                self._progress.add_rows(rows)
                if self._progress.is_stopping:
                    return
            self._progress.count_documents(left_out=month.other_types)
            report_foreign(month, self._progress)

    def _migrate_boxes(self, accounts: list[_Account]) -> None:
        for account in accounts:
            account.pending_boxes = len(account.surveyed.boxes)
            if not account.pending_boxes:
                self._progress.finish_account()
        pairs = [(account, box) for account in accounts for box in account.surveyed.boxes]
        # The largest mailboxes first, so that none of them is worked on alone at the end.
        pairs.sort(key=lambda pair: -pair[1].entries)
        for account in map_in_threads(self._migrate_box, pairs, self._options.workers, self._progress):
            account.pending_boxes -= 1
            if not account.pending_boxes:
                self._progress.finish_account()

    def _migrate_box(self, pair: tuple[_Account, SurveyedBox]) -> _Account:
        account, box = pair
        with self._reporting_problems(account.id, box.id, f"Box {box.id} of account {account.id} is not finished"):
            BoxMigration(
                account.surveyed,
                account.document,
                options=self._options,
                progress=self._progress,
                retry=self._retry,
                is_served=self._source.is_served,
            ).run(box.id)
        return account

    def _resolve_links(self, accounts: list[_Account]) -> None:
        if self._progress.is_stopping:
            return
        self._progress.begin_phase("resolving links")
        self._for_each(self._resolve_account, [account for account in accounts if account.modbs])

    def _resolve_account(self, account: _Account) -> None:
        with self._reporting_problems(account.id, None, f"Links of account {account.id} are not all resolved"):
            for modb in account.modbs:
                for rows in audio_links.resolve_links(modb, dry_run=self._options.dry_run, retry=self._retry):
                    self._progress.expect(messages=len(rows))
                    self._progress.add_rows(rows)
                    if self._progress.is_stopping:
                        return
