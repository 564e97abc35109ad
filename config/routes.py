"""The route of the current request: the pattern that its path matches, in the way the API document writes paths."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})
_CAPTURE = re.compile(r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^\]]*\])*\)|<(?:\w+:)?(\w+)>")
_ROUTES = 10_000


@dataclass
class RequestRoute:
    """A method, ``(other)`` if nobody knows it, and a route, ``(none)`` as long as there is none."""

    method: str
    route: str = "(none)"

    @property
    def name(self) -> str:
        """Both, such as ``GET /v2/accounts/{ACCOUNT_ID}/vmboxes``."""
        return f"{self.method} {self.route}"


_current: ContextVar[RequestRoute | None] = ContextVar("request_route", default=None)


def current_route() -> RequestRoute | None:
    """The route of the request that this thread serves; None outside of requests."""
    return _current.get()


class RouteMiddleware:
    """Notes the route for those who count, trace and report: the outermost middleware, where anybody does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        token = _current.set(RequestRoute(request.method if request.method in _METHODS else "(other)"))
        try:
            return self._get_response(request)
        finally:
            _current.reset(token)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Note the route. The request may be another object than the one that came in (`crossbar.middleware`)."""
        match, current = request.resolver_match, _current.get()
        if match is not None and current is not None:
            current.route = readable_route(match.route)


@lru_cache(_ROUTES)
def readable_route(route: str) -> str:
    """A route of Django's, an expression or a path with converters, without slash at its end: ``/v2/x/{ID}``."""
    text = _CAPTURE.sub(lambda match: "{" + (match[1] or match[2]).upper() + "}", route)
    text = text.replace("/?", "").replace("^", "").replace("$", "").replace(r"\Z", "").replace("\\", "")
    return "/" + text.strip("/")
