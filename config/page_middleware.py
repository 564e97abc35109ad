"""Middleware of the operators' pages, which lets requests to the API pass.

The API has its own tokens, no cookies and no forms. Sessions, users and protection against forged forms would cost a
request to it as much as its own work does, and headers of pages mean nothing on it.
"""

from collections.abc import Callable
from typing import Any

from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from crossbar.middleware import is_api_path


class _PagesOnly:
    """A mixin for middleware that hands requests to the API on at once."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        """Return the response to a request."""
        if is_api_path(request.path_info):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class PageConnections:
    """Looks after Django's databases and caches for pages, in place of Django's handlers of every request's signals.

    Of the API only signing in uses such a database, and looks after it itself (accounts.auth.login_throttle).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        request_started.disconnect(reset_queries)
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
        request_finished.disconnect(close_caches)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        if is_api_path(request.path_info):
            return self.get_response(request)
        reset_queries()
        close_old_connections()
        try:
            return self.get_response(request)
        finally:
            close_old_connections()
            close_caches()


class PageSecurity(_PagesOnly, SecurityMiddleware):
    """`SecurityMiddleware` for pages."""


class PageContentPolicy(_PagesOnly, CSPMiddleware):
    """`CSPMiddleware` for pages."""


class StaticFiles(_PagesOnly, WhiteNoiseMiddleware):  # type: ignore[misc]
    """`WhiteNoiseMiddleware` for pages."""


class PageSessions(_PagesOnly, SessionMiddleware):
    """`SessionMiddleware` for pages."""


class PagePaths(_PagesOnly, CommonMiddleware):
    """`CommonMiddleware` for pages."""


class PageForgery(_PagesOnly, CsrfViewMiddleware):
    """`CsrfViewMiddleware` for pages."""

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponseForbidden | None:
        """Return a refusal for a forged form."""
        return None if is_api_path(request.path_info) else super().process_view(request, *args)


class PageUsers(_PagesOnly, AuthenticationMiddleware):
    """`AuthenticationMiddleware` for pages."""


class PageMessages(_PagesOnly, MessageMiddleware):
    """`MessageMiddleware` for pages."""


class PageFrames(_PagesOnly, XFrameOptionsMiddleware):
    """`XFrameOptionsMiddleware` for pages."""
