"""The accounts whose databases have changes that are not read yet, for the threads that read them.

The databases of an account are read by one thread at a time, so that its events keep their order. An account whose
events can't be delivered waits for a growing pause, and delays no other one. An account that was just read waits for
a moment, in which more may change.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from events.leases import slot_of

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_MAX_RESTING = 1_000


@dataclass
class _Account:
    """What waits of an account: its changed databases, each with what happened to it besides updates."""

    databases: dict[str, set[str]] = field(default_factory=dict)
    since: float = 0.0
    not_before: float = 0.0
    failures: int = 0
    is_in_work: bool = False


class WorkQueue:
    """Accounts to work on; each rests for some seconds after it was worked on. Times are monotonic seconds."""

    def __init__(self, rest_seconds: float) -> None:
        self._rest_seconds = rest_seconds
        self._accounts: dict[str, _Account] = {}
        self._ready: deque[str] = deque()
        self._delayed: set[str] = set()
        self._rest_until: dict[str, float] = {}
        self._condition = threading.Condition()
        self._is_closed = False

    def add(self, account_key: str, database: str, kind: str | None = None) -> None:
        """Note that a database of an account changed, or was ``created`` or ``deleted``."""
        with self._condition:
            account = self._accounts.setdefault(account_key, _Account())
            if not account.databases:
                account.since = time.monotonic()
                if not account.is_in_work and account_key not in self._delayed:
                    self._queue(account_key)
            kinds = account.databases.setdefault(database, set())
            if kind is not None:
                kinds.add(kind)

    def take(self) -> tuple[str, dict[str, set[str]]] | None:
        """Wait for an account, and return its key and changed databases; None when the queue is closed."""
        with self._condition:
            while not self._is_closed:
                self._wake_delayed()
                if self._ready:
                    account_key = self._ready.popleft()
                    account = self._accounts[account_key]
                    databases, account.databases = account.databases, {}
                    account.is_in_work = True
                    return account_key, databases
                self._condition.wait(self._seconds_to_next())
        return None

    def finish(self, account_key: str) -> None:
        """Note that an account's databases were read to their ends."""
        with self._condition:
            account = self._accounts[account_key]
            account.is_in_work, account.failures = False, 0
            if len(self._rest_until) >= _MAX_RESTING:
                self._rest_until.clear()
            self._rest_until[account_key] = time.monotonic() + self._rest_seconds
            if account.databases:
                self._queue(account_key)
            else:
                del self._accounts[account_key]

    def fail(self, account_key: str, databases: dict[str, set[str]]) -> None:
        """Put databases back that could not be read or told, for another attempt after a pause."""
        with self._condition:
            account = self._accounts[account_key]
            for name, kinds in databases.items():
                account.databases.setdefault(name, set()).update(kinds)
            account.is_in_work = False
            account.failures += 1
            pause = min(_FIRST_PAUSE * 2 ** min(account.failures - 1, 10), _LONGEST_PAUSE)
            account.not_before = time.monotonic() + pause
            self._delayed.add(account_key)
            self._condition.notify()

    def drop_slot(self, slot: int) -> None:
        """Forget the waiting accounts of a slot that another follower has now."""
        with self._condition:
            for account_key in [key for key in self._accounts if slot_of(key) == slot]:
                account = self._accounts[account_key]
                account.databases.clear()
                if not account.is_in_work:
                    del self._accounts[account_key]
                    self._delayed.discard(account_key)
                    if account_key in self._ready:
                        self._ready.remove(account_key)

    def busy_slots(self) -> set[int]:
        """Return the slots of all accounts that wait or are worked on."""
        with self._condition:
            return {slot_of(account_key) for account_key in self._accounts}

    def delay(self) -> tuple[float, int]:
        """Return for how many seconds the oldest change waits, and how many accounts wait."""
        with self._condition:
            now = time.monotonic()
            return max((now - account.since for account in self._accounts.values()), default=0.0), len(self._accounts)

    def close(self) -> None:
        """Let all threads that wait for work end."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    def _queue(self, account_key: str) -> None:
        """Let an account be taken, now or when it has rested."""
        rest_until = self._rest_until.get(account_key, 0.0)
        if rest_until > time.monotonic():
            self._accounts[account_key].not_before = rest_until
            self._delayed.add(account_key)
        else:
            self._ready.append(account_key)
        self._condition.notify()

    def _wake_delayed(self) -> None:
        now = time.monotonic()
        for account_key in [key for key in self._delayed if self._accounts[key].not_before <= now]:
            self._delayed.discard(account_key)
            self._ready.append(account_key)

    def _seconds_to_next(self) -> float | None:
        times = [self._accounts[key].not_before for key in self._delayed]
        return max(0.0, min(times) - time.monotonic()) if times else None
