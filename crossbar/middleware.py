"""What every request gets, whatever answers it: an id, CORS headers, and errors in the envelope.

A body stays in its socket until somebody wants it, or the request is refused without it.
"""

import re
import secrets
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase, ResponseHeaders

from crossbar.errors import ApiError, InvalidMethod, NotFound, UnspecifiedFault, error_response
from crossbar.logs import request_id
from crossbar.remembering import of_short_texts

API_PREFIX = "/v2/"
_PIECE = 64 * 1024
_MUCH_TOO_LARGE = 3  # times what is allowed: who sends that is cut off
_SANE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": (
        "Content-Type, Accept, Authorization, X-Auth-Token, If-None-Match, If-Match, Range"
    ),
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Expose-Headers": "Location, ETag, Content-Disposition, Content-Range, X-Request-ID",
    "Access-Control-Max-Age": "86400",
    # What somebody uploaded is what its type says, and never a page of this site.
    "X-Content-Type-Options": "nosniff",
}
# As Django keeps a response's headers: they are the same for every answer, and need no look at each.
_STORED = ResponseHeaders(_HEADERS)._store


class RequestMiddleware:
    """First in the row, so that what the others refuse is answered in the same form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        sent = request.META.get("HTTP_X_REQUEST_ID")
        identifier = sent if sent and _SANE_ID.fullmatch(sent) else secrets.token_hex(16)
        request.request_id = identifier  # type: ignore[attr-defined]
        token = request_id.set(identifier)
        try:
            response = self._answer(request)
        finally:
            request_id.reset(token)
        response.headers["X-Request-ID"] = identifier
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
            if request.method == "HEAD":
                response.content = b""
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if not f"{request.path}/".startswith(API_PREFIX):
            response = self.get_response(request)
            is_unknown = response.status_code == 404 and request.resolver_match is None
            return _enveloped(request, response) if is_unknown else response
        _read_chunked(request)
        # The API has its own tokens and no cookies: there is nothing for CSRF to protect.
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        if request.method == "OPTIONS":
            response = HttpResponse(status=200)
            response.headers["Allow"] = _HEADERS["Access-Control-Allow-Methods"]
        else:
            response = _enveloped(request, self._answer_of_views(request))
            if response.status_code >= 400:
                _take_the_rest(request)
        response.headers._store.update(_STORED)
        return response

    def _answer_of_views(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_ours(request.META.get("HTTP_HOST", "")):
            try:
                request.get_host()
            except DisallowedHost:  # Django has logged it
                return HttpResponse(status=400)
        return self.get_response(request)


@of_short_texts(1_000)
def _is_ours(host: str) -> bool:
    """Whether a Host header names this service; where none does, Django knows what else to look at."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _read_chunked(request: HttpRequest) -> None:
    """Let a chunked body be read: Django takes a body without Content-Length for empty."""
    ends_by_itself = request.META.get("wsgi.input_terminated")
    if ends_by_itself and not request.META.get("CONTENT_LENGTH") and "wsgi.input" in request.META:
        request._stream = request.META["wsgi.input"]


def _take_the_rest(request: HttpRequest) -> None:
    """Read what a refused upload still sends: who is cut off while sending never sees why."""
    left = _MUCH_TOO_LARGE * settings.MAX_UPLOAD_BYTES
    with suppress(Exception):  # whatever is wrong with the rest of it
        while left > 0 and (piece := request.read(_PIECE)):
            left -= len(piece)


def _enveloped(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """An error page that Django made itself (no such path, a bad host name ...) as an error envelope."""
    if response.status_code < 400 or response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    known: dict[int, Callable[[], ApiError]] = {404: NotFound, 405: InvalidMethod}
    error = known.get(response.status_code, UnspecifiedFault)()
    error.status = response.status_code
    if response.status_code == 400:
        error.message, error.data = "faulty_request", {"message": "bad request"}
    if "Allow" in response.headers:
        error.headers["Allow"] = response.headers["Allow"]
    return error_response(error, request)
