"""The errors that the API answers with, as DRF exceptions. `crossbar.exception_handler` makes envelopes of them.

ApiError
├── ValidationFailed 400   ├── FaultyRequest 400        ├── InvalidCredentials 401  ├── Forbidden 403
├── BadIdentifier 404      ├── NotFound 404             ├── InvalidMethod 405       ├── NotAcceptable 406
├── RequestTimeout 408
├── DatastoreConflict 409  ├── PreconditionFailed 412   ├── RequestTooLarge 413     ├── UnsupportedMediaType 415
├── RangeNotSatisfiable 416 ├── Locked 423              ├── TooManyRequests 429     ├── UnspecifiedFault 500
└── DatastoreMissingView 503  └── DatastoreUnreachable 503  └── ServerBusy 503
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from rest_framework.exceptions import APIException, ErrorDetail


class ApiError(APIException):
    """An error as an error envelope shows it: HTTP status, message, data and headers.

    Without `data`, the data of the envelope is the message in words.
    """

    status_code = 500
    message = "unspecified_fault"

    def __init__(
        self, message: str | None = None, *, data: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.message = message or type(self).message
        self.data: dict[str, Any] = {"message": self.message.replace("_", " ")} if data is None else data
        self.headers: dict[str, str] = headers or {}
        self.detail = ErrorDetail(self.message, self.message)
        Exception.__init__(self, self.message)


class ValidationFailed(ApiError):
    """The request's content breaks rules: ``{field path: {rule: {"message": ..., ...}}}``, of every failing field."""

    status_code = 400
    message = "validation error"

    def __init__(self, errors: dict[str, dict[str, dict[str, Any]]]) -> None:
        super().__init__(data=errors)

    @classmethod
    def field(cls, path: str, rule: str, message: str, **details: Any) -> Self:
        """The error of one field that breaks one rule; details are `target`, `value`, `cause`."""
        return cls({path: {rule: {"message": message, **details}}})

    def joined(self, more: "ValidationFailed") -> "ValidationFailed":
        """Return one error that names what both do."""
        paths = {**self.data, **more.data}
        return ValidationFailed({path: self.data.get(path, {}) | more.data.get(path, {}) for path in paths})


@contextmanager
def joined_errors(check: Callable[[], None]) -> Iterator[None]:
    """Join what `check` raises to a ValidationFailed raised inside: clients are told of all errors at once."""
    try:
        yield
    except ValidationFailed as failed:
        try:
            check()
        except ValidationFailed as more:
            raise failed.joined(more) from None
        raise


class FaultyRequest(ApiError):
    """A parameter of the request is malformed; the message says which."""

    status_code = 400
    message = "faulty_request"

    def __init__(self, message: str) -> None:
        super().__init__(data={"message": message})


class InvalidCredentials(ApiError):
    """There is no token, or one that isn't valid."""

    status_code = 401
    message = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__(data={"message": "invalid credentials"})


class Forbidden(ApiError):
    """The caller is known, but not allowed to do this."""

    status_code = 403
    message = "forbidden"

    def __init__(self, reason: str = "forbidden") -> None:
        super().__init__(data={"message": reason})


class BadIdentifier(ApiError):
    """There is no such document for this caller; `cause` is its id, or what is wrong with it."""

    status_code = 404
    message = "bad_identifier"

    def __init__(self, cause: str) -> None:
        super().__init__(data={"message": "bad identifier", "cause": cause})


class NotFound(ApiError):
    """There is no such path; `cause` is what the client was probably looking for."""

    status_code = 404
    message = "not_found"

    def __init__(self, cause: str | None = None) -> None:
        super().__init__(data={"message": "not found"} | ({} if cause is None else {"cause": cause}))


class InvalidMethod(ApiError):
    """The path doesn't have this verb."""

    status_code = 405
    message = "invalid_method"

    def __init__(self) -> None:
        super().__init__(data={"message": "method not allowed"})


class NotAcceptable(ApiError):
    """There is no response in a form that the client accepts."""

    status_code = 406
    message = "not_acceptable"


class RequestTimeout(ApiError):
    """The body came too slowly."""

    status_code = 408
    message = "request_timeout"


class DatastoreConflict(ApiError):
    """Another writer changed the document first."""

    status_code = 409
    message = "datastore_conflict"

    def __init__(self) -> None:
        super().__init__(data={"message": "conflicting documents"})


class PreconditionFailed(ApiError):
    """If-Match names a revision that isn't the stored one."""

    status_code = 412
    message = "precondition_failed"


class RequestTooLarge(ApiError):
    """The body is over the limit, in bytes if it is known."""

    status_code = 413
    message = "request_too_large"

    def __init__(self, limit: int | None) -> None:
        super().__init__(data={"message": "request body too large"} | ({} if limit is None else {"limit": limit}))


class UnsupportedMediaType(ApiError):
    """The body is of a type that this path doesn't take."""

    status_code = 415
    message = "unsupported_media_type"


class RangeNotSatisfiable(ApiError):
    """The Range starts beyond the end of a file of `length` bytes."""

    status_code = 416
    message = "range_not_satisfiable"

    def __init__(self, length: int | None) -> None:
        headers = {} if length is None else {"Content-Range": f"bytes */{length}"}
        super().__init__(data={"message": "requested range not satisfiable"}, headers=headers)


class Locked(ApiError):
    """What the request is about is disabled: ``{what: {"disabled": {"message": ...}}}``."""

    status_code = 423
    message = "locked"

    def __init__(self, subject: str) -> None:
        super().__init__(data={subject: {"disabled": {"message": f"The {subject} is disabled"}}})


class TooManyRequests(ApiError):
    """The client must wait `retry_after` seconds."""

    status_code = 429
    message = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(data={"message": "too many requests"}, headers={"Retry-After": str(retry_after)})


class UnspecifiedFault(ApiError):
    """A fault of the service: the log has the details, the client gets none."""


class DatastoreMissingView(ApiError):
    """The database lacks a view, which sync_views adds."""

    status_code = 503
    message = "datastore_missing_view"


class DatastoreUnreachable(ApiError):
    """CouchDB is down or slow; the client may try again after `retry_after` seconds."""

    status_code = 503
    message = "datastore_unreachable"

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__(data={"message": "datastore unreachable"}, headers={"Retry-After": str(retry_after)})


class ServerBusy(ApiError):
    """The server has too much work; the client may try again after `retry_after` seconds."""

    status_code = 503
    message = "server_busy"

    def __init__(self, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})
