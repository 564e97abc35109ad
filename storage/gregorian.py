"""Gregorian seconds, the unit of time in Kazoo's documents: seconds since the year 0, UTC.

A month is written ``YYYYMM``, as in the names of MODbs and the ids of messages.
"""

import calendar
import time
from datetime import UTC, datetime

UNIX_OFFSET = 62_167_219_200
# datetime has the years 1 to 9999; a time outside them is no time of a message.
FIRST = UNIX_OFFSET + int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
LAST = UNIX_OFFSET + int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def now() -> int:
    """Return the current time in Gregorian seconds."""
    return int(time.time()) + UNIX_OFFSET


def now_with_fraction() -> float:
    """Return the current time in Gregorian seconds, to the millisecond."""
    return round(time.time() + UNIX_OFFSET, 3)


def to_datetime(seconds: int) -> datetime:
    """Return Gregorian seconds as an aware UTC datetime; ValueError outside the years 1 to 9999."""
    if not FIRST <= seconds <= LAST:
        raise ValueError(f"{seconds} is no Gregorian time between the years 1 and 9999")
    return datetime.fromtimestamp(seconds - UNIX_OFFSET, UTC)


def from_datetime(moment: datetime) -> int:
    """Return an aware datetime as Gregorian seconds, without fractions."""
    return int(moment.timestamp()) + UNIX_OFFSET


def month_of(seconds: int) -> str:
    """Return the month ``YYYYMM`` of a time; ValueError outside the years 1 to 9999."""
    moment = to_datetime(seconds)
    return f"{moment.year:04d}{moment.month:02d}"


def nearest_month(seconds: int) -> str:
    """Return the month of any time a client may send: outside the years 1 to 9999, the first or last month."""
    return month_of(min(max(seconds, FIRST), LAST))


def month_bounds(month: str) -> tuple[int, int]:
    """Return the first and last second of a month ``YYYYMM``."""
    year, number = int(month[:4]), int(month[4:])
    days = calendar.monthrange(year, number)[1]
    first = from_datetime(datetime(year, number, 1, tzinfo=UTC))
    return first, first + days * 86_400 - 1


def list_months(first: int, last: int, limit: int) -> list[str]:
    """Return the months ``YYYYMM`` of a time range, the earliest first; if there are more than `limit`, one more."""
    months, last_month = [nearest_month(first)], nearest_month(last)
    while months[-1] < last_month and len(months) <= limit:
        months.append(next_month(months[-1]))
    return months


def next_month(month: str) -> str:
    """Return the month after ``YYYYMM``."""
    year, number = int(month[:4]), int(month[4:])
    return f"{year + 1:04d}01" if number == 12 else f"{year:04d}{number + 1:02d}"
