"""How a migration is going: counted by those who do it, told to whoever watches, and stopped by them."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from couch.errors import CouchError, Unreachable
from crossbar.errors import ApiError

Result = TypeVar("Result")

PATIENCE = 600.0
"""For how many seconds a CouchDB that doesn't answer is waited for."""
_LONGEST_PAUSE = 5.0
# A CouchDB that answers otherwise and fails this so often is not going to do it.
_ATTEMPTS = 5


@dataclass(frozen=True)
class Row:
    """What became of one entry, message or media document: a line of the report."""

    account_id: str
    box_id: str | None
    media_id: str | None
    message_id: str | None
    outcome: str
    reason: str = ""
    bytes: int = 0


@dataclass(frozen=True)
class Problem:
    """An account or box that could not be worked on at all."""

    account_id: str
    box_id: str | None
    reason: str
    sentence: str


@dataclass
class Tally:
    """What is done so far. Numbers only grow, but for the totals, which are known once all accounts are surveyed."""

    phase: str = "surveying"
    accounts: int = 0
    accounts_done: int = 0
    messages: int = 0
    messages_done: int = 0
    bytes: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many entries had which outcome, and for which reason (a text, empty for none)."""
    brought: Counter[str] = field(default_factory=Counter)
    """How many documents were brought from another system, by type."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many documents of another system stayed there, by type."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    waiting: bool = False
    """Whether a CouchDB is being waited for."""
    stopped: bool = False
    """Whether it ended because somebody said so, with work left."""

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self.started

    def count(self, outcome: str) -> int:
        """How many had an outcome, for whatever reason."""
        return sum(count for (found, _), count in self.outcomes.items() if found == outcome)


class Stopped(Exception):
    """Whoever watches said to stop."""


class Ask(Protocol):
    """Asks a CouchDB for something, in a way of its own; the work may be repeated."""

    def __call__(self, work: Callable[[], Result], /) -> Result:
        """The work's result."""


def at_once(work: Callable[[], Result], /) -> Result:
    """Asks without waiting for a CouchDB that is away."""
    return work()


class Watch:
    """Where those who migrate tell what they do, from any thread.

    `changed` is called with the tally after each step, `row` with what became of each entry: one call at a time.
    """

    def __init__(
        self,
        changed: Callable[[Tally], None] = lambda tally: None,
        row: Callable[[Row], None] = lambda row: None,
        patience: float = PATIENCE,
    ) -> None:
        self.tally = Tally()
        self.patience = patience
        self._changed, self._row = changed, row
        self._lock = threading.RLock()
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let what is under way end, and begin nothing more."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether to begin nothing more."""
        return self._stop.is_set()

    def phase(self, name: str) -> None:
        """A new part of the work begins."""
        with self._lock:
            self.tally.phase = name
            self._changed(self.tally)

    def expect(self, *, accounts: int = 0, messages: int = 0) -> None:
        """There is so much more to do."""
        with self._lock:
            self.tally.accounts += accounts
            self.tally.messages += messages
            self._changed(self.tally)

    def account_done(self) -> None:
        """An account is finished."""
        with self._lock:
            self.tally.accounts_done += 1
            self._changed(self.tally)

    def rows(self, rows: Iterable[Row]) -> None:
        """Entries are finished."""
        with self._lock:
            for row in rows:
                self.tally.outcomes[row.outcome, row.reason] += 1
                self.tally.messages_done += 1
                self.tally.bytes += row.bytes
                self._row(row)
            self._changed(self.tally)

    def problem(self, account_id: str, box_id: str | None, reason: str, sentence: str) -> None:
        """An account or a box could not be worked on."""
        with self._lock:
            self.tally.problems.append(Problem(account_id, box_id, reason, sentence))
            self._changed(self.tally)

    def warn(self, sentences: Iterable[str]) -> None:
        """What whoever reads the summary should know."""
        with self._lock:
            self.tally.warnings += sentences

    def add(self, *, brought: Counter[str] | None = None, left_out: Counter[str] | None = None) -> None:
        """Documents were brought, or left out."""
        with self._lock:
            self.tally.brought += brought or Counter()
            self.tally.left_out += left_out or Counter()

    def end(self, *, stopped: bool) -> None:
        """All is done, or given up."""
        with self._lock:
            self.tally.phase = "stopped" if stopped else "done"
            self.tally.stopped = stopped
            self._changed(self.tally)

    def patiently(self, work: Callable[[], Result], is_up: Callable[[], bool]) -> Result:
        """The result of something that may be repeated; a CouchDB that doesn't answer is waited for.

        `is_up`: whether those that it asks answer at all. Raises Unreachable when that took too long, or
        when this very thing fails again and again, and Stopped when there is no use in waiting any more.
        """
        deadline, pause, failures = 0.0, 0.25, 0
        while True:
            try:
                return work()
            except Unreachable:
                failures = failures + 1 if is_up() else 0
                deadline = deadline or time.monotonic() + self.patience
                if failures >= _ATTEMPTS or time.monotonic() > deadline:
                    raise
            self._wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _wait(self, seconds: float) -> None:
        self._tell_waiting(True)
        self._stop.wait(seconds)
        self._tell_waiting(False)
        if self.stopping:
            raise Stopped

    def _tell_waiting(self, waiting: bool) -> None:
        with self._lock:
            self.tally.waiting = waiting
            self._changed(self.tally)


@dataclass(frozen=True)
class Patient:
    """Asks, and waits for a CouchDB that doesn't answer, as `Watch.patiently` does."""

    watch: Watch
    is_up: Callable[[], bool]

    def __call__(self, work: Callable[[], Result], /) -> Result:
        """The work's result. Raises Unreachable, Stopped."""
        return self.watch.patiently(work, self.is_up)

    def end_if_gone(self, error: ApiError | CouchError) -> None:
        """One box's trouble must not keep the others from their messages; without a CouchDB there is no going on."""
        if isinstance(error, Unreachable) and not self.is_up():
            raise error
