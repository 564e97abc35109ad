"""What the two ways to verify an account have in common."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from couch.database import Database, Document
from migration import modb_messages, sources
from migration.media_import import SourceMedia
from migration.outages import Retry
from migration.progress import Progress, Row, Stopped
from migration.survey import RunOptions, SurveyedAccount
from storage import private_fields

MISSING, EXTRA, MARKED, UNCLAIMED = "missing", "extra", "marked", "unclaimed"
BATCH = 200


class Verification:
    """The verification of one account. All its requests may be repeated, as it waits for a CouchDB that is away."""

    is_served: bool
    """Whether the account is compared with its own media documents, and not with a source."""

    def __init__(self, options: RunOptions, progress: Progress, account: SurveyedAccount, retry: Retry) -> None:
        self.options, self.progress, self.account, self.retry = options, progress, account, retry
        self.account_id = account.account_id
        self.library = account.source.library
        self.box_ids = {box.id for box in account.boxes}
        self.is_partial = bool(options.boxes)

    def run(self) -> None:
        """Verify the account, unless it is deleted: then its messages stay as they are."""
        document = self.retry(self.account_document)
        if document is None or private_fields.is_live(document):
            self._verify_media()
            self.verify()
        else:
            self.progress.expect(messages=-self.account.entries)
            self.progress.add_warnings([f"Account {self.account_id} is deleted: it is not verified"])

    def account_document(self) -> Document | None:
        """The account's document that a migration uses."""
        return sources.account_document(self.account.source)

    def verify(self) -> None:
        """Report what each message is."""
        raise NotImplementedError

    def _verify_media(self) -> None:
        """Report what each greeting and other media document is."""
        media = SourceMedia(self.account, is_served=self.is_served)
        for rows in media.compare(self.retry):
            self.report(rows)
        self.progress.add_warnings(media.notes())

    def report(self, rows: Iterable[Row]) -> None:
        """Add rows to the report. Raises Stopped if a stop is requested."""
        self.progress.add_rows(rows)
        if self.progress.is_stopping:
            raise Stopped

    def row(self, outcome: str, reason: str, box_id: Any, media_id: Any, message_id: str | None) -> Row:
        """A line of the report. Ids from documents may be anything."""
        return Row(self.account_id, _text_or_none(box_id), _text_or_none(media_id), message_id, outcome, reason)

    def migrated_messages(self) -> Iterator[tuple[Database, list[Document]]]:
        """The account's messages that were migrated, in batches of one month."""
        for modb in modb_messages.list_modbs(self.account_id, self.retry):
            messages = (
                doc
                for doc in modb_messages.iterate_migrated(modb, self.retry)
                if not self.is_partial or doc.get("source_id") in self.box_ids
            )
            while batch := list(islice(messages, BATCH)):
                yield modb, batch


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
