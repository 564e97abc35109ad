"""Where the data of 3.x is: the served CouchDB, another one, or a folder of backups. It is only read.

A survey of an account tells what there is to do: its boxes, and how many entries each one's array has. All that
follows asks for documents by their ids.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from couch.client import Couch, Database, Document, couch
from migration.backups.folder import Backups
from migration.backups.index import Index, kind_of
from migration.progress import Ask, at_once
from storage import database_names, private_fields
from voicemail.audio.copying import Stream
from voicemail.legacy.entries import MESSAGES
from voicemail.legacy.media import MediaLibrary
from voicemail.messages import store as message_store

BOX, USER, ACCOUNT, MESSAGE = "vmbox", "user", "account", message_store.TYPE
MEDIA = frozenset({"private_media", "media"})
# An account's own settings that this service reads.
CONFIGS = ("configs_callflow", "configs_crossbar.voicemail")
_PAGE = 500


@dataclass(frozen=True)
class Box:
    """A box as a survey finds it."""

    id: str
    entries: int
    """How many members its array has."""


@dataclass
class Survey:
    """What is in an account's database."""

    account_id: str
    boxes: list[Box] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    """Ids of the documents of users."""
    greetings: set[str] = field(default_factory=set)
    """Ids of media documents that boxes play."""
    odd: list[str] = field(default_factory=list)
    """Ids of boxes whose `messages` are something, but no array."""
    realm: str | None = None
    """The account's realm in lower case, unless it is deleted."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many documents there are of each type."""

    def add(self, doc: Document) -> None:
        """Take note of a document that belongs to an account's mailboxes."""
        kind = kind_of(doc)
        if kind == BOX:
            found = doc.get(MESSAGES)
            self.boxes.append(Box(doc["_id"], len(found) if isinstance(found, list) else 0))
            if found and not isinstance(found, list):
                self.odd.append(doc["_id"])
            played = doc.get("media")
            if isinstance(played, dict):
                self.greetings |= {
                    one for one in played.values() if isinstance(one, str) and one[:1] not in ("", "_")
                }
        elif kind == USER:
            self.users.append(doc["_id"])
        elif kind == ACCOUNT and doc["_id"] == self.account_id and is_live(doc):
            realm = doc.get("realm")
            self.realm = realm.lower() if isinstance(realm, str) else None


class MonthSource(MediaLibrary, Protocol):
    """A MODb of an account: its messages, and their audio."""

    def messages(self, ask: Ask, others: Counter[str]) -> Iterator[Document]:
        """The messages, removed ones too, attachments as stubs; all other documents are counted by type."""


class AccountSource(Protocol):
    """What 3.x left of one account."""

    @property
    def account_id(self) -> str:
        """The account's id."""

    @property
    def library(self) -> MediaLibrary:
        """Its media documents."""

    def survey(self) -> Survey:
        """Look through all documents of the account's database once."""

    def documents(self, ids: Iterable[str]) -> Mapping[str, Document]:
        """The existing ones of some documents of the account's database, by id, attachments as stubs."""

    def listed(self) -> Document | None:
        """The account's document in the database of all accounts."""

    def months(self) -> list[str]:
        """The months ``YYYYMM`` that there is a MODb of, the oldest first."""

    def month(self, month: str) -> MonthSource:
        """One of these MODbs."""


class Source(Protocol):
    """Accounts as 3.x left them."""

    @property
    def is_served(self) -> bool:
        """Whether this is the CouchDB that this project serves: what is migrated stays in its place then."""

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the source as a whole, a sentence each."""

    def account_ids(self) -> list[str]:
        """The ids of all accounts there is a database of, in order."""

    def account(self, account_id: str) -> AccountSource:
        """One account, whether it exists or not."""

    def system(self, name: str, ids: Iterable[str]) -> Mapping[str, Document]:
        """Documents of one of the system's databases (`databases.SYSTEM`); none where that does not exist."""

    def left_out(self) -> Counter[str]:
        """How many documents there are in databases that are nobody's, by type."""

    def is_up(self) -> bool:
        """Whether it answers."""

    def close(self) -> None:
        """Give up what is held."""


