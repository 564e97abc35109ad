"""Django middleware of every request: an id, and on paths of the API everything that isn't a view's business.

That is OPTIONS, chunked bodies, and error envelopes in place of Django's own error pages.
"""

import re
import secrets
from collections.abc import Callable

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from crossbar.body import UNKNOWN_LENGTH
from crossbar.errors import ApiError, InvalidMethod, NotFound, PreconditionFailed, UnspecifiedFault
from crossbar.exception_handler import error_response
from crossbar.logs import request_id
from crossbar.negotiation import names_html

API_PREFIX = "/v2/"
METHODS = "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def is_api_path(path: str) -> bool:
    """Return whether a path belongs to the API."""
    return path.startswith(API_PREFIX) or path == "/v2"


class RequestIdMiddleware:
    """Gives each request an id, for its log lines and its response; the client's own id if it is a sane one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        client_id = request.META.get("HTTP_X_REQUEST_ID")
        identifier = client_id if client_id and _REQUEST_ID.fullmatch(client_id) else secrets.token_hex(16)
        request.request_id = identifier  # type: ignore[attr-defined]
        token = request_id.set(identifier)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response.headers["X-Request-ID"] = identifier
        return response


class ApiCorsMiddleware(CorsMiddleware):
    """django-cors-headers, for requests without Origin as well: pages of any origin may read every response."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.exposed_headers = ", ".join(settings.CORS_EXPOSE_HEADERS)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        if not is_api_path(request.path_info):
            return self.get_response(request)  # type: ignore[return-value]
        if "HTTP_ORIGIN" in request.META or request.method == "OPTIONS":
            request.META.setdefault("HTTP_ORIGIN", "null")
            return super().__call__(request)  # type: ignore[return-value]
        response: HttpResponseBase = self.get_response(request)  # type: ignore[assignment]
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = self.exposed_headers
        return response


class ApiMiddleware:
    """Answers OPTIONS, makes chunked bodies readable, and turns Django's error pages into error envelopes."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        if not is_api_path(request.path_info):
            response = self.get_response(request)
            is_unknown = response.status_code == 404 and request.resolver_match is None
            return _with_envelope(request, response) if is_unknown and not names_html(request) else response
        response = self._api_response(_with_readable_body(request))
        # Uploads are what their type says, and never a page of this site.
        response.headers["X-Content-Type-Options"] = "nosniff"
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
            if request.method == "HEAD":
                response.content = b""
        return response

    def _api_response(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return HttpResponse(status=200, headers={"Allow": METHODS})
        try:
            request.get_host()
        except DisallowedHost:  # Django has logged it
            response: HttpResponseBase = HttpResponse(status=400)
        else:
            response = self.get_response(request)
        if response.status_code >= 400:
            response = _with_envelope(request, response)
        return response


def _with_readable_body(request: HttpRequest) -> HttpRequest:
    """Return a request whose body can be read to its end.

    Django takes a body without Content-Length for an empty one. A chunked body ends by itself where the server says
    so with ``wsgi.input_terminated``: it may be as long as it likes.
    """
    meta = request.META
    if "HTTP_TRANSFER_ENCODING" not in meta or meta.get("CONTENT_LENGTH") or not meta.get("wsgi.input_terminated"):
        return request
    chunked = WSGIRequest({**meta, "CONTENT_LENGTH": UNKNOWN_LENGTH})
    chunked.request_id = request.request_id  # type: ignore[attr-defined]
    return chunked


def _with_envelope(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return an error envelope in place of an error page of Django's own (no such path, a bad host name ...)."""
    if response.status_code < 400 or response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    errors: dict[int, Callable[[], ApiError]] = {404: NotFound, 405: InvalidMethod, 412: PreconditionFailed}
    error = errors.get(response.status_code, UnspecifiedFault)()
    error.status_code = response.status_code
    if response.status_code == 400:
        error.message, error.data = "faulty_request", {"message": "bad request"}
    if "Allow" in response.headers:
        error.headers["Allow"] = response.headers["Allow"]
    return error_response(error, request)
