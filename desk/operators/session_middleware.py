"""Middleware that ends operators' sessions in time, or when they were ended elsewhere."""

from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from desk.operators import sessions, trail


class OperatorSessions:
    """Signs out whose session has ended, and notes that the others are in use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        if request.user.is_authenticated:
            session = sessions.current(request)
            seconds = 0.0 if session is None else sessions.seconds_left(session)
            if session is None or seconds <= 0:
                if session is not None and sessions.end([session]):
                    trail.record(request, trail.TIMED_OUT, request.user, reason="time limit")
                logout(request)
            elif not _is_of_script(request):
                sessions.touch(request, session)
        return self._get_response(request)


def _is_of_script(request: HttpRequest) -> bool:
    """Whether a script sent the request, such as one that watches a migration: nobody may be at the screen."""
    return request.headers.get("Sec-Fetch-Dest") == "empty"
