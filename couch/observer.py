"""Who is told what a request reads and writes of documents: nobody, unless somebody sets `observer`.

A change of a document is a write of what was read before. So whoever hears of both knows what the change is,
whichever function makes it. Design documents and local ones aren't told.
"""

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

Document = dict[str, Any]


class Observer(Protocol):
    """Is told after CouchDB has answered, in the thread that asked."""

    def note_read(self, database_name: str, docs: Iterable[Document]) -> None:
        """Note documents as they are stored."""

    def note_writes(self, database_name: str, writes: Sequence[tuple[Document, Document]]) -> None:
        """Note documents that were stored in one request: each as it was sent, and as it is stored now.

        The first has the revision that it replaced, the second its new one.
        """

    def note_deletion(self, database_name: str, doc_id: str) -> None:
        """Note that a document was deleted for good."""


observer: ContextVar[Observer | None] = ContextVar("observer", default=None)
