"""Caches of what was read from documents.

When this process changes a document (see `documents`), its entries leave every cache at once. Other processes notice
when theirs expire.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

Value = TypeVar("Value")

_lock = Lock()
_entries_of_caches: list[TTLCache[tuple[str, str], Any]] = []
_generation = 0


class DocumentCache(Generic[Value]):
    """Values read from documents, by the names of their databases and their ids; each is kept for `seconds`."""

    def __init__(self, maxsize: int, seconds: float) -> None:
        self._entries: TTLCache[tuple[str, str], Value] = TTLCache(maxsize, seconds)
        _entries_of_caches.append(self._entries)

    def get(self, database_name: str, doc_id: str) -> Value | None:
        """Return what is cached of a document, None if nothing is."""
        with _lock:
            try:
                return self._entries[database_name, doc_id]
            except KeyError:  # in a third of the time that `get` of cachetools takes
                return None

    def put(self, database_name: str, doc_id: str, value: Value, generation: int) -> None:
        """Cache what was read of a document, unless some document has changed since `generation`.

        The value may be of the state before that change.
        """
        with _lock:
            if generation == _generation:
                self._entries[database_name, doc_id] = value

    def get_or_read(self, database_name: str, doc_id: str, read: Callable[[], Value]) -> Value:
        """Return what is cached of a document, else what `read` returns, which is cached then."""
        value = self.get(database_name, doc_id)
        if value is None:
            before = generation()
            value = read()
            self.put(database_name, doc_id, value, before)
        return value


def generation() -> int:
    """Return the number of times that this process has changed a document: to be noted before reading."""
    return _generation


def invalidate(database_name: str, doc_id: str) -> None:
    """Drop a changed document from every cache."""
    global _generation
    with _lock:
        _generation += 1
        for entries in _entries_of_caches:
            entries.pop((database_name, doc_id), None)
