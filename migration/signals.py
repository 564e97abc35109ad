"""Ending a migration from outside: Ctrl-C, or whoever ends its process."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from migration.progress import Watch


@contextmanager
def stopping(watch: Watch) -> Iterator[list[int]]:
    """Within, SIGINT and SIGTERM stop the watch; the second one ends everything. The list tells which came."""
    came: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        came.append(number)
        watch.stop()
        for each, old in before.items():
            signal.signal(each, old)

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for each, old in before.items():
            signal.signal(each, old)
