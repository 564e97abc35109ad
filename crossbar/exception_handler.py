"""Error envelopes: what DRF makes of a view's exception, and the middleware of an error page of Django's."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, TooManyFieldsSent
from django.http import Http404, HttpRequest
from rest_framework import exceptions as drf

from crossbar import errors
from crossbar.envelope import EnvelopeRenderer, EnvelopeResponse
from crossbar.errors import ApiError

logger = logging.getLogger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> EnvelopeResponse:
    """Return the error envelope of a view's exception; one that nobody expects is logged, and a 500.

    DRF's EXCEPTION_HANDLER.
    """
    request = context["request"]
    api_error = _as_api_error(error)
    if api_error is None:
        logger.exception("Unexpected error in %s %s", request.method, request.path, extra={"request": request})
        api_error = errors.UnspecifiedFault()
    request.accepted_renderer, request.accepted_media_type = EnvelopeRenderer(), EnvelopeRenderer.media_type
    return _envelope(api_error)


def error_response(error: ApiError, request: HttpRequest) -> EnvelopeResponse:
    """Return the response to a request that no view of DRF's answers."""
    response = _envelope(error)
    response.accepted_renderer, response.accepted_media_type = EnvelopeRenderer(), EnvelopeRenderer.media_type
    response.renderer_context = {"request": request, "view": None}
    response.exception = True
    response.render()
    return response


def _envelope(error: ApiError) -> EnvelopeResponse:
    members = {"error": str(error.status_code), "message": error.message}
    return EnvelopeResponse(error.data, error.status_code, members=members, headers=error.headers)


def _as_api_error(error: Exception) -> ApiError | None:
    """Return an exception of DRF's or Django's own as one of the API's."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, drf.Throttled):
        return errors.TooManyRequests(getattr(error, "wait", None) or 1)
    for types, api_error in _API_ERRORS:
        if isinstance(error, types):
            return api_error()
    return None


_API_ERRORS: tuple[tuple[tuple[type[Exception], ...], Callable[[], ApiError]], ...] = (
    ((drf.NotAuthenticated, drf.AuthenticationFailed), errors.InvalidCredentials),
    ((drf.MethodNotAllowed,), errors.InvalidMethod),
    ((drf.NotFound, Http404), errors.NotFound),
    ((drf.NotAcceptable,), errors.NotAcceptable),
    ((drf.UnsupportedMediaType,), errors.UnsupportedMediaType),
    ((drf.PermissionDenied, PermissionDenied), errors.Forbidden),
    ((TooManyFieldsSent,), lambda: errors.FaultyRequest("too many parameters")),
)
