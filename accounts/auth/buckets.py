"""Token buckets that all processes forked from one share: how much of its allowance each key has left.

A bucket is one number (the generic cell rate algorithm): the time by which it is full again. A request moves that
time on by the seconds that one token takes to come back; it is refused when that would be further away than a whole
bucket takes. So a bucket whose time has passed is full, and needs no place.

The numbers are in shared memory without a name: nothing is left behind, nothing outlives the last process, and its
size never changes. Places are kept in groups, one of which is a key's own; in a group that is full, the key that
used least gives way, so that at worst somebody gets more than its due. Locks are the kernel's on parts of the file,
which go with the process that holds them, however it ends.
"""

import fcntl
import mmap
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import IO

_GROUPS = 4096
_PLACES = 8
_PLACE = struct.Struct("16sQ")  # a key, and the time when its bucket is full, in nanoseconds
_GROUP = struct.Struct("16sQ" * _PLACES)
_LOCKS = 64


class Buckets:
    """Made before a process forks, they are shared with what it forks."""

    def __init__(self) -> None:
        self._file = _nameless_file()
        # Written, not just made as long: memory that is missing shows here, and not as a signal later.
        self._file.write(bytes(_GROUPS * _GROUP.size))
        self._file.flush()
        self._memory = mmap.mmap(self._file.fileno(), _GROUPS * _GROUP.size)
        self._locks = [Lock() for _ in range(_LOCKS)]

    def take(self, key: bytes, size: int, seconds: float, now: int | None = None) -> float:
        """Take a token from the bucket of a key (16 random bytes): 0.0, or the seconds until there is one.

        A bucket holds `size` tokens, and an empty one is full after `seconds`. `now` is in nanoseconds, by
        default those of the clock that runs evenly for all processes whatever time of day it is set to.
        """
        group = int.from_bytes(key[:4], "big") % _GROUPS
        whole = int(seconds * 1e9)
        token = max(whole // size, 1)
        with self._locked(group % _LOCKS):
            now = time.monotonic_ns() if now is None else now
            offset, full_at = self._find(group, key, now)
            # A time further away than a whole bucket takes can only be somebody's mistake.
            begin = min(max(full_at, now), now + token * size)
            wait = begin + token - now - token * size
            if wait > 0:
                return wait / 1e9
            _PLACE.pack_into(self._memory, offset, key, begin + token)
            return 0.0

    def _find(self, group: int, key: bytes, now: int) -> tuple[int, int]:
        """Where in the memory a key's bucket is, or is to be, and when it is full."""
        start = group * _GROUP.size
        values = _GROUP.unpack_from(self._memory, start)
        keys, times = values[::2], values[1::2]
        if key in keys:
            place = keys.index(key)
            return start + place * _PLACE.size, times[place]
        place = times.index(min(times))
        return start + place * _PLACE.size, now

    @contextmanager
    def _locked(self, number: int) -> Iterator[None]:
        """Keep other threads, which the kernel's locks don't tell apart, and other processes out meanwhile."""
        with self._locks[number]:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, number)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)


@cache
def shared() -> Buckets:
    """Those of this process, which it shares with what it forks after the first call."""
    return Buckets()


def _nameless_file() -> IO[bytes]:
    """A file that only this process and what it forks can see: in memory, where the system has such."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("vmboxes-buckets"), "w+b")
    return tempfile.TemporaryFile()
