"""Middleware that keeps threads free for the health checks, whatever all other requests wait for."""

import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from crossbar.connection import connection_of
from crossbar.errors import ServerBusy
from crossbar.exception_handler import error_response
from crossbar.middleware import is_api_path

HEALTH_PREFIX = "/health/"
_STALLED_SECONDS = 1.0


def reserved_threads(threads: int) -> int:
    """How many of a worker's threads are not for requests that may wait for long."""
    return 2 if threads >= 8 else 1 if threads >= 4 else 0


class ThreadReserve:
    """Refuses requests when all other threads are busy and none of them has become free for a second.

    Until then a request waits for one of them. So a worker that is only busy refuses nothing, and when CouchDB is
    silent, health checks don't queue behind requests that wait for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._free = settings.THREADS - reserved_threads(settings.THREADS)
        self._stalled_since = 0.0
        """When the last thread was taken or one became free, in monotonic seconds."""
        self._released = threading.Condition()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        connection = connection_of(request.META)
        if connection is None or request.path_info.startswith(HEALTH_PREFIX):
            return self._get_response(request)
        if not self._acquire():
            return _refusal(request)
        connection.call_at_end(self._release)
        return self._get_response(request)

    def _acquire(self) -> bool:
        with self._released:
            if self._free <= 0 and not self._wait():
                return False
            self._free -= 1
            if self._free <= 0:
                self._stalled_since = time.monotonic()
            return True

    def _wait(self) -> bool:
        """Wait until a thread is free; False if none has become free for too long."""
        while self._free <= 0:
            remaining = self._stalled_since + _STALLED_SECONDS - time.monotonic()
            if remaining <= 0:
                return False
            self._released.wait(remaining)
        return True

    def _release(self) -> None:
        with self._released:
            self._free += 1
            self._stalled_since = time.monotonic()
            self._released.notify()


def _refusal(request: HttpRequest) -> HttpResponse:
    error = ServerBusy(1)
    if is_api_path(request.path_info):
        return error_response(error, request)
    text = "The service is busy. Try again in a moment."
    return HttpResponse(text, status=error.status_code, headers=error.headers, content_type="text/plain")
