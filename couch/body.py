"""Bodies that are read while they are sent."""

from io import BytesIO
from typing import Protocol, runtime_checkable


class Readable(Protocol):
    """What a body is read from."""

    def read(self, size: int = -1, /) -> bytes: ...


@runtime_checkable
class Rewindable(Protocol):
    """A file that can be read again."""

    def seekable(self) -> bool: ...
    def seek(self, offset: int, /) -> object: ...
    def tell(self) -> int: ...


class SizedBody:
    """A body of known length, read while it is sent: bytes, then so much of a file, then bytes."""

    def __init__(self, head: bytes, file: Readable, file_length: int, tail: bytes = b"") -> None:
        self.length = len(head) + file_length + len(tail)
        self._file, self._file_length = file, file_length
        self._start = file.tell() if isinstance(file, Rewindable) and file.seekable() else None
        self._head, self._tail = BytesIO(head), BytesIO(tail)
        self._unread = self._file_unread = 0
        self._begin()

    def read(self, size: int) -> bytes:
        """The next bytes. ValueError when the file ends early, so that nothing short is taken for whole."""
        piece = self._head.read(size)
        if not piece and self._file_unread:
            piece = self._file.read(min(size, self._file_unread))
            if not piece:
                raise ValueError(f"the body ended {self._file_unread} bytes early")
            self._file_unread -= len(piece)
        piece = piece or self._tail.read(size)
        self._unread -= len(piece)
        return piece

    def rewind(self) -> bool:
        """Go back to the beginning; False when the file can't, or when all was read and so may have been stored."""
        if self._start is None or not self._unread or not isinstance(self._file, Rewindable):
            return False
        self._file.seek(self._start)
        self._begin()
        return True

    def _begin(self) -> None:
        self._head.seek(0)
        self._tail.seek(0)
        self._unread, self._file_unread = self.length, self._file_length
