"""Conditional and partial requests (RFC 9110): If-Match, If-None-Match, Range; and names of downloads."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from crossbar.errors import PreconditionFailed, RangeNotSatisfiable

_SINGLE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)
_MAX_DIGITS = 18


class ByteRange(NamedTuple):
    """The first and last byte of a part, counted from 0."""

    first: int
    last: int


def require_match(request: Request | HttpRequest, revision: str | None) -> None:
    """Raise PreconditionFailed if a request's If-Match names other revisions than the stored one."""
    condition = request.META.get("HTTP_IF_MATCH")
    if condition is not None and not _names_revision(condition, revision):
        raise PreconditionFailed()


def has_current(request: Request | HttpRequest, revision: str) -> bool:
    """Whether the client has this revision already, by its If-None-Match."""
    condition = request.META.get("HTTP_IF_NONE_MATCH")
    return condition is not None and request.method in ("GET", "HEAD") and _names_revision(condition, revision)


def not_modified(etag: str) -> HttpResponse:
    """Return a 304 with an ETag."""
    response = HttpResponse(status=304, headers={"ETag": etag})
    del response.headers["Content-Type"]
    return response


def _names_revision(condition: str, revision: str | None) -> bool:
    """Whether an If-Match or If-None-Match names a revision; Kazoo's clients also send it without quotes."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")]
    return "*" in tags or revision in tags


def file_response(
    request: Request | HttpRequest,
    *,
    digest: str,
    content_type: str,
    length: int,
    read: Callable[[ByteRange | None], Iterable[bytes]],
) -> HttpResponseBase:
    """Return a file, or the part of it that a Range names; 304 if the client has it.

    `digest` tells its versions apart, `length` is in bytes. `read` opens the file, or a part of it, and is not called
    for a HEAD. Raises PreconditionFailed, RangeNotSatisfiable.
    """
    etag = f'"{digest}"'
    require_match(request, digest)
    if has_current(request, digest):
        return not_modified(etag)
    part = parse_range(request, length, etag)
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": content_type}
    if part is None:
        status, headers["Content-Length"] = 200, str(length)
    else:
        status, headers["Content-Length"] = 206, str(part.last - part.first + 1)
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{length}"
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    return StreamingHttpResponse(read(part), status=status, headers=headers)


def parse_range(request: Request | HttpRequest, length: int, etag: str) -> ByteRange | None:
    """Return the part that a request names of a file of `length` bytes; None for all of it.

    Several ranges at once and malformed ones mean the whole file, as does an If-Range for another version.
    Raises RangeNotSatisfiable.
    """
    match = _SINGLE_RANGE.fullmatch(request.META.get("HTTP_RANGE", ""))
    if match is None or request.META.get("HTTP_IF_RANGE", etag) != etag:
        return None
    first, last = match.groups()
    if len(first) > _MAX_DIGITS or len(last) > _MAX_DIGITS or not (first or last):
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


def content_disposition(filename: str) -> str:
    """A Content-Disposition for a download, whose name has no character that needs quotes."""
    if filename.isascii():
        return f"attachment; filename={filename}"
    ascii_name = filename.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename={ascii_name}; filename*=UTF-8''{quote(filename, safe='+')}"
