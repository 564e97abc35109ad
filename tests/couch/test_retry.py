"""Repeats after a lost race."""

import pytest

from couch.errors import Conflict
from couch.retry import paced_attempts, retry_on_conflict


def test_what_loses_a_race_is_repeated_until_it_wins() -> None:
    outcomes = iter([Conflict("first"), Conflict("second"), None])

    def attempt() -> str:
        if (error := next(outcomes)) is not None:
            raise error
        return "won"

    assert retry_on_conflict(attempt) == "won"


def test_the_last_conflict_is_raised() -> None:
    attempts: list[int] = []

    def attempt() -> None:
        attempts.append(len(attempts) + 1)
        raise Conflict(attempts[-1])

    with pytest.raises(Conflict, match="3"):
        retry_on_conflict(attempt, attempts=3)
    assert attempts == [1, 2, 3]


def test_other_errors_are_not_repeated() -> None:
    attempts: list[int] = []

    def attempt() -> None:
        attempts.append(1)
        raise ValueError("no race")

    with pytest.raises(ValueError, match="no race"):
        retry_on_conflict(attempt)
    assert attempts == [1]


def test_attempts_are_counted() -> None:
    assert list(paced_attempts(4)) == [1, 2, 3, 4]
