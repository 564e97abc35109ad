"""Import messages that another system has in MODbs already: one that is migrated in part, or a Kazoo 4."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from couch.client import couch
from couch.database import Document
from migration.document_import import BATCH, DocumentImport
from migration.outages import Retry
from migration.progress import Progress, Row
from migration.sources import AccountSource
from migration.survey import RunOptions, SurveyedAccount
from storage import database_names, modbs, ownership
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.messages import store as message_store


class SourceMonth(DocumentImport):
    """The messages that an account has in one month's MODb of another system."""

    def __init__(self, source: AccountSource, month: str, boxes: frozenset[str] | None = None) -> None:
        """`boxes`: ids of the mailboxes whose messages are wanted; None for all."""
        self._source_modb = source.open_month(month)
        modb = couch().database(database_names.modb(source.account_id, month))
        super().__init__(source, self._source_modb, modb)
        self.month = month
        self._boxes = boxes
        self.other_types: Counter[str] = Counter()
        """How many documents are no messages, by type; complete when all messages have been read."""
        self.foreign = 0
        """How many messages say that they belong to another account: they are left out."""

    def _batches(self, retry: Retry) -> Iterator[list[Document]]:
        messages = self._source_modb.messages(retry, self.other_types)
        pending = (doc for doc in messages if self._is_own(doc) and self._is_selected(doc))
        while batch := list(islice(pending, BATCH)):
            yield batch

    def _is_own(self, message: Document) -> bool:
        is_own = ownership.may_be_in(message, self.source.account_id)
        self.foreign += not is_own
        return is_own

    def _is_selected(self, message: Document) -> bool:
        return self._boxes is None or message.get("source_id") in self._boxes

    def _ensure_database(self) -> None:
        modbs.ensure(self.source.account_id, self.month)

    def _with_audio_name(self, doc: Document, name: str) -> Document:
        return message_store.with_audio_name(doc, name)

    def _row(self, doc: Document, outcome: str, reason: str = "", copied: int = 0) -> Row:
        box_id, previous_id = (_text_or_none(doc.get(key)) for key in ("source_id", PREVIOUS_ID))
        return Row(self.source.account_id, box_id, previous_id, doc["_id"], str(outcome), reason, copied)


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
