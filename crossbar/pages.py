"""Pages of listings: their size, where they start, in which order, and over which time."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from crossbar.errors import FaultyRequest, ValidationFailed

DEFAULT_SIZE = 50
MAX_RANGE = 2_682_000  # 31 days and an hour, Kazoo's limit
_LONG_SIZE = 500
_MAX_SIZE = 10_000
_MAX_KEY_LENGTH = 4_000
_MAX_TIME = 400_000_000_000  # past the year 9999 in Gregorian seconds

Entry = TypeVar("Entry")


class InvalidStartKey(FaultyRequest):
    """A start key that isn't one of this listing."""

    def __init__(self) -> None:
        super().__init__("invalid start key")


class RowKey(NamedTuple):
    """Where a page of a view's rows starts: a row's key, and the id of its document."""

    key: Any
    doc_id: str

    def encode(self) -> str:
        """Return it as a start key for a client."""
        return encode_start_key([*self])


@dataclass(frozen=True)
class Page(Generic[Entry]):
    """Entries of a listing, and the start key of the next page; None on the last one."""

    entries: list[Entry]
    next_start_key: str | None
    is_cut: bool = False
    """Whether the page ends because enough was read, full or not."""


@dataclass(frozen=True)
class PageRequest:
    """The page that a client requests."""

    size: int | None = DEFAULT_SIZE
    """How many entries at most; None for all."""
    start_key: Any = None
    """The decoded start key of the page; None for the first one."""
    descending: bool = True
    is_paginated: bool = False
    """Whether the client said ``paginate=true``, which has a shape of its own in the API document."""

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], default_size: int = DEFAULT_SIZE, *, descending: bool = True
    ) -> "PageRequest":
        """Parse ``page_size``, ``paginate``, ``start_key``, ``ascending``, ``descending``; raises FaultyRequest."""
        paginate = query.get("paginate", "").lower()
        start_key = query.get("start_key")
        return cls(
            size=None if paginate == "false" else _parse_size(query.get("page_size"), default_size),
            start_key=decode_start_key(start_key) if start_key else None,
            descending=_parse_direction(query, descending),
            is_paginated=paginate == "true",
        )

    def row_key(self, prefix: Sequence[Any] = ()) -> RowKey | None:
        """Return the row at which the page starts; None for the first page.

        Raises InvalidStartKey, also for a row whose key doesn't start with `prefix`: a start key of another listing
        would show more than the caller may see.
        """
        match self.start_key:
            case None:
                return None
            case [key, str(doc_id)] if not prefix or (isinstance(key, list) and key[: len(prefix)] == [*prefix]):
                return RowKey(key, doc_id)
        raise InvalidStartKey()


@dataclass(frozen=True)
class TimeRange:
    """From and to, in Gregorian seconds, both included."""

    first: int
    last: int
    is_open: bool = field(default=False, compare=False)
    """Whether the client left its start open."""


def has_long_pages(query: Mapping[str, str]) -> bool:
    """Return whether a listing isn't paged, or in pages far larger than usual."""
    size = query.get("page_size", "")
    is_long = size.isascii() and size.isdigit() and (len(size) > 9 or int(size) > _LONG_SIZE)
    return is_long or query.get("paginate", "").lower() == "false"


def parse_time_range(
    query: Mapping[str, str], *, now: int, default_from: int, max_range: int = MAX_RANGE
) -> TimeRange:
    """Return the range of ``created_from`` and ``created_to``; raises ValidationFailed.

    Without `created_from` it starts at `default_from`, however long it is then.
    """
    created_from, created_to = query.get("created_from"), query.get("created_to")
    last = _parse_time("created_to", created_to, now)
    if not created_from:
        first = min(default_from, last) if created_to else default_from
        return TimeRange(first, last, is_open=True)
    first = _parse_time("created_from", created_from, now)
    if not created_to:
        last = min(now, first + max_range) if first <= now else first
    if first > last:
        message = "created_from is prior to created_to"
        raise ValidationFailed.field("created_from", "date_range", message, value=first)
    if last - first > max_range:
        message = f"Max range is {max_range} seconds"
        raise ValidationFailed.field("created_from", "date_range", message, target=max_range, value=first)
    return TimeRange(first, last)


def encode_start_key(value: Any) -> str:
    """Return a start key for a client: opaque, and safe in a URL as it is."""
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode("ascii").rstrip("=")


def decode_start_key(text: str) -> Any:
    """Return the value of a start key; raises InvalidStartKey."""
    if len(text) > _MAX_KEY_LENGTH:
        raise InvalidStartKey()
    try:
        padded = text + "=" * (-len(text) % 4)
        return orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise InvalidStartKey() from error


def _parse_size(text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise FaultyRequest("invalid page size")
    return min(int(text), _MAX_SIZE)


def _parse_direction(query: Mapping[str, str], default: bool) -> bool:
    """Whether a listing is descending."""
    for name, descending in (("ascending", False), ("descending", True)):
        flag = query.get(name, "").lower()
        if flag in ("true", "false"):
            return descending if flag == "true" else not descending
    return default


def _parse_time(name: str, text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text[:20]) > _MAX_TIME:
        message = "Value is not a time in Gregorian seconds"
        raise ValidationFailed.field("created_from", "date_range", message, cause=name, value=text)
    return int(text)
