"""Days on which an account got ten times as many messages as on a usual one: a broken script, or an attack."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

FACTOR = 10
SHOWN_DAYS = 7
USUAL_DAYS = 28
"""A usual day is the mean of so many days before."""
READ_DAYS = SHOWN_DAYS + USUAL_DAYS
_MIN_KNOWN_DAYS = 7


@dataclass(frozen=True)
class OddDay:
    """A day, its messages, and those of a usual day."""

    day: date
    messages: int
    usual: int


def find_odd_days(messages: Mapping[date, int], today: date, created: date) -> Iterator[OddDay]:
    """Yield the odd ones of the last days, the latest first.

    `messages` are those of the last `READ_DAYS` days. An account that usually gets fewer than one a day counts as if
    it got one. What is usual for an account is not known in its first week.
    """
    for age in range(SHOWN_DAYS):
        day = today - timedelta(days=age)
        known_days = min((day - created).days, USUAL_DAYS)
        if known_days < _MIN_KNOWN_DAYS:
            continue
        before = sum(messages.get(day - timedelta(days=number), 0) for number in range(1, known_days + 1))
        usual = max(before / known_days, 1)
        if messages.get(day, 0) >= FACTOR * usual:
            yield OddDay(day, messages[day], round(usual))
