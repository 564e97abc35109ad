"""What a source of 3.x data offers: its accounts, their documents and audio. A source is only read.

The sources are the CouchDB that this project serves, another one (both in `couchdb_source`), and a folder of backups
(`backups.source`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from couch.database import Document
from migration.outages import Retry
from storage import document_types, ownership, private_fields
from voicemail.legacy.entries import MESSAGES
from voicemail.legacy.media import MediaLibrary

MEDIA_TYPES = frozenset({"private_media", document_types.MEDIA})
MIGRATED_TYPES = frozenset(
    {document_types.ACCOUNT, document_types.USER, document_types.MAILBOX, document_types.MESSAGE, *MEDIA_TYPES}
)
CONFIG_IDS = ("configs_callflow", "configs_crossbar.voicemail")
"""Ids of the documents with an account's own settings that this service reads."""


@dataclass(frozen=True)
class SurveyedBox:
    """A mailbox, and how many entries its array has."""

    id: str
    entries: int


@dataclass
class Survey:
    """What an account's database holds."""

    account_id: str
    boxes: list[SurveyedBox] = field(default_factory=list)
    user_ids: list[str] = field(default_factory=list)
    greeting_ids: set[str] = field(default_factory=set)
    """Ids of the media documents that mailboxes play."""
    boxes_without_array: list[str] = field(default_factory=list)
    """Ids of mailboxes whose `messages` are something other than an array."""
    realm: str | None = None
    """The account's realm in lower case; None if the account is deleted."""
    type_counts: Counter[str] = field(default_factory=Counter)
    """How many documents there are of each type."""
    foreign: int = 0
    """How many documents that a migration needs say that they belong to another account: they are left out."""

    def add(self, doc: Document) -> None:
        """Note a document. Only mailboxes, users and the account matter."""
        kind = document_type(doc)
        if not ownership.may_be_in(doc, self.account_id):
            self.foreign += kind in MIGRATED_TYPES
        elif kind == document_types.MAILBOX:
            self._add_box(doc)
        elif kind == document_types.USER:
            self.user_ids.append(doc["_id"])
        elif kind == document_types.ACCOUNT and doc["_id"] == self.account_id and private_fields.is_live(doc):
            realm = doc.get("realm")
            self.realm = realm.lower() if isinstance(realm, str) else None

    def _add_box(self, doc: Document) -> None:
        messages = doc.get(MESSAGES)
        self.boxes.append(SurveyedBox(doc["_id"], len(messages) if isinstance(messages, list) else 0))
        if messages and not isinstance(messages, list):
            self.boxes_without_array.append(doc["_id"])
        self.greeting_ids |= played_media(doc)


class MonthSource(MediaLibrary, Protocol):
    """The MODb of an account: its messages and their audio."""

    def messages(self, retry: Retry, other_types: Counter[str]) -> Iterator[Document]:
        """The messages, including removed ones, with attachments as stubs. Counts all other documents by type."""


class AccountSource(Protocol):
    """The data of one account."""

    @property
    def account_id(self) -> str:
        """The account's id."""

    @property
    def library(self) -> MediaLibrary:
        """Its media documents."""

    def survey(self) -> Survey:
        """Read all documents of the account's database once."""

    def fetch(self, ids: Iterable[str]) -> Mapping[str, Document]:
        """Those documents of the account's database that exist, by id, with attachments as stubs."""

    def listed_document(self) -> Document | None:
        """The account's document in the database ``accounts``."""

    def list_months(self) -> list[str]:
        """The months ``YYYYMM`` that have a MODb, the oldest first."""

    def open_month(self, month: str) -> MonthSource:
        """One of these MODbs."""


class Source(Protocol):
    """All accounts of a system."""

    @property
    def is_served(self) -> bool:
        """Whether this is the CouchDB that this project serves, whose data is migrated in place."""

    @property
    def warnings(self) -> list[str]:
        """Faults of the source as a whole, a sentence each."""

    @property
    def refusals(self) -> list[str]:
        """What is left out because it can't be told whose it is, or may do harm; a sentence each."""

    def account_ids(self) -> list[str]:
        """The ids of all accounts that have a database, in order."""

    def account(self, account_id: str) -> AccountSource:
        """One account, whether it exists or not."""

    def fetch_system(self, name: str, ids: Iterable[str]) -> Mapping[str, Document]:
        """Documents of a database in `database_names.SYSTEM`; none if it does not exist."""

    def read_again(self, account_id: str, ids: Iterable[str]) -> Iterable[Document]:
        """Documents with these ids, read anew, with their private members: what a verification compares with.

        Of a CouchDB those in an account's databases, of backups those in any file.
        """

    def count_unrelated(self) -> Counter[str]:
        """How many documents there are, by type, in databases that belong to no account."""

    def is_up(self) -> bool:
        """Whether the source answers."""

    def close(self) -> None:
        """Release what the source holds."""


def document_type(doc: Mapping[str, object]) -> str:
    """A document's type, for counting: "design" for CouchDB's own documents, "untyped" if there is none."""
    if str(doc["_id"]).startswith("_"):
        return "design"
    kind = doc.get("pvt_type")
    return kind if isinstance(kind, str) and kind else "untyped"


def without_database_fields(doc: Mapping[str, object]) -> Document:
    """A document without its revision and attachments, which belong to one database."""
    return {key: value for key, value in doc.items() if key == "_id" or not key.startswith("_")}


def account_document(source: AccountSource) -> Document | None:
    """An account's document: that of its own database, else that of the database ``accounts``."""
    doc = source.fetch([source.account_id]).get(source.account_id)
    return doc if doc is not None and doc.get("pvt_type") == document_types.ACCOUNT else source.listed_document()


def played_media(box: Mapping[str, object]) -> set[str]:
    """The ids of the media documents that a mailbox plays as greetings."""
    media = box.get("media")
    return (
        {media_id for media_id in media.values() if isinstance(media_id, str)} if isinstance(media, dict) else set()
    )


def is_voicemail(media: Mapping[str, object]) -> bool:
    """Whether a document is the media document of a 3.x message."""
    return media.get("source_type") == "voicemail" and media.get("pvt_type") in MEDIA_TYPES
