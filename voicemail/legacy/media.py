"""Media documents of Kazoo 3.x, which hold the audio of the entries in mailboxes."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from couch.client import couch
from couch.database import Database, Document
from storage import database_names, ownership, private_fields
from voicemail.audio import content_types
from voicemail.audio.copying import Stream


class MediaLibrary(Protocol):
    """Gives access to the media documents of an account."""

    def fetch(self, ids: Iterable[str], /) -> Mapping[str, Document]:
        """The media documents that exist, by id, with their attachments as stubs."""

    def open(self, doc: Document, name: str, /) -> Stream | None:
        """An attachment of a media document; None if it is gone."""


class DatabaseLibrary:
    """The media documents in an account's database of any CouchDB, without those that name another account."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._owner = database_names.parse(database.name)

    def fetch(self, ids: Iterable[str], /) -> Mapping[str, Document]:
        """The documents that exist, by id, in one request."""
        docs = self.database.fetch(ids)
        if self._owner is None:
            return docs
        account_id = self._owner.account_id
        return {doc_id: doc for doc_id, doc in docs.items() if ownership.may_be_in(doc, account_id)}

    def open(self, doc: Document, name: str, /) -> Stream | None:
        """An attachment as of the document's revision."""
        return self.database.open_attachment(doc["_id"], name, rev=doc["_rev"])


class Audio(NamedTuple):
    """The audio of a media document: the attachment's name and its stub's fields."""

    name: str
    content_type: str
    length: int
    digest: str | None


def account_library(account_id: str) -> DatabaseLibrary:
    """The media documents in an account's own database."""
    return DatabaseLibrary(couch().database(database_names.account_db(account_id)))


def usable_audio(media: Mapping[str, Any] | None) -> Audio | None:
    """The audio of a media document; None if the document is missing or deleted, or has no attachment."""
    return attached_audio(media) if private_fields.is_live(media) else None


def attached_audio(doc: Mapping[str, Any]) -> Audio | None:
    """The audio that is attached to a document of any kind; None if it has no attachment."""
    stubs = doc.get("_attachments")
    if not isinstance(stubs, dict) or not stubs:
        return None
    name = next((name for name in sorted(stubs) if _is_audio_stub(stubs[name])), min(stubs))
    stub = stubs[name]
    return Audio(name, stub.get("content_type") or content_types.OCTETS, stub.get("length", 0), stub.get("digest"))


def _is_audio_stub(stub: Any) -> bool:
    return isinstance(stub, dict) and content_types.is_audio(str(stub.get("content_type") or ""))