class CouchSource:
    """A CouchDB: the served one, or another by its URL."""

    def __init__(self, server: Couch, *, is_served: bool) -> None:
        self.is_served = is_served
        self.warnings: list[str] = []
        self._server = server

    def account_ids(self) -> list[str]:
        """The ids of all accounts there is a database of."""
        found = (database_names.split(name) for name in self._server.names("account/"))
        return [owner.account_id for owner in found if owner is not None and owner.month is None]

    def account(self, account_id: str) -> "CouchAccount":
        """One account, whether it exists or not."""
        return CouchAccount(self._server, account_id)

    def system(self, name: str, ids: Iterable[str]) -> Mapping[str, Document]:
        """Documents of one of the system's databases."""
        database = self._server.database(name)
        return {one: doc for one in ids if (doc := database.get(one)) is not None}

    def left_out(self) -> Counter[str]:
        """Other databases are not looked at."""
        return Counter()

    def is_up(self) -> bool:
        """Whether CouchDB answers and takes requests."""
        return self._server.up()

    def close(self) -> None:
        """Nothing is held."""


class CouchAccount:
    """An account in a CouchDB."""

    def __init__(self, server: Couch, account_id: str) -> None:
        self.account_id = account_id
        self._server = server
        self.database = server.database(database_names.account_db(account_id))

    @property
    def library(self) -> "DatabaseLibrary":
        """The media documents in its database."""
        return DatabaseLibrary(self.database)

    def survey(self) -> Survey:
        """Look through its database, page by page."""
        survey = Survey(self.account_id)
        for doc in every_document(self.database):
            survey.kinds[kind_of(doc)] += 1
            survey.add(doc)
        return survey

    def documents(self, ids: Iterable[str]) -> Mapping[str, Document]:
        """Documents by their ids."""
        return self.database.fetch(ids)

    def listed(self) -> Document | None:
        """Its document in the database of all accounts."""
        return self._server.database(database_names.ACCOUNTS).get(self.account_id)

    def months(self) -> list[str]:
        """The months that there is a MODb of."""
        owners = map(database_names.split, self._server.names(self.database.name + "-"))
        return sorted(owner.month for owner in owners if owner is not None and owner.month is not None)

    def month(self, month: str) -> "DatabaseLibrary":
        """One of these MODbs."""
        return DatabaseLibrary(self._server.database(database_names.modb(self.account_id, month)))


class DatabaseLibrary:
    """The documents in a database of whatever CouchDB, and their audio."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fetch(self, ids: Iterable[str], /) -> Mapping[str, Document]:
        """The existing ones of some media documents, in one request."""
        return self._database.fetch(one for one in ids if not one.startswith("_"))

    def open(self, doc: Document, name: str, /) -> Stream | None:
        """An attachment as the media document's revision has it."""
        return self._database.attachment(doc["_id"], name, rev=doc["_rev"])

    def messages(self, ask: Ask, others: Counter[str]) -> Iterator[Document]:
        """The messages in it; everything is looked at."""
        for doc in every_document(self._database, ask=ask):
            if kind_of(doc) == MESSAGE:
                yield doc
            else:
                others[kind_of(doc)] += 1


class FolderSource:
    """A folder of backups."""

    is_served = False

    def __init__(self, backups: Backups) -> None:
        self._backups = backups
        self.warnings = backups.warnings
        if backups.silent:
            self.warnings.append(
                f"{backups.silent} attachments are named in the backups, but their audio is not in there: "
                "the backups were made without attachments"
            )

    def account_ids(self) -> list[str]:
        """The ids of all accounts there is a backup of a database of, be it only of a month."""
        found = (database_names.split(name) for name in self._backups.index.names())
        return list(dict.fromkeys(owner.account_id for owner in found if owner is not None))

    def account(self, account_id: str) -> "FolderAccount":
        """One account, whether it is there or not."""
        return FolderAccount(self._backups.index, account_id)

    def system(self, name: str, ids: Iterable[str]) -> Mapping[str, Document]:
        """Documents of one of the system's databases."""
        return self._backups.index.fetch(name, ids)

    def left_out(self) -> Counter[str]:
        """The documents of databases that are nobody's, by type."""
        counts: Counter[str] = Counter()
        for name in self._backups.index.names():
            if name not in database_names.SYSTEM and database_names.split(name) is None:
                counts += self._backups.index.counts(name)
        return counts

    def is_up(self) -> bool:
        """Files always answer."""
        return True

    def close(self) -> None:
        """Take away what was kept on disk."""
        self._backups.close()


