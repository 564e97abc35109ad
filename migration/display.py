"""Show the progress of a migration: a bar on a terminal, else a line now and then."""

import time
from typing import Protocol, TextIO

from tqdm import tqdm

from migration.progress import Tally
from migration.report import format_size

_SECONDS_BETWEEN_LINES = 30.0


class Display(Protocol):
    """Shows a tally."""

    def show(self, tally: Tally) -> None:
        """Redraw."""

    def close(self) -> None:
        """Finish: no more updates follow."""


class BarDisplay:
    """A line that is redrawn: part done, messages, rate, time left, accounts, bytes."""

    def __init__(self, out: TextIO) -> None:
        self._bar = tqdm(total=0, unit="msg", file=out, dynamic_ncols=True, smoothing=0.05, leave=True)

    def show(self, tally: Tally) -> None:
        """Redraw, at most several times a second."""
        self._bar.total = max(tally.messages_total, tally.messages_done)
        self._bar.set_description(_describe_phase(tally), refresh=False)
        accounts = f"{tally.accounts_done}/{tally.accounts_total} accounts"
        self._bar.set_postfix_str(f"{accounts}, {format_size(tally.bytes)}", refresh=False)
        self._bar.update(tally.messages_done - self._bar.n)
        if tally.is_waiting:
            self._bar.refresh()

    def close(self) -> None:
        """Leave the last state on the terminal."""
        self._bar.refresh()
        self._bar.close()


class LineDisplay:
    """A line at each new phase, and now and then."""

    def __init__(self, out: TextIO, seconds: float = _SECONDS_BETWEEN_LINES) -> None:
        self._out, self._seconds = out, seconds
        self._last_time = 0.0
        self._phase = ""

    def show(self, tally: Tally) -> None:
        """Write a line if it is time for one."""
        phase = _describe_phase(tally)
        if phase == self._phase and time.monotonic() - self._last_time < self._seconds:
            return
        self._phase, self._last_time = phase, time.monotonic()
        self._out.write(f"{format_progress(tally)}\n")
        self._out.flush()

    def close(self) -> None:
        """Nothing: all lines are complete."""


class NoDisplay:
    """Shows nothing."""

    def show(self, tally: Tally) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def choose_display(out: TextIO, *, quiet: bool) -> Display:
    """The display that suits the output."""
    if quiet:
        return NoDisplay()
    return BarDisplay(out) if out.isatty() else LineDisplay(out)


def format_progress(tally: Tally) -> str:
    """The progress in a line: messages, accounts, bytes, rate and time left."""
    rate = tally.messages_done / tally.seconds if tally.seconds else 0.0
    parts = [
        f"{tally.messages_done:,} of {tally.messages_total:,} messages",
        f"{tally.accounts_done:,} of {tally.accounts_total:,} accounts",
        format_size(tally.bytes),
    ]
    if tally.greetings:
        parts.insert(1, f"{tally.greetings.total():,} greetings")
    if rate:
        seconds_left = (tally.messages_total - tally.messages_done) / rate
        parts += [f"{rate:,.0f} messages per second", f"{tqdm.format_interval(seconds_left)} left"]
    return f"{_describe_phase(tally)}: {', '.join(parts)}"


def _describe_phase(tally: Tally) -> str:
    return "waiting for CouchDB" if tally.is_waiting else tally.phase
