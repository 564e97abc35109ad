"""Byte ranges and conditions of requests for files (RFC 9110)."""

import re
from typing import NamedTuple

from django.http import HttpRequest
from django.utils.http import parse_etags
from rest_framework.request import Request

from crossbar.errors import RangeNotSatisfiable

_SINGLE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)
_MOST_DIGITS = 18


class ByteRange(NamedTuple):
    """The first and last byte of a part, counted from 0."""

    first: int
    last: int


def wanted_range(request: Request | HttpRequest, length: int, etag: str) -> ByteRange | None:
    """The part that a request asks for of a file of `length` bytes; None for all of it.

    Several ranges at once, and what is no range, get the whole file, as does an If-Range for another version.
    Raises RangeNotSatisfiable.
    """
    match = _SINGLE.fullmatch(request.headers.get("Range", ""))
    if match is None or match.group() == "" or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = match.groups()
    if len(first) > _MOST_DIGITS or len(last) > _MOST_DIGITS or not (first or last):
        return None
    if not first:
        start, end = max(length - int(last), 0), length - 1
    else:
        start, end = int(first), min(int(last), length - 1) if last else length - 1
        if last and int(last) < start:
            return None
    if start >= length:
        raise RangeNotSatisfiable(length)
    return ByteRange(start, end)


def has_it_already(request: Request | HttpRequest, etag: str) -> bool:
    """Whether the client holds this version, by its If-None-Match."""
    known = [one.removeprefix("W/") for one in parse_etags(request.headers.get("If-None-Match", ""))]
    return "*" in known or etag in known