class FolderLibrary:
    """The documents in the backup of a database, and their audio."""

    def __init__(self, index: Index, name: str) -> None:
        self._index, self._name = index, name

    def fetch(self, ids: Iterable[str], /) -> Mapping[str, Document]:
        """The existing ones of some documents, by id."""
        return self._index.fetch(self._name, ids)

    def open(self, doc: Document, name: str, /) -> Stream | None:
        """An attachment of a document."""
        return self._index.open(self._name, doc["_id"], name)

    def messages(self, ask: Ask, others: Counter[str]) -> Iterator[Document]:
        """The messages in it."""
        counts = self._index.counts(self._name)
        del counts[MESSAGE]
        others.update(counts)
        return self._index.documents(self._name, MESSAGE)


class FolderAccount:
    """An account in a folder of backups."""

    def __init__(self, index: Index, account_id: str) -> None:
        self.account_id = account_id
        self._index, self._name = index, database_names.account_db(account_id)

    @property
    def library(self) -> FolderLibrary:
        """The media documents in its backup."""
        return FolderLibrary(self._index, self._name)

    def survey(self) -> Survey:
        """What was found when the folder was looked through."""
        survey = Survey(self.account_id, kinds=self._index.counts(self._name))
        for kind in (BOX, USER, ACCOUNT):
            for doc in self._index.documents(self._name, kind):
                survey.add(doc)
        return survey

    def documents(self, ids: Iterable[str]) -> Mapping[str, Document]:
        """Documents by their ids."""
        return self._index.fetch(self._name, ids)

    def listed(self) -> Document | None:
        """Its document in the backup of the database of all accounts."""
        return self._index.fetch(database_names.ACCOUNTS, [self.account_id]).get(self.account_id)

    def months(self) -> list[str]:
        """The months that there is a backup of the MODb of."""
        owners = map(database_names.split, self._index.names())
        ours = (owner for owner in owners if owner is not None and owner.account_id == self.account_id)
        return sorted(owner.month for owner in ours if owner.month is not None)

    def month(self, month: str) -> FolderLibrary:
        """One of these MODbs."""
        return FolderLibrary(self._index, database_names.modb(self.account_id, month))


def served() -> CouchSource:
    """The CouchDB that this project serves."""
    return CouchSource(couch(), is_served=True)


def every_document(
    database: Database, *, page: int = _PAGE, prefix: str = "", ask: Ask = at_once
) -> Iterator[Document]:
    """All documents of a database, deleted ones not, asked for page by page; attachments as stubs."""
    options = {"include_docs": True, "limit": page + 1}
    last = prefix
    while True:
        rows = ask(partial(database.all_docs, startkey=last, **options))
        for row in rows[:page]:
            if not row["id"].startswith(prefix):
                return
            if row.get("doc"):
                yield row["doc"]
        if len(rows) <= page:
            return
        last = rows[page]["id"]


def is_voicemail(media: Mapping[str, object]) -> bool:
    """Whether a document is the media document of a message of 3.x."""
    return media.get("source_type") == "voicemail" and media.get("pvt_type") in MEDIA


def account_document(source: AccountSource) -> Document | None:
    """An account's document: that of its own database, else that of all accounts."""
    own = source.documents([source.account_id]).get(source.account_id)
    return own if own is not None and own.get("pvt_type") == ACCOUNT else source.listed()


def is_live(doc: Mapping[str, object] | None) -> bool:
    """Whether there is a document and it is not soft-deleted."""
    return doc is not None and private_fields.is_live(dict(doc))
