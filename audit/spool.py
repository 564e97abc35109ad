"""Records on their way to Django's database: files of this machine, which a request appends to before it is answered.

A request can't wait for another write in a database. What it appends to a file is in the system's memory at once, and
outlives its process (kill -9), though not its machine. A thread of the process brings the records to the database
(`audit.shipping`), and those that another process left behind.

Each process has two files, so that one can be brought away and emptied while requests append to the other: the sizes
of all files together are what waits. Each is locked by its process: whoever gets the lock of a file knows that nobody
will append to it any more.
"""

import fcntl
import logging
import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event, Lock

from django.conf import settings

logger = logging.getLogger(__name__)

SUFFIX = ".jsonl"
_MAX_IN_MEMORY = 10_000
_LOG_SECONDS = 60
_READ_BYTES = 256 * 1024


@dataclass
class SpoolFile:
    """A file of records, a JSON object per line, that this process has locked."""

    path: Path
    fd: int
    size: int = 0
    shipped: int = 0
    """How many of its bytes are in the database."""

    def append(self, lines: bytes) -> None:
        """Append whole lines, or nothing: raises OSError if there is no room for all of them."""
        written = os.write(self.fd, lines)
        if written != len(lines):
            os.ftruncate(self.fd, self.size)
            raise OSError("no room")
        self.size += written

    def read_batches(self, lines_per_batch: int) -> Iterator[list[bytes]]:
        """Yield the lines that are not shipped yet; each batch is shipped when the next one is asked for."""
        rest, position = b"", self.shipped
        while piece := os.pread(self.fd, _READ_BYTES, position):
            position += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            for start in range(0, len(lines), lines_per_batch):
                batch = lines[start : start + lines_per_batch]
                yield batch
                self.shipped += sum(map(len, batch)) + len(batch)
        if rest:
            logger.error("A record of the audit is broken: it ends within its line")

    def empty(self) -> None:
        """Remove what is in it."""
        os.ftruncate(self.fd, 0)
        self.size = self.shipped = 0

    def close(self) -> None:
        """Leave it to others."""
        os.close(self.fd)

    def remove(self) -> None:
        """Delete it."""
        self.path.unlink(missing_ok=True)
        self.close()


class Spool:
    """The files of this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.has_records = Event()
        """Set when something was appended."""
        self._lock = Lock()
        self._active: SpoolFile | None = None
        self._resting: SpoolFile | None = None
        """The one that is being shipped, or empty."""
        self._in_memory: deque[bytes] = deque()
        self._logged_at = 0.0

    def append(self, lines: bytes) -> None:
        """Keep records, whole lines, until they are shipped. Where they can't be on disk, memory has to do."""
        with self._lock:
            try:
                if self._active is None:
                    self._active = create_file(self.folder)
                self._active.append(lines)
            except OSError as error:
                self._keep_in_memory(lines, error)
        if not self.has_records.is_set():
            self.has_records.set()

    def take_file(self) -> SpoolFile | None:
        """The file to ship next, which nothing is appended to until it is empty; None if there is nothing."""
        with self._lock:
            if self._resting is None or not self._resting.size:
                self._active, self._resting = self._resting, self._active
            return self._resting if self._resting is not None and self._resting.size else None

    def take_from_memory(self) -> list[bytes]:
        """What could not be written; whoever can't ship it gives it back."""
        with self._lock:
            lines = list(self._in_memory)
            self._in_memory.clear()
            return lines

    def give_back(self, lines: list[bytes]) -> None:
        """Keep what could be neither written nor shipped."""
        with self._lock:
            self._in_memory.extendleft(reversed(lines))

    def close(self) -> None:
        """Let others ship what is left; delete files with nothing in them."""
        with self._lock:
            for file in (self._active, self._resting):
                if file is not None:
                    if file.size:
                        file.close()
                    else:
                        file.remove()
            self._active = self._resting = None

    def _keep_in_memory(self, lines: bytes, error: OSError) -> None:
        for line in lines.splitlines():
            if len(self._in_memory) >= _MAX_IN_MEMORY:
                logger.error("A record of the audit is lost: neither disk nor memory has room for it (%s)", error)
                continue
            self._in_memory.append(line)
        if time.monotonic() > self._logged_at + _LOG_SECONDS:
            self._logged_at = time.monotonic()
            logger.error("Records of the audit can't be written to %s and wait in memory: %s", self.folder, error)


def create_file(folder: Path) -> SpoolFile:
    """Create a file in a folder, which is created if it is missing, and lock it. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = folder / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        if _lock_file(path, fd):
            return SpoolFile(path, fd)
        os.close(fd)  # somebody took it for one of a dead process just now


def adopt_files(folder: Path) -> Iterator[SpoolFile]:
    """Yield the files of processes that have ended, locked; the caller removes or closes each."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            fd = os.open(path, os.O_RDWR)
        except OSError:  # another process has shipped it
            continue
        if _lock_file(path, fd):
            yield SpoolFile(path, fd, os.fstat(fd).st_size)
        else:
            os.close(fd)


def _lock_file(path: Path, fd: int) -> bool:
    """Lock a file, if nobody else has and it is still there."""
    with suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(fd).st_nlink > 0
    return False


@cache
def spool() -> Spool:
    """The spool of this process (setting AUDIT_SPOOL)."""
    return Spool(Path(settings.AUDIT_SPOOL))


os.register_at_fork(after_in_child=spool.cache_clear)
