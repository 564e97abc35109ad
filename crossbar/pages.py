"""Pages of listings: how large, from where, which way, over what time."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from crossbar.errors import FaultyRequest, ValidationFailed

DEFAULT_SIZE = 50
MAX_RANGE = 2_682_000  # 31 days and an hour, Kazoo's limit
_LARGEST_SIZE = 10_000
_LONGEST_KEY = 4_000
_LAST_TIME = 400_000_000_000  # past the year 9999 in Gregorian seconds


@dataclass(frozen=True)
class PageRequest:
    """Which page a client asks for."""

    size: int | None = DEFAULT_SIZE
    """How many entries at most; None for all."""
    start_key: Any = None
    """The decoded start key of the page; None for the first one."""
    descending: bool = True
    wrapped: bool = False
    """Whether `paginate=true` was said: the API document's own shape of a page."""

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], default_size: int = DEFAULT_SIZE, *, descending: bool = True
    ) -> "PageRequest":
        """Read ``page_size``, ``paginate``, ``start_key``, ``ascending``, ``descending``; FaultyRequest."""
        paginate = query.get("paginate", "").lower()
        start_key = query.get("start_key")
        return cls(
            size=None if paginate == "false" else _size(query.get("page_size"), default_size),
            start_key=decode_start_key(start_key) if start_key else None,
            descending=_direction(query, descending),
            wrapped=paginate == "true",
        )


@dataclass(frozen=True)
class TimeRange:
    """From and to, in Gregorian seconds, both included."""

    first: int
    last: int
    is_open: bool = field(default=False, compare=False)
    """Whether it begins where it does because nobody said where."""


def time_range(query: Mapping[str, str], *, now: int, default_from: int, max_range: int = MAX_RANGE) -> TimeRange:
    """The range that ``created_from`` and ``created_to`` ask for; ValidationFailed ``created_from`` → date_range.

    Without `created_from` it begins at `default_from`, however long that is.
    """
    said_first, said_last = query.get("created_from"), query.get("created_to")
    last = _time("created_to", said_last, now)
    if not said_first:
        first = min(default_from, last) if said_last else default_from
        return TimeRange(first, last, is_open=True)
    first = _time("created_from", said_first, now)
    if not said_last:
        last = min(now, first + max_range) if first <= now else first
    if first > last:
        message = "created_from is prior to created_to"
        raise ValidationFailed.field("created_from", "date_range", message, value=first)
    if last - first > max_range:
        message = f"Max range is {max_range} seconds"
        raise ValidationFailed.field("created_from", "date_range", message, target=max_range, value=first)
    return TimeRange(first, last)


def encode_start_key(value: Any) -> str:
    """A start key for a client: opaque, and safe in a URL as it is."""
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode("ascii").rstrip("=")


def decode_start_key(text: str) -> Any:
    """What `encode_start_key` made a text of; FaultyRequest for any other."""
    try:
        if len(text) > _LONGEST_KEY:
            raise ValueError("too long")
        padded = text + "=" * (-len(text) % 4)
        return orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise FaultyRequest("invalid start key") from error


def _size(said: str | None, default: int) -> int:
    if said is None or said == "":
        return default
    if not said.isascii() or not said.isdigit() or len(said) > 9 or int(said) < 1:
        raise FaultyRequest("invalid page size")
    return min(int(said), _LARGEST_SIZE)


def _direction(query: Mapping[str, str], default: bool) -> bool:
    for name, descending in (("ascending", False), ("descending", True)):
        said = query.get(name, "").lower()
        if said in ("true", "false"):
            return descending if said == "true" else not descending
    return default


def _time(name: str, said: str | None, default: int) -> int:
    if not said:
        return default
    if not said.isascii() or not said.isdigit() or int(said[:20]) > _LAST_TIME:
        message = "Value is not a time in Gregorian seconds"
        raise ValidationFailed.field("created_from", "date_range", message, cause=name, value=said)
    return int(said)
