"""All documents of an account, read page by page, deleted mailboxes' and messages' among them.

Views leave out what was moved away, and documents in an odd state; what is erased must leave nothing behind.
"""

from collections.abc import Callable, Iterator
from typing import Any

from couch.client import couch
from couch.database import Database, Document
from couch.errors import MissingDatabase
from storage import database_names, modbs, values
from voicemail.audio import recording
from voicemail.messages import metadata

PAGE = 400
Tick = Callable[[int], None]
"""Called with the number of documents that were just read or written; it raises if the work is to end."""


def account_database(account_id: str) -> Database:
    """The account's own database."""
    return couch().database(database_names.account_db(account_id))


def month_databases(account_id: str) -> list[Database]:
    """The account's MODbs, the earliest first."""
    return [couch().database(database_names.modb(account_id, month)) for month in modbs.list_months(account_id)]


def scan_documents(database: Database, tick: Tick = lambda count: None) -> Iterator[Document]:
    """Yield every document of a database but design documents; none if there is no such database."""
    start = ""
    while True:
        try:
            rows = database.all_docs(startkey=start, limit=PAGE + 1, include_docs=True)
        except MissingDatabase:
            return
        tick(len(rows[:PAGE]))
        yield from (row["doc"] for row in rows[:PAGE] if row.get("doc") and not row["id"].startswith("_"))
        if len(rows) <= PAGE:
            return
        start = rows[PAGE]["id"]


def audio_bytes(doc: Document) -> int:
    """The bytes of a document's attachments."""
    stubs = doc.get("_attachments")
    return sum(int(stub.get("length", 0)) for stub in stubs.values()) if isinstance(stubs, dict) else 0


def audio_milliseconds(doc: Document) -> int:
    """The length that a message's document states, if it has audio."""
    length = values.as_integer(metadata.of(doc).get("length"))
    return max(length or 0, 0) if recording.has_audio(doc) else 0


def linked_ids(doc: Document) -> set[str]:
    """The ids of the documents that a message's audio is linked to."""
    entries: Any = doc.get("pvt_attachments")
    handlers = (
        [entry.get("handler") for entry in entries.values() if isinstance(entry, dict)]
        if isinstance(entries, dict)
        else []
    )
    links = [handler.get(recording.LINK) for handler in handlers if isinstance(handler, dict)]
    return {str(link["att_docid"]) for link in links if isinstance(link, dict) and link.get("att_docid")}
