"""What an HTTP answer makes of an exception: the one table from CouchDB's errors to the API's."""

from collections.abc import Callable
from typing import Any

from couch.errors import CircuitOpen, Conflict, CouchError, MissingDatabase, MissingView, TooLarge, Unreachable
from crossbar import errors
from crossbar import exception_handler as crossbar_handler
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import ApiError

_API_ERRORS: tuple[tuple[type[CouchError], Callable[[Any], ApiError]], ...] = (
    (MissingDatabase, lambda error: errors.BadIdentifier(error.name)),
    (MissingView, lambda error: errors.DatastoreMissingView()),
    (Conflict, lambda error: errors.DatastoreConflict()),
    (TooLarge, lambda error: errors.RequestTooLarge(None)),
    (CircuitOpen, lambda error: errors.DatastoreUnreachable(error.retry_after)),
    (Unreachable, lambda error: errors.DatastoreUnreachable()),
)


def exception_handler(error: Exception, context: dict[str, Any]) -> EnvelopeResponse:
    """DRF's EXCEPTION_HANDLER: return the error envelope of a view's exception."""
    return crossbar_handler.exception_handler(api_error(error) if isinstance(error, CouchError) else error, context)


def api_error(error: ApiError | CouchError) -> ApiError:
    """The API's error for one of CouchDB's; a refusal that no caller expected is a fault of ours."""
    if isinstance(error, ApiError):
        return error
    for kind, translate in _API_ERRORS:
        if isinstance(error, kind):
            return translate(error)
    return errors.UnspecifiedFault()
