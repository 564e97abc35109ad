"""What the workers count, each in a file, which all of them read when somebody asks.

That is the multiprocess mode of prometheus-client.

Labels are few: routes of the URL configuration, methods, statuses. No path, account or person is in them.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

from couch.errors import TimedOut

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("vmboxes_requests", "Requests, by what was answered", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "vmboxes_request_seconds", "Seconds until a response began", ["method", "route"], buckets=_SECONDS
)
BODY_BYTES = Counter("vmboxes_request_body_bytes", "Bytes of bodies whose length was stated", ["route"])
COUCHDB_REQUESTS = Counter("vmboxes_couchdb_requests", "Requests to CouchDB, by outcome", ["method", "outcome"])
COUCHDB_SECONDS = Histogram(
    "vmboxes_couchdb_request_seconds", "Seconds that CouchDB took", ["method"], buckets=_SECONDS
)
_route: ContextVar[list[str]] = ContextVar("route")


class MetricsMiddleware:
    """Counts requests by the route that served them, and measures how long they took."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        holder = ["(none)"]
        token = _route.set(holder)
        started_at = time.perf_counter()
        try:
            response = self._get_response(request)
        finally:
            _route.reset(token)
        method = request.method if request.method in _METHODS else "(other)"
        (route,) = holder
        REQUESTS.labels(method, route, response.status_code).inc()
        REQUEST_SECONDS.labels(method, route).observe(time.perf_counter() - started_at)
        length = request.META.get("CONTENT_LENGTH") or ""
        if length.isascii() and length.isdigit():
            BODY_BYTES.labels(route).inc(int(length))
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Note the route. The request may be another object than the one that came in (`crossbar.middleware`)."""
        match = request.resolver_match
        if match is not None and match.route:
            _route.get()[0] = match.route


def count_couchdb_request(method: str, status: int, error: BaseException | None, seconds: float) -> None:
    """Count a request to CouchDB, which failed with an error or was answered with a status."""
    failure = "timeout" if isinstance(error, TimedOut) else "unreachable"
    outcome = f"{status // 100}xx" if error is None else failure
    COUCHDB_REQUESTS.labels(method, outcome).inc()
    COUCHDB_SECONDS.labels(method).observe(seconds)
