"""Middleware of the operators' pages, which lets requests to the API pass.

The API has its own tokens, no cookies and no forms. Sessions, users and protection against forged forms would cost a
request to it as much as its own work does, and headers of pages mean nothing on it.
"""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.cache import close_caches
from django.core.handlers.exception import convert_exception_to_response
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.module_loading import import_string

from couch.time_limits import silence_limited_to
from crossbar.connection import connection_of
from crossbar.middleware import is_api_path

_COUCHDB_SECONDS = 4.0
"""How long people wait for a silent CouchDB before they are told."""
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class PageMiddleware:
    """Runs the middleware that settings.PAGE_MIDDLEWARE names, in its order, for pages.

    It also looks after Django's databases and caches for pages, in place of Django's handlers of the signals of every
    request. Of the API only signing in uses such a database: accounts.auth.login_throttle looks after it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response, self._page_response = get_response, get_response
        self._view_hooks: list[Callable[..., HttpResponseBase | None]] = []
        for name in reversed(settings.PAGE_MIDDLEWARE):
            middleware = import_string(name)(self._page_response)
            if hook := getattr(middleware, "process_view", None):
                self._view_hooks.insert(0, hook)
            self._page_response = cast(GetResponse, convert_exception_to_response(middleware))
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
            with silence_limited_to(_COUCHDB_SECONDS):
                return self._page_response(request)
        finally:
            close_old_connections()
            close_caches()

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponseBase | None:
        """Return what the middleware of pages answers in a view's place (a refusal of a forged form), or None."""
        if is_api_path(request.path_info):
            return None
        return next((response for hook in self._view_hooks if (response := hook(request, *args))), None)


class AnonymousForms:
    """Sends whoever isn't signed in to the page for that, in place of reading a long form from them.

    Else a form would be read to its end, however slowly it comes, to look for its CSRF token.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponseBase | None:
        """Return the redirection of a long form from nobody, or None."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) <= settings.ANONYMOUS_BODY_LIMIT:
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        if connection := connection_of(request.META):
            connection.mark_as_known()
        return None
