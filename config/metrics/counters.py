"""What the workers count, each in a file, which all of them read when somebody asks.

That is the multiprocess mode of prometheus-client.

Labels are few: routes of the URL configuration, methods, statuses. No path, account or person is in them.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

from config.routes import current_route
from couch.errors import TimedOut
from couch.transfer import Request

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

REQUESTS = Counter("vmboxes_requests", "Requests, by what was answered", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "vmboxes_request_seconds", "Seconds until a response began", ["method", "route"], buckets=_SECONDS
)
BODY_BYTES = Counter("vmboxes_request_body_bytes", "Bytes of bodies whose length was stated", ["route"])
COUCHDB_REQUESTS = Counter("vmboxes_couchdb_requests", "Requests to CouchDB, by outcome", ["method", "outcome"])
COUCHDB_SECONDS = Histogram(
    "vmboxes_couchdb_request_seconds", "Seconds that CouchDB took", ["method"], buckets=_SECONDS
)


class MetricsMiddleware:
    """Counts requests by the route that served them, and measures how long they took."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        started_at = time.perf_counter()
        response = self._get_response(request)
        current = current_route()
        assert current is not None, "RouteMiddleware comes before"
        method, route = current.method, current.route
        REQUESTS.labels(method, route, response.status_code).inc()
        REQUEST_SECONDS.labels(method, route).observe(time.perf_counter() - started_at)
        length = request.META.get("CONTENT_LENGTH") or ""
        if length.isascii() and length.isdigit():
            BODY_BYTES.labels(route).inc(int(length))
        return response


def count_couchdb_request(request: Request, status: int, error: BaseException | None, seconds: float) -> None:
    """Count a request to CouchDB, which failed with an error or was answered with a status."""
    failure = "timeout" if isinstance(error, TimedOut) else "unreachable"
    outcome = f"{status // 100}xx" if error is None else failure
    COUCHDB_REQUESTS.labels(request.method, outcome).inc()
    COUCHDB_SECONDS.labels(request.method).observe(seconds)
