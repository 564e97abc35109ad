"""A folder of backups as a source."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from couch.database import Document
from migration.backups.folder import BackupFolder
from migration.backups.index import DocumentIndex
from migration.backups.second_reading import SecondReading
from migration.outages import Retry
from migration.sources import Survey
from storage import database_names
from storage.document_types import ACCOUNT, MAILBOX, MEDIA, MESSAGE, USER
from voicemail.audio.copying import Stream


class FolderSource:
    """All accounts in a folder of backups."""

    is_served = False

    def __init__(self, folder: BackupFolder) -> None:
        self._folder = folder
        self.warnings = list(folder.warnings)
        self.refusals = list(folder.refusals)
        self._second_reading = SecondReading(folder)
        if folder.lacking_attachments:
            self.warnings.append(
                f"{folder.lacking_attachments} attachments are named in the backups, but their audio is not in them: "
                "the backups were made without attachments"
            )

    def account_ids(self) -> list[str]:
        """The ids of all accounts that have a backup of some database, even of one month only."""
        names = map(database_names.parse, self._folder.index.list_databases())
        return list(dict.fromkeys(name.account_id for name in names if name is not None))

    def account(self, account_id: str) -> "FolderAccount":
        """One account, whether it exists or not."""
        return FolderAccount(self._folder.index, account_id)

    def fetch_system(self, name: str, ids: Iterable[str]) -> Mapping[str, Document]:
        """Documents of one of the system's databases."""
        return self._folder.index.fetch(name, ids)

    def read_again(self, account_id: str, ids: Iterable[str]) -> list[Document]:
        """Documents with these ids in any file, with their private members only; the files are read anew."""
        return self._second_reading.find(ids)

    def count_unrelated(self) -> Counter[str]:
        """How many documents there are, by type, in databases that belong to no account."""
        counts: Counter[str] = Counter()
        for name in self._folder.index.list_databases():
            if name not in database_names.SYSTEM and database_names.parse(name) is None:
                counts += self._folder.index.count_types(name)
        return counts

    def is_up(self) -> bool:
        """True: files always answer."""
        return True

    def close(self) -> None:
        """Delete the index and the unpacked files."""
        self._folder.close()


class FolderLibrary:
    """The documents in the backup of a database, and their audio."""

    def __init__(self, index: DocumentIndex, name: str) -> None:
        self._index, self._name = index, name

    def fetch(self, ids: Iterable[str], /) -> Mapping[str, Document]:
        """Those documents that exist, by id."""
        return self._index.fetch(self._name, ids)

    def open(self, doc: Document, name: str, /) -> Stream | None:
        """An attachment of a document."""
        return self._index.open_attachment(self._name, doc["_id"], name)

    def messages(self, retry: Retry, other_types: Counter[str]) -> Iterator[Document]:
        """The messages of a MODb. Counts all other documents by type."""
        counts = self._index.count_types(self._name)
        del counts[MESSAGE]
        other_types.update(counts)
        return self._index.iterate_documents(self._name, MESSAGE)


class FolderAccount:
    """An account in a folder of backups."""

    def __init__(self, index: DocumentIndex, account_id: str) -> None:
        self.account_id = account_id
        self._index, self._name = index, database_names.account_db(account_id)

    @property
    def library(self) -> FolderLibrary:
        """The media documents in its backup."""
        return FolderLibrary(self._index, self._name)

    def survey(self) -> Survey:
        """What was found when the folder was read."""
        survey = Survey(self.account_id, type_counts=self._index.count_types(self._name))
        for kind in (MAILBOX, USER, ACCOUNT, MEDIA):
            for doc in self._index.iterate_documents(self._name, kind):
                survey.add(doc)
        return survey

    def fetch(self, ids: Iterable[str]) -> Mapping[str, Document]:
        """Those documents that exist, by id."""
        return self._index.fetch(self._name, ids)

    def listed_document(self) -> Document | None:
        """Its document in the backup of the database ``accounts``."""
        return self._index.fetch(database_names.ACCOUNTS, [self.account_id]).get(self.account_id)

    def list_months(self) -> list[str]:
        """The months that have a backup of their MODb."""
        names = map(database_names.parse, self._index.list_databases())
        own_names = (name for name in names if name is not None and name.account_id == self.account_id)
        return sorted(name.month for name in own_names if name.month is not None)

    def open_month(self, month: str) -> FolderLibrary:
        """One of these MODbs."""
        return FolderLibrary(self._index, database_names.modb(self.account_id, month))
