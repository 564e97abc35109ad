"""Showing how a migration is going: a bar on a terminal, a line once in a while elsewhere."""

import time
from typing import Protocol, TextIO

from tqdm import tqdm

from migration.progress import Tally
from migration.reporting import size

_SECONDS_BETWEEN_LINES = 30.0


class Display(Protocol):
    """Shows a tally."""

    def show(self, tally: Tally) -> None:
        """It has changed."""

    def close(self) -> None:
        """It won't any more."""


class Bar:
    """One line that is written anew: part done, messages, rate, time left, accounts, bytes."""

    def __init__(self, out: TextIO) -> None:
        self._bar = tqdm(total=0, unit="msg", file=out, dynamic_ncols=True, smoothing=0.05, leave=True)

    def show(self, tally: Tally) -> None:
        """Write it anew, but not more often than eyes can follow."""
        self._bar.total = max(tally.messages, tally.messages_done)
        self._bar.set_description("waiting for CouchDB" if tally.waiting else tally.phase, refresh=False)
        accounts = f"{tally.accounts_done}/{tally.accounts} accounts"
        self._bar.set_postfix_str(f"{accounts}, {size(tally.bytes)}", refresh=False)
        self._bar.update(tally.messages_done - self._bar.n)
        if tally.waiting:
            self._bar.refresh()

    def close(self) -> None:
        """Leave the last state on the terminal."""
        self._bar.refresh()
        self._bar.close()


class Lines:
    """A line at each new part of the work, and once in a while."""

    def __init__(self, out: TextIO, seconds: float = _SECONDS_BETWEEN_LINES) -> None:
        self._out, self._seconds = out, seconds
        self._last = 0.0
        self._phase = ""

    def show(self, tally: Tally) -> None:
        """Write a line, if it is time for one."""
        phase = "waiting for CouchDB" if tally.waiting else tally.phase
        if phase == self._phase and time.monotonic() - self._last < self._seconds:
            return
        self._phase, self._last = phase, time.monotonic()
        self._out.write(f"{line(tally)}\n")
        self._out.flush()

    def close(self) -> None:
        """Each line stands for itself."""


class Nothing:
    """Shows nothing."""

    def show(self, tally: Tally) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def line(tally: Tally) -> str:
    """How far it is, in a line: messages, accounts, bytes, rate and time left."""
    rate = tally.messages_done / tally.seconds if tally.seconds else 0.0
    left = (tally.messages - tally.messages_done) / rate if rate else 0.0
    phase = "waiting for CouchDB" if tally.waiting else tally.phase
    told = [
        f"{tally.messages_done:,} of {tally.messages:,} messages",
        f"{tally.accounts_done:,} of {tally.accounts:,} accounts",
        size(tally.bytes),
    ]
    if rate:
        told += [f"{rate:,.0f} messages a second", f"{tqdm.format_interval(left)} left"]
    return f"{phase}: {', '.join(told)}"


def display(out: TextIO, *, quiet: bool) -> Display:
    """What fits where it is shown."""
    if quiet:
        return Nothing()
    return Bar(out) if out.isatty() else Lines(out)
