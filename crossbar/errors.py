"""What can go wrong, as one hierarchy. Raised where it is found, turned into an envelope in one place.

ApiError
├── ValidationFailed 400   ├── FaultyRequest 400        ├── InvalidCredentials 401  ├── Forbidden 403
├── BadIdentifier 404      ├── NotFound 404             ├── InvalidMethod 405       ├── NotAcceptable 406
├── DatastoreConflict 409  ├── PreconditionFailed 412   ├── RequestTooLarge 413     ├── UnsupportedMediaType 415
├── RangeNotSatisfiable 416 ├── TooManyRequests 429     ├── UnspecifiedFault 500    ├── DatastoreMissingView 503
└── DatastoreUnreachable 503  └── ServerBusy 503
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation, TooManyFieldsSent
from django.http import Http404, HttpResponse
from rest_framework import exceptions as drf

from crossbar.envelope_format import build_envelope, to_json

logger = logging.getLogger(__name__)


class ApiError(Exception):
    """An error with its place in the error envelope: HTTP status, message, data and extra headers.

    Data that nobody gives holds the message in words.
    """

    status = 500
    message = "unspecified_fault"

    def __init__(
        self, message: str | None = None, *, data: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.message = message or type(self).message
        self.data: dict[str, Any] = {"message": self.message.replace("_", " ")} if data is None else data
        self.headers: dict[str, str] = headers or {}
        super().__init__(self.message)


class ValidationFailed(ApiError):
    """The request's content breaks rules: ``{field path: {rule: {"message": ..., ...}}}``, every failing field."""

    status = 400
    message = "validation error"

    def __init__(self, errors: dict[str, dict[str, dict[str, Any]]]) -> None:
        super().__init__(data=errors)

    @classmethod
    def field(cls, path: str, rule: str, message: str, **details: Any) -> "ValidationFailed":
        """One field that breaks one rule; details are `target`, `value`, `cause`."""
        return cls({path: {rule: {"message": message, **details}}})


class FaultyRequest(ApiError):
    """The request's parameters make no sense; the message says which."""

    status = 400
    message = "faulty_request"

    def __init__(self, message: str) -> None:
        super().__init__(data={"message": message})


class InvalidCredentials(ApiError):
    """No token, or one that is no longer good."""

    status = 401
    message = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__(data={"message": "invalid credentials"})


class Forbidden(ApiError):
    """Known, but not allowed."""

    status = 403
    message = "forbidden"

    def __init__(self) -> None:
        super().__init__(data={"message": "forbidden"})


class BadIdentifier(ApiError):
    """No such document for this caller; `cause` is the id, or what is wrong with it."""

    status = 404
    message = "bad_identifier"

    def __init__(self, cause: str) -> None:
        super().__init__(data={"message": "bad identifier", "cause": cause})


class NotFound(ApiError):
    """No such path; `cause` is what the client was probably looking for, where that is known."""

    status = 404
    message = "not_found"

    def __init__(self, cause: str | None = None) -> None:
        super().__init__(data={"message": "not found"} | ({} if cause is None else {"cause": cause}))


class InvalidMethod(ApiError):
    """A known path that lacks the verb."""

    status = 405
    message = "invalid_method"

    def __init__(self) -> None:
        super().__init__(data={"message": "method not allowed"})


class NotAcceptable(ApiError):
    """No way to answer in a form that the Accept header takes."""

    status = 406
    message = "not_acceptable"


class DatastoreConflict(ApiError):
    """Another writer was quicker."""

    status = 409
    message = "datastore_conflict"

    def __init__(self) -> None:
        super().__init__(data={"message": "conflicting documents"})


class PreconditionFailed(ApiError):
    """If-Match names a revision that is no longer current."""

    status = 412
    message = "precondition_failed"


class RequestTooLarge(ApiError):
    """A body over the limit (bytes), when it is known."""

    status = 413
    message = "request_too_large"

    def __init__(self, limit: int | None) -> None:
        super().__init__(data={"message": "request body too large"} | ({} if limit is None else {"limit": limit}))


class UnsupportedMediaType(ApiError):
    """A body of a type that this path doesn't take."""

    status = 415
    message = "unsupported_media_type"


class RangeNotSatisfiable(ApiError):
    """A Range beyond the end of what there is, `length` bytes."""

    status = 416
    message = "range_not_satisfiable"

    def __init__(self, length: int | None) -> None:
        headers = {} if length is None else {"Content-Range": f"bytes */{length}"}
        super().__init__(data={"message": "requested range not satisfiable"}, headers=headers)


class TooManyRequests(ApiError):
    """Wait `retry_after` seconds."""

    status = 429
    message = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(data={"message": "too many requests"}, headers={"Retry-After": str(retry_after)})


class UnspecifiedFault(ApiError):
    """A fault of ours: the log has it, the client gets no detail."""


class DatastoreMissingView(ApiError):
    """The database lacks a view: sync_views puts it back."""

    status = 503
    message = "datastore_missing_view"


class DatastoreUnreachable(ApiError):
    """CouchDB is down or slow; worth another try after `retry_after` seconds."""

    status = 503
    message = "datastore_unreachable"

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__(data={"message": "datastore unreachable"}, headers={"Retry-After": str(retry_after)})


class ServerBusy(ApiError):
    """More work than this server takes on at a time; worth another try after `retry_after` seconds."""

    status = 503
    message = "server_busy"

    def __init__(self, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's hook: any exception of a view as an error envelope; what nobody foresaw is logged and told as 500."""
    request = context["request"]
    known = _as_api_error(error)
    if known is None:
        logger.exception("Unforeseen error in %s %s", request.method, request.path)
        known = UnspecifiedFault()
    token = getattr(context.get("view"), "auth_token", None)
    return error_response(known, request, auth_token=token)


def error_response(error: ApiError, request: Any, *, auth_token: str | None = None) -> HttpResponse:
    """An error in its envelope: the answer to a request (Django's or DRF's)."""
    body = build_envelope(
        error.data,
        status="error",
        request_id=getattr(request, "request_id", None),
        auth_token=auth_token,
        error=str(error.status),
        message=error.message,
    )
    content = to_json(body, pretty=_is_pretty(request))
    return HttpResponse(content, status=error.status, content_type="application/json", headers=error.headers)


def _is_pretty(request: Any) -> bool:
    with suppress(SuspiciousOperation):  # what is wrong with the query may be just what is told
        return bool(request.GET.get("pretty") == "true")
    return False


def _as_api_error(error: Exception) -> ApiError | None:
    """DRF's and Django's own exceptions as ours."""
    if isinstance(error, ApiError):
        return error
    for kinds, ours in _TRANSLATED:
        if isinstance(error, kinds):
            return ours()
    return None


_TRANSLATED: tuple[tuple[tuple[type[Exception], ...], Callable[[], ApiError]], ...] = (
    ((drf.MethodNotAllowed,), InvalidMethod),
    ((drf.NotFound, Http404), NotFound),
    ((drf.NotAcceptable,), NotAcceptable),
    ((drf.UnsupportedMediaType,), UnsupportedMediaType),
    ((drf.PermissionDenied, PermissionDenied), Forbidden),
    ((TooManyFieldsSent,), lambda: FaultyRequest("too many parameters")),
)
