"""The progress of a backup, a restore or a check: counted while it works, shown on a terminal, stopped on request."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Never, TextIO

from tqdm import tqdm

from migration.progress import StoppableProgress
from migration.report import format_size

_SECONDS_BETWEEN_LINES = 30.0


@dataclass
class Tally:
    """Counts of what is done so far."""

    phase: str = "starting"
    databases_total: int = 0
    databases_done: int = 0
    documents_total: int = 0
    documents: int = 0
    recordings: int = 0
    bytes: int = 0
    """Bytes of recordings."""
    faults: list[str] = field(default_factory=list)
    """Sentences about what could not be read or written."""
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    is_waiting: bool = False
    """Whether it waits for a CouchDB that is away."""

    @property
    def seconds(self) -> float:
        """The time since the start."""
        return time.monotonic() - self.started


class Progress(StoppableProgress[Tally]):
    """Counts what a backup, a restore or a check does."""

    def __init__(self, on_change: Callable[[Tally], None] = lambda tally: None) -> None:
        super().__init__(Tally(), on_change)

    def expect(self, *, databases: int = 0, documents: int = 0) -> None:
        """Add to the totals."""
        with self._lock:
            self.tally.databases_total += databases
            self.tally.documents_total += documents
            self._on_change(self.tally)

    def add(self, *, databases: int = 0, documents: int = 0, recordings: int = 0, size: int = 0) -> None:
        """Count what is done; `size` in bytes of recordings."""
        with self._lock:
            tally = self.tally
            tally.databases_done += databases
            tally.documents += documents
            tally.recordings += recordings
            tally.bytes += size
            self._on_change(tally)

    def add_fault(self, sentence: str) -> None:
        """Note what could not be read or written."""
        with self._lock:
            self.tally.faults.append(sentence)

    def add_note(self, sentence: str) -> None:
        """Note what an operator should know."""
        with self._lock:
            self.tally.notes.append(sentence)


class Display:
    """Shows a tally on a terminal as a bar, else as a line now and then; or not at all."""

    def __init__(self, out: TextIO, *, quiet: bool) -> None:
        self._out, self._quiet = out, quiet
        self._phase, self._last_time = "", 0.0
        self._bar: tqdm[Never] | None = None
        if not quiet and out.isatty():
            self._bar = tqdm(total=0, unit="doc", file=out, dynamic_ncols=True, smoothing=0.05, leave=True)

    def show(self, tally: Tally) -> None:
        """Redraw the bar, or write a line if it is time for one."""
        if self._quiet:
            return
        phase = _describe_phase(tally)
        if self._bar is not None:
            self._bar.total = max(tally.documents_total, tally.documents)
            self._bar.set_description(phase, refresh=False)
            self._bar.set_postfix_str(", ".join(_describe_counts(tally)), refresh=False)
            self._bar.update(tally.documents - self._bar.n)
        elif phase != self._phase or time.monotonic() - self._last_time >= _SECONDS_BETWEEN_LINES:
            self._phase, self._last_time = phase, time.monotonic()
            self._out.write(f"{format_progress(tally)}\n")
            self._out.flush()

    def close(self) -> None:
        """Finish: no more updates follow."""
        if self._bar is not None:
            self._bar.refresh()
            self._bar.close()


def format_progress(tally: Tally) -> str:
    """The progress in a line: documents, databases, bytes, rate and time left."""
    rate = tally.documents / tally.seconds if tally.seconds else 0.0
    total = max(tally.documents_total, tally.documents)
    parts = [f"{tally.documents:,} of {total:,} documents", *_describe_counts(tally)]
    if rate:
        seconds_left = (total - tally.documents) / rate
        parts += [f"{rate:,.0f} documents per second", f"{tqdm.format_interval(seconds_left)} left"]
    return f"{_describe_phase(tally)}: {', '.join(parts)}"


def format_counts(tally: Tally) -> str:
    """What was done, in a sentence."""
    return (
        f"{tally.documents:,} documents of {tally.databases_done:,} databases, and {tally.recordings:,} recordings "
        f"({format_size(tally.bytes)}), in {tqdm.format_interval(tally.seconds)}."
    )


def _describe_counts(tally: Tally) -> list[str]:
    return [
        f"{tally.databases_done:,}/{tally.databases_total:,} databases",
        f"{tally.recordings:,} recordings",
        format_size(tally.bytes),
    ]


def _describe_phase(tally: Tally) -> str:
    return "waiting for CouchDB" if tally.is_waiting else tally.phase
