"""What goes wrong when CouchDB is asked.

CouchError
├── NotFound          404: no such document or attachment
│   └── MissingDatabase    the database itself is not there
├── MissingView       the database is there, the view is not
├── Conflict          409: the revision is no longer current, or the id is taken
├── TooLarge          413: more than CouchDB's own limits allow
├── Rejected          any other refusal; `status` says which
└── Unreachable       no answer, or none that helps: nobody listens, the connection broke, 401, 429, 5xx, no JSON
    ├── NotConnected       nothing was sent, so that a repeat does no harm
    ├── Unauthorized       401: COUCHDB_URL has no good credentials
    ├── TimedOut           somebody listens, but took too long; a repeat at once would only double the wait
    └── CircuitOpen        not asked: requests timed out in a row (`couch.breaker`)

NotFound and Conflict are python-couchdb's exceptions as well: its own methods catch them by those names.
CouchDB's wording of reasons is never looked at, since it differs between versions.
"""

import logging
from urllib.parse import urlsplit

from couchdb import http

logger = logging.getLogger(__name__)

_LOGGED_SEGMENTS = 4  # of a path: database, design, view; no keys, which may be somebody's phone number
_LOGGED_BYTES = 300


class CouchError(Exception):
    """The base of all exceptions of this package."""


class NotFound(CouchError, http.ResourceNotFound):  # type: ignore[misc]  # python-couchdb has no types
    """A 404 of CouchDB's."""


class MissingDatabase(NotFound):
    """There is no database of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class MissingView(CouchError):
    """The database lacks the view, or the whole design document."""


class Conflict(CouchError, http.ResourceConflict):  # type: ignore[misc]  # python-couchdb has no types
    """Another writer was quicker."""


class TooLarge(CouchError):
    """CouchDB does not take that many bytes."""


class Rejected(CouchError):
    """CouchDB refuses the request for another reason."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Unreachable(CouchError):
    """No answer, or none that helps."""


class NotConnected(Unreachable):
    """No connection could be made."""


class Unauthorized(Unreachable):
    """CouchDB does not accept the credentials."""


class TimedOut(Unreachable):
    """The connection was made, or waited for, and nothing came in time."""


class CircuitOpen(Unreachable):
    """The server was silent for several requests in a row, and is not asked again before `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"silent before, not asked again for {retry_after} s")
        self.retry_after = retry_after


def error_for_status(status: int, method: str, url: str, content: bytes) -> CouchError:
    """The exception for CouchDB's refusal. The path is logged, the query and bodies are not."""
    if status == 404:
        return NotFound(url_path(url))
    if status == 409:
        return Conflict(url_path(url))
    if status == 413:
        return TooLarge(url_path(url))
    # 412 is the everyday answer to a database that is created twice.
    level = logging.DEBUG if status == 412 else logging.ERROR
    logger.log(level, "CouchDB answered %s to %s %s: %s", status, method, url_path(url), content[:_LOGGED_BYTES])
    if status == 401:
        return Unauthorized("status 401")
    is_temporary = status == 429 or (status >= 500 and status != 501)  # 501: it knows no such request
    return Unreachable(f"status {status}") if is_temporary else Rejected(status)


def url_path(url: str) -> str:
    """The path of a URL as far as it may be logged."""
    return "/".join(urlsplit(url).path.split("/")[: _LOGGED_SEGMENTS + 1])
