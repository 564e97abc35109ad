"""Gregorian seconds: the only unit of time in Kazoo's documents, seconds since year 0, UTC.

Everything that turns clock time into Gregorian seconds, or those into months, is here.
A month is written ``YYYYMM``, as in the names of MODbs and the ids of messages.
"""

import calendar
import time
from datetime import UTC, datetime

UNIX_OFFSET = 62_167_219_200
# Years 1 to 9999 are what datetime can tell; a time outside them is no time of a message.
FIRST = UNIX_OFFSET + int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
LAST = UNIX_OFFSET + int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def now() -> int:
    """The current time in Gregorian seconds."""
    return int(time.time()) + UNIX_OFFSET


def to_datetime(seconds: int) -> datetime:
    """Gregorian seconds as an aware UTC datetime; ValueError outside the years 1 to 9999."""
    if not FIRST <= seconds <= LAST:
        raise ValueError(f"{seconds} is no Gregorian time between the years 1 and 9999")
    return datetime.fromtimestamp(seconds - UNIX_OFFSET, UTC)


def from_datetime(moment: datetime) -> int:
    """An aware datetime as Gregorian seconds, fractions dropped."""
    return int(moment.timestamp()) + UNIX_OFFSET


def month_of(seconds: int) -> str:
    """The month, ``YYYYMM``, that a time lies in; ValueError outside the years 1 to 9999."""
    moment = to_datetime(seconds)
    return f"{moment.year:04d}{moment.month:02d}"


def nearest_month(seconds: int) -> str:
    """The month of a time that anybody may ask for: outside the years 1 to 9999, the first or last there is."""
    return month_of(min(max(seconds, FIRST), LAST))


def month_bounds(month: str) -> tuple[int, int]:
    """First and last second of a month ``YYYYMM``."""
    year, number = int(month[:4]), int(month[4:])
    days = calendar.monthrange(year, number)[1]
    first = from_datetime(datetime(year, number, 1, tzinfo=UTC))
    return first, first + days * 86_400 - 1


def months(first: int, last: int, most: int) -> list[str]:
    """The months ``YYYYMM`` that a time range touches, the earliest first; of a longer one, one more than `most`."""
    found, until = [nearest_month(first)], nearest_month(last)
    while found[-1] < until and len(found) <= most:
        found.append(next_month(found[-1]))
    return found


def next_month(month: str) -> str:
    """The month after ``YYYYMM``."""
    year, number = int(month[:4]), int(month[4:])
    return f"{year + 1:04d}01" if number == 12 else f"{year:04d}{number + 1:02d}"
