"""Text for stored times, lengths and other values."""

import json
from typing import Any

from storage import gregorian, values


def format_time(gregorian_seconds: object) -> str:
    """A stored time as a date and time of day in UTC; empty if it is not a time."""
    return _format_utc(gregorian_seconds, "%Y-%m-%d %H:%M:%S")


def format_date(gregorian_seconds: object) -> str:
    """A stored time as a date in UTC; empty if it is not a time."""
    return _format_utc(gregorian_seconds, "%Y-%m-%d")


def _format_utc(gregorian_seconds: object, pattern: str) -> str:
    number = values.as_integer(gregorian_seconds)
    try:
        return "" if number is None else format(gregorian.to_datetime(number), pattern)
    except ValueError:
        return ""


def format_length(milliseconds: object) -> str:
    """A stored length as seconds, or as minutes and seconds; empty if it is not a number."""
    number = values.as_integer(milliseconds)
    if number is None:
        return ""
    minutes, seconds = divmod(round(number / 1000), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{number / 1000:.1f} s"


def format_value(value: Any) -> str:
    """A JSON value in words: yes, no, empty, a dash for null, the entries of a list with commas between them."""
    if value in ("", [], {}):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(format_value, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return "—" if value is None else str(value)
