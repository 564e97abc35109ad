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
    media_ids: frozenset[str] = frozenset()
    """Ids of the media documents that it plays."""
    owner_id: str | None = None


@dataclass
class Survey:
    """What an account's database holds."""

    account_id: str
    boxes: list[SurveyedBox] = field(default_factory=list)
    user_ids: list[str] = field(default_factory=list)
    recorded_names: dict[str, str] = field(default_factory=dict)
    """Ids of the media documents in which users say their names, by user id."""
    media_ids: list[str] = field(default_factory=list)
    """Ids of all documents of the type media: greetings, prompts, hold music; some systems have recordings there."""
    boxes_without_array: list[str] = field(default_factory=list)
    """Ids of mailboxes whose `messages` are something other than an array."""
    realm: str | None = None
    """The account's realm in lower case; None if the account is deleted."""
    type_counts: Counter[str] = field(default_factory=Counter)
    """How many documents there are of each type."""
    foreign: int = 0
    """How many documents that a migration needs say that they belong to another account: they are left out."""

    def add(self, doc: Document) -> None:
        """Note a document. Only mailboxes, users, media and the account matter."""
        kind = document_type(doc)
        if not ownership.may_be_in(doc, self.account_id):
            self.foreign += kind in MIGRATED_TYPES
        elif kind == document_types.MAILBOX:
            self._add_box(doc)
        elif kind == document_types.USER:
            self.user_ids.append(doc["_id"])
            media_id = _media_member(doc).get("recorded_name")
            if isinstance(media_id, str) and media_id:
                self.recorded_names[doc["_id"]] = media_id
        elif kind == document_types.MEDIA:
            self.media_ids.append(doc["_id"])
        elif kind == document_types.ACCOUNT and doc["_id"] == self.account_id and private_fields.is_live(doc):
            realm = doc.get("realm")
            self.realm = realm.lower() if isinstance(realm, str) else None

    def _add_box(self, doc: Document) -> None:
        messages, owner_id = doc.get(MESSAGES), doc.get("owner_id")
        box = SurveyedBox(
            doc["_id"],
            len(messages) if isinstance(messages, list) else 0,
            frozenset(played_media(doc)),
            owner_id if isinstance(owner_id, str) else None,
        )
        self.boxes.append(box)
        if messages and not isinstance(messages, list):
            self.boxes_without_array.append(doc["_id"])

    @property
    def greeting_ids(self) -> set[str]:
        """Ids of the media documents that mailboxes play, or in which users say their names."""
        return {*self.recorded_names.values(), *(media_id for box in self.boxes for media_id in box.media_ids)}

    def greetings_of(self, box: SurveyedBox) -> set[str]:
        """Ids of the media documents that a mailbox plays; among them is the one with its owner's name."""
        owner_name = self.recorded_names.get(box.owner_id or "")
        return {*box.media_ids, *([owner_name] if owner_name else [])}


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
    return {media_id for media_id in _media_member(box).values() if isinstance(media_id, str) and media_id}


def is_voicemail(media: Mapping[str, object]) -> bool:
    """Whether a document is the media document of a 3.x message."""
    return media.get("source_type") == "voicemail" and media.get("pvt_type") in MEDIA_TYPES


def _media_member(doc: Mapping[str, object]) -> Mapping[str, object]:
    media = doc.get("media")
    return media if isinstance(media, dict) else {}
