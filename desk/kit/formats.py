"""Text for stored times, lengths and other values. Times are in the time zone of the page (`desk.kit.times`)."""

import json
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from storage import gregorian, values


def format_number(number: float, decimals: int = 0) -> str:
    """A number with separators as the language has them: 1,000.5 in English, 1.000,5 in German."""
    return formats.number_format(number, decimals, use_l10n=True, force_grouping=True)


def format_time(gregorian_seconds: object) -> str:
    """A stored time as a date and time of day; empty if it is not a time."""
    moment = _local_time(gregorian_seconds)
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def format_date(gregorian_seconds: object) -> str:
    """A stored time as a date; empty if it is not a time."""
    moment = _local_time(gregorian_seconds)
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def iso_time(gregorian_seconds: object) -> str:
    """A stored time in ISO 8601, for programs; empty if it is not a time."""
    moment = _local_time(gregorian_seconds)
    return "" if moment is None else moment.isoformat()


def _local_time(gregorian_seconds: object) -> datetime | None:
    """A stored time in the page's time zone, or in UTC where that can't show it; None if it is not a time."""
    number = values.as_integer(gregorian_seconds)
    try:
        moment = None if number is None else gregorian.to_datetime(number)
    except ValueError:
        return None
    try:
        return None if moment is None else timezone.localtime(moment)
    except OverflowError:  # within hours of the ends of time
        return moment


def format_length(milliseconds: object) -> str:
    """A stored length as seconds, or as minutes and seconds; empty if it is not a number."""
    number = values.as_integer(milliseconds)
    if number is None:
        return ""
    minutes, seconds = divmod(round(number / 1000), 60)
    return (
        _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
        if minutes
        else _("%(seconds)s s") % {"seconds": format_number(number / 1000, 1)}
    )


def format_value(value: Any) -> str:
    """A JSON value in words: yes, no, empty, a dash for null, the entries of a list with commas between them."""
    if value in ("", [], {}):
        return _("empty")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(format_value, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return "—" if value is None else str(value)
