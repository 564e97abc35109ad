"""Import the media documents of an account: greetings of mailboxes, users' spoken names, prompts, hold music.

They keep their ids, by which mailboxes, users and Kazoo's callflows name them.
"""

from collections.abc import Iterator
from functools import partial

from couch.client import couch
from couch.database import Document
from couch_views.sync import sync
from migration.document_import import BATCH, DocumentImport, lacks_audio
from migration.outages import Retry
from migration.progress import GREETING, Row
from migration.sources import MEDIA_TYPES, is_voicemail
from migration.survey import SurveyedAccount
from storage import database_names, private_fields
from voicemail.audio import recording


class SourceMedia(DocumentImport):
    """The media documents of an account that are to be processed, and what is wrong with them."""

    def __init__(self, account: SurveyedAccount, *, is_served: bool) -> None:
        """`is_served`: the account is migrated in place, so that its media documents are here already."""
        source = account.source
        super().__init__(source, source.library, couch().database(database_names.account_db(source.account_id)))
        self._ids = account.media_ids
        self._played_ids = account.survey.greeting_ids
        self._is_served = is_served
        self._missing_ids: set[str] = set()
        self._ids_without_audio: set[str] = set()

    def notes(self) -> list[str]:
        """Sentences on missing media and missing audio, which are no faults; when all have been processed."""
        account_id = self.source.account_id
        notes = []
        if self._missing_ids:
            notes.append(
                f"Mailboxes or users of account {account_id} name media that are missing or deleted "
                f"({len(self._missing_ids)}, such as {min(self._missing_ids)}): they have no greeting there"
            )
        if self._ids_without_audio:
            notes.append(
                f"Media of account {account_id} have no audio "
                f"({len(self._ids_without_audio)}, such as {min(self._ids_without_audio)})"
            )
        return notes

    def _batches(self, retry: Retry) -> Iterator[list[Document]]:
        for start in range(0, len(self._ids), BATCH):
            ids = self._ids[start : start + BATCH]
            docs = retry(partial(self.source.library.fetch, ids))
            media = [doc for doc in docs.values() if self._is_media(doc)]
            live_media = {doc["_id"]: doc for doc in media if private_fields.is_live(doc)}
            self._missing_ids |= self._played_ids & set(ids) - live_media.keys()
            self._ids_without_audio |= {media_id for media_id, doc in live_media.items() if lacks_audio(doc)}
            if media:
                yield media

    def _is_media(self, doc: Document) -> bool:
        """Whether a document is one to process; in place an old recording of a message stays what it is."""
        if doc.get("pvt_type") not in MEDIA_TYPES:
            return False
        return not self._is_served or doc["_id"] in self._played_ids or not is_voicemail(doc)

    def _ensure_database(self) -> None:
        couch().create(self._database.name)
        sync(self._database, "account")

    def _with_audio_name(self, doc: Document, name: str) -> Document:
        return recording.without_audio(doc)

    def _row(self, doc: Document, outcome: str, reason: str = "", copied: int = 0) -> Row:
        return Row(self.source.account_id, None, doc["_id"], None, str(outcome), reason, copied, GREETING)
