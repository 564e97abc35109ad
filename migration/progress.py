"""The progress of a migration: counted while it works, reported to an observer, and stopped on request."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Generic, Protocol, TypeVar

MESSAGE, GREETING = "message", "greeting"
"""What a line of the report is about: a message, or a greeting or another document with media."""


class Stopped(Exception):
    """A stop was requested."""


@dataclass(frozen=True)
class Row:
    """A line of the report: the outcome for one entry, message or media document."""

    account_id: str
    box_id: str | None
    media_id: str | None
    message_id: str | None
    outcome: str
    reason: str = ""
    bytes: int = 0
    kind: str = MESSAGE


@dataclass(frozen=True)
class Problem:
    """An account or mailbox that could not be processed."""

    account_id: str
    box_id: str | None
    reason: str
    sentence: str


@dataclass
class Tally:
    """Counts of what is done so far. The totals are known once all accounts are surveyed."""

    phase: str = "surveying"
    accounts_total: int = 0
    accounts_done: int = 0
    messages_total: int = 0
    messages_done: int = 0
    bytes: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Numbers of rows about messages, by outcome and reason, which is empty if there is none."""
    greetings: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same of rows about greetings and other media."""
    imported: Counter[str] = field(default_factory=Counter)
    """Numbers of documents that were imported from another system, by type."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Numbers of documents of another system that were not imported, by type."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    is_waiting: bool = False
    """Whether it waits for a CouchDB that is away."""
    is_stopped: bool = False
    """Whether it was stopped before the end."""

    @property
    def seconds(self) -> float:
        """The time since the start."""
        return time.monotonic() - self.started

    @property
    def processed(self) -> int:
        """The number of all rows about messages."""
        return sum(self.outcomes.values())

    def count(self, outcome: str) -> int:
        """The number of rows about messages with an outcome, whatever the reason."""
        return sum(count for (name, _), count in self.outcomes.items() if name == outcome)


class WorkTally(Protocol):
    """What any count of work says besides its numbers."""

    phase: str
    is_waiting: bool


AnyTally = TypeVar("AnyTally", bound=WorkTally)


class StoppableProgress(Generic[AnyTally]):
    """Counts work in a tally, from any thread, and passes on requests to stop.

    Calls `on_change` with the tally after each step, one call at a time.
    """

    def __init__(self, tally: AnyTally, on_change: Callable[[AnyTally], None]) -> None:
        self.tally = tally
        self._on_change = on_change
        self._lock = threading.RLock()
        self._stop = threading.Event()

    def stop(self) -> None:
        """Request a stop: what is under way is finished, and nothing else is begun."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    def require_going_on(self) -> None:
        """Raise Stopped if a stop was requested."""
        if self.is_stopping:
            raise Stopped

    def begin_phase(self, name: str) -> None:
        """Begin another part of the work."""
        with self._lock:
            self.tally.phase = name
            self._on_change(self.tally)

    def wait(self, seconds: float) -> None:
        """Wait for a CouchDB that is away. Raises Stopped as soon as a stop is requested."""
        self._set_waiting(True)
        self._stop.wait(seconds)
        self._set_waiting(False)
        self.require_going_on()

    def _set_waiting(self, is_waiting: bool) -> None:
        with self._lock:
            self.tally.is_waiting = is_waiting
            self._on_change(self.tally)


class Progress(StoppableProgress[Tally]):
    """Counts what a migration does. Calls `on_row` with each row, one call at a time."""

    def __init__(
        self,
        on_change: Callable[[Tally], None] = lambda tally: None,
        on_row: Callable[[Row], None] = lambda row: None,
    ) -> None:
        super().__init__(Tally(), on_change)
        self._on_row = on_row

    def expect(self, *, accounts: int = 0, messages: int = 0) -> None:
        """Add to the totals."""
        with self._lock:
            self.tally.accounts_total += accounts
            self.tally.messages_total += messages
            self._on_change(self.tally)

    def finish_account(self) -> None:
        """Count an account as done."""
        with self._lock:
            self.tally.accounts_done += 1
            self._on_change(self.tally)

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Count what became of some messages and greetings."""
        with self._lock:
            for row in rows:
                if row.kind == GREETING:
                    self.tally.greetings[row.outcome, row.reason] += 1
                else:
                    self.tally.outcomes[row.outcome, row.reason] += 1
                    self.tally.messages_done += 1
                self.tally.bytes += row.bytes
                self._on_row(row)
            self._on_change(self.tally)

    def add_problem(self, account_id: str, box_id: str | None, reason: str, sentence: str) -> None:
        """Note that an account or a mailbox could not be processed."""
        with self._lock:
            self.tally.problems.append(Problem(account_id, box_id, reason, sentence))
            self._on_change(self.tally)

    def add_warnings(self, sentences: Iterable[str]) -> None:
        """Add sentences to the summary."""
        with self._lock:
            self.tally.warnings += sentences

    def count_documents(self, *, imported: Counter[str] | None = None, left_out: Counter[str] | None = None) -> None:
        """Count documents of another system, by type."""
        with self._lock:
            self.tally.imported += imported or Counter()
            self.tally.left_out += left_out or Counter()

    def finish(self) -> None:
        """End the work: done, or stopped if a stop was requested."""
        with self._lock:
            self.tally.is_stopped = self.is_stopping
            self.tally.phase = "stopped" if self.is_stopping else "done"
            self._on_change(self.tally)


@contextmanager
def stop_on_signals(progress: StoppableProgress[Any]) -> Iterator[list[int]]:
    """Let the first SIGINT or SIGTERM request a stop; the next one ends the process as usual.

    Yields a list that gets the number of the signal.
    """
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        progress.stop()
        restore()

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        restore()
