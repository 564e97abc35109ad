"""An event, and the batch in which a consumer gets it."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

DOC_CREATED = "doc_created"
DOC_EDITED = "doc_edited"
DOC_DELETED = "doc_deleted"
DB_CREATED = "db_created"
DB_DELETED = "db_deleted"
VOICEMAIL_NEW = "voicemail_new"
VOICEMAIL_SAVED = "voicemail_saved"
VOICEMAIL_DELETED = "voicemail_deleted"
VOICEMAIL_FULL = "voicemail_full"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a document or a database.

    A change of a message makes an event ``doc_…``, and before it ``voicemail_…`` if its folder changed.
    """

    id: str
    """32 hex digits, the same however often the event is told."""
    name: str
    """One of the constants of this module."""
    database: str
    """The plain name of the database that changed."""
    account_id: str
    """Empty for a database that is no account's, but in ``accounts`` the account itself."""
    document: dict[str, Any] = field(default_factory=dict)
    """The document as it is stored now, private members and attachment stubs included; empty for ``db_…``.

    Of a document that was deleted, not only soft-deleted, the last known state if there is one.
    """

    @property
    def document_id(self) -> str:
        """The id of the document, empty for ``db_…``."""
        return str(self.document.get("_id", ""))

    @property
    def type(self) -> str:
        """The document's ``pvt_type``, ``database`` for ``db_…``."""
        return str(self.document.get("pvt_type", "")) if self.document else "database"


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one database, in the order in which they happened."""

    database: str
    account_id: str
    events: tuple[Event, ...]


def event_id(*parts: str) -> str:
    """Return the id of an event by all that makes it the event it is."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]
