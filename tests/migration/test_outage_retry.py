"""What is repeated while a CouchDB is away, and when it is given up."""

from collections.abc import Callable, Iterator

import pytest

from couch.errors import CircuitOpen, NotFound, TimedOut, Unreachable
from migration.outages import OutageRetry
from migration.progress import Progress


class Hurried(Progress):
    """A progress that doesn't wait."""

    def wait(self, seconds: float) -> None:
        """Go on at once."""


def failing(errors: list[Unreachable]) -> Callable[[], str]:
    """Work that fails with one error after the other, and then succeeds."""
    remaining: Iterator[Unreachable] = iter(errors)

    def work() -> str:
        for error in remaining:
            raise error
        return "done"

    return work


def test_work_that_fails_while_couchdb_answers_is_given_up() -> None:
    retry = OutageRetry(Hurried(), lambda: True)
    assert retry(failing([TimedOut("x")] * 4)) == "done"
    with pytest.raises(TimedOut):
        retry(failing([TimedOut("x")] * 5))


def test_work_that_was_not_sent_is_not_given_up() -> None:
    assert OutageRetry(Hurried(), lambda: True)(failing([CircuitOpen(5)] * 50)) == "done"


def test_an_outage_is_no_failure_of_an_account() -> None:
    up, down = OutageRetry(Hurried(), lambda: True), OutageRetry(Hurried(), lambda: False)
    for retry, error in ((up, CircuitOpen(5)), (down, CircuitOpen(5)), (down, TimedOut("x"))):
        with pytest.raises(type(error)):
            retry.reraise_outage(error)
    up.reraise_outage(TimedOut("x"))
    down.reraise_outage(NotFound("x"))
