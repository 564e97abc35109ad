"""What waits on this machine to be stored in Django's database."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
from django.conf import settings

from audit.spool import SUFFIX

LATE_SECONDS = 60
_MAX_LINE = 100_000


@dataclass(frozen=True)
class Backlog:
    """The records that wait, of all processes of this machine."""

    size: int
    """In bytes."""
    seconds: float
    """How long the oldest one has waited."""
    is_writable: bool
    """Whether records can be kept on disk, or have to wait in memory, which a killed process loses."""

    @property
    def is_late(self) -> bool:
        """Whether somebody should look after it."""
        return self.seconds > LATE_SECONDS or not self.is_writable


def read_backlog() -> Backlog:
    """What waits, by the files in AUDIT_SPOOL."""
    folder, size, oldest = Path(settings.AUDIT_SPOOL), 0, time.time()
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError, ValueError, KeyError):
            length = path.stat().st_size
            if length:
                size += length
                with path.open("rb") as file:
                    oldest = min(oldest, float(orjson.loads(file.readline(_MAX_LINE))["time"]))
    return Backlog(size, max(0.0, time.time() - oldest), _is_writable(folder))


def _is_writable(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK) and room.f_bavail > 0
