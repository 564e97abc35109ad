"""The documents in a stream of JSON, however they are wrapped: memory holds one document at a time."""

from collections.abc import Iterator
from typing import Any, Protocol

import ijson

_ARRAYS_OF_DOCUMENTS = ("rows", "docs")
_KEYS_OF_DOCUMENTS = ("_id", "doc")
# Without its long attachments, no document has that many bytes.
_MAX_DOCUMENT = 128 * 1024 * 1024
# Of what is no document, or not yet known to be one, so much is read at most: memory holds all of it.
_MAX_UNKNOWN = 4 * 1024 * 1024


class Readable(Protocol):
    """A file."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end."""


class TooLong(ValueError):
    """What stands between two documents is too long to be a document."""


class BudgetedFile:
    """A file that returns no more than a document has, until the next one begins."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._left = _MAX_UNKNOWN

    def expect(self, count: int) -> None:
        """Allow so many bytes from here on."""
        self._left = count

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end. Raises TooLong."""
        if self._left < 0:
            raise TooLong
        piece = self._file.read(size)
        self._left -= len(piece)
        return piece


def iterate_objects(file: Readable) -> Iterator[dict[str, Any]]:
    """The objects of a stream that may be documents, or rows with one, in their order.

    They are values of the stream, of its arrays, and of the arrays ``rows`` and ``docs`` of its objects. Any number
    of values may follow each other. Raises ijson.JSONError, TooLong, and what reading raises.
    """
    budgeted_file = BudgetedFile(file)
    open_values = _OpenValues()
    for event, value in ijson.basic_parse(budgeted_file, use_float=True, multiple_values=True):
        completed = open_values.add(event, value)
        if completed is not None:
            budgeted_file.expect(_MAX_UNKNOWN)
            yield completed
        elif event == "map_key" and value in _KEYS_OF_DOCUMENTS and open_values.is_at_member:
            budgeted_file.expect(_MAX_DOCUMENT)


class _OpenValues:
    """The arrays and objects that are open at a place of the stream, the innermost last."""

    def __init__(self) -> None:
        self._open: list[_Object | None] = []
        """An object, or None for an array whose items may be documents."""
        self._member: _Member | None = None
        """The member of the innermost object that is being read, if it is an array or object itself."""

    @property
    def is_at_member(self) -> bool:
        """Whether a member of the innermost object comes next."""
        return self._member is None

    def add(self, event: str, value: Any) -> dict[str, Any] | None:
        """Process the next event; the object that it completes, if it does."""
        if self._member is not None:
            if self._member.add(event, value):
                self._member = None
            return None
        innermost = self._open[-1] if self._open else None
        if event == "map_key":
            if innermost is not None:
                innermost.key = value
        elif event in ("end_map", "end_array"):
            self._open.pop()
            return innermost.members if innermost is not None else None
        elif innermost is not None and not innermost.holds_documents(event):
            self._member = _Member(innermost)
            if self._member.add(event, value):
                self._member = None
        elif event == "start_map":
            self._open.append(_Object())
        elif event == "start_array":
            self._open.append(None)
        return None


class _Object:
    """An object that is open, with its members so far."""

    def __init__(self) -> None:
        self.members: dict[str, Any] = {}
        self.key = ""

    def holds_documents(self, event: str) -> bool:
        """Whether the array that begins with an event has documents as its items, as the object is none."""
        return event == "start_array" and self.key in _ARRAYS_OF_DOCUMENTS and "_id" not in self.members


class _Member:
    """A member of an object, which is built from its events."""

    def __init__(self, owner: _Object) -> None:
        self._owner, self._builder, self._depth = owner, ijson.ObjectBuilder(), 0

    def add(self, event: str, value: Any) -> bool:
        """Process an event; whether it completes the member."""
        self._builder.event(event, value)
        if event in ("start_map", "start_array"):
            self._depth += 1
        elif event in ("end_map", "end_array"):
            self._depth -= 1
        if self._depth:
            return False
        self._owner.members[self._owner.key] = self._builder.value
        return True
