"""What CouchDB's feeds tell: changes of documents in a database, and of databases on a server.

Sequences are opaque. They go back to CouchDB as they came, and are compared with nothing.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class ChangesPage(NamedTuple):
    """Changed documents, oldest change first, the sequence after them, and whether there are more changes."""

    docs: list[dict[str, Any]]
    """Their latest states. A deleted one has only ``_id``, ``_rev`` and ``_deleted``."""
    last_seq: str
    has_more: bool


class DatabaseUpdate(NamedTuple):
    """What happened to a database: it was ``created``, ``updated`` or ``deleted``; and the sequence after that."""

    kind: str
    name: str
    seq: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "DatabaseUpdate":
        """An update by its row in the feed."""
        return cls(str(row["type"]), str(row["db_name"]), str(row["seq"]))


class UpdatesPage(NamedTuple):
    """Updates of databases, and the sequence after them."""

    updates: list[DatabaseUpdate]
    last_seq: str
