"""Middleware that ends operators' sessions in time, or when they were ended elsewhere."""

from collections.abc import Callable

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from desk.models import OperatorSession
from operators import second_factor, sessions, trail

_OPEN_PAGES = (
    *("second_factor", "operator_session_state", "operator_language"),
    *("admin:logout", "admin:password_change"),
)
"""What an operator may open who still has to set up a second factor."""


class OperatorSessions:
    """Signs out whose session has ended, and notes that the others are in use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        if request.user.is_authenticated:
            session = sessions.current(request)
            if session is None or sessions.seconds_left(session) <= 0:
                _sign_out(request, session)
            elif _lacks_second_factor(request, session):
                return _ask_for_second_factor(request, session)
            elif not _is_of_script(request):
                sessions.touch(request, session)
        return self._get_response(request)


def _sign_out(request: HttpRequest, session: OperatorSession | None) -> None:
    if session is not None and sessions.end_sessions([session]):
        trail.record_trail(request, trail.TIMED_OUT, request.user, reason="time limit")
    logout(request)


def _lacks_second_factor(request: HttpRequest, session: OperatorSession) -> bool:
    """Whether an operator has to show, or set up, a second factor before anything else."""
    if session.has_second_factor or request.path in map(reverse, _OPEN_PAGES):
        return False
    return second_factor.is_required(request.user)


def _ask_for_second_factor(request: HttpRequest, session: OperatorSession) -> HttpResponseBase:
    """Lead to the page that sets one up, or, if there is one, to signing in with it."""
    if not second_factor.is_set_up(request.user):
        return HttpResponseRedirect(reverse("second_factor"))
    sessions.end_sessions([session])
    trail.record_trail(request, trail.TIMED_OUT, request.user, reason="a second factor is required")
    logout(request)
    return redirect_to_login(request.get_full_path(), reverse("admin:login"))


def _is_of_script(request: HttpRequest) -> bool:
    """Whether a script sent the request, such as one that watches a migration: nobody may be at the screen."""
    return request.headers.get("Sec-Fetch-Dest") == "empty"
