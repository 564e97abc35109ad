"""The WSGI application: finds the route, authenticates the user, and turns errors into responses."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, Map, Rule

from . import (
    routes_attachments,
    routes_bulk,
    routes_database,
    routes_documents,
    routes_server,
    routes_views,
)
from .auth import authenticate
from .errors import CouchError, bad_request, method_not_allowed, not_found, unauthorized
from .http import Call, Route, Routes, Service, answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("embedded_couchdb")

_OPEN_TO_ALL = {"/", "/_up", "/_uuids", "/_session"}
_MODULES = (
    routes_server,
    routes_database,
    routes_bulk,
    routes_views,
    routes_documents,
    routes_attachments,
)


class _Segment(BaseConverter):
    """One part of the path, percent-decoded after the path was split: a ``%2F`` is no separator."""

    def to_python(self, value: str) -> str:
        return _decode_body(value)


class _RemainingPath(BaseConverter):
    """The remaining path, slashes included."""

    part_isolating = False
    regex = ".+"

    def to_python(self, value: str) -> str:
        return _decode_body(value)


def _decode_body(quoted: str) -> str:
    try:
        return unquote_to_bytes(quoted).decode()
    except UnicodeDecodeError as problem:
        raise bad_request("invalid UTF-8 in the path") from problem


class Application:
    """CouchDB's HTTP API over a service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._routes: Routes = {}
        for module in _MODULES:
            for path, methods in module.ROUTES.items():
                self._routes.setdefault(path, {}).update(methods)
        self._map = Map(
            [Rule(path, endpoint=path) for path in self._routes],
            strict_slashes=False,
            merge_slashes=False,
            converters={"default": _Segment, "rest": _RemainingPath},
        ).bind("localhost")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request: Request) -> Response:
        try:
            return self._dispatch(request)
        except CouchError as error:
            return answer(error.as_json(), error.status, error.headers)
        except HTTPException as error:  # a request that werkzeug refuses
            return answer({"error": "bad_request", "reason": error.description}, error.code or 400)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return answer({"error": "internal_server_error", "reason": "See the server's log."}, 500)

    def _dispatch(self, request: Request) -> Response:
        path = request.environ["REQUEST_URI"].partition("?")[0]
        user = authenticate(self._service, request)
        route, names = self._find(path, request.method)
        call = Call(request, self._service, user, names)
        if "db" in names and route is not routes_database.create:
            _ = call.database  # a missing database is reported before anything else
        if user is None and path not in _OPEN_TO_ALL:
            raise unauthorized(_refusal(names, request.method))
        return route(call)

    def _find(self, path: str, method: str) -> tuple[Route, dict[str, str]]:
        try:
            rule, names = self._map.match(path, method)
        except NotFound as problem:
            raise not_found(f"No such path: {unquote(path)}") from problem
        methods = self._routes[rule]
        method = "GET" if method == "HEAD" else method
        if method not in methods:
            raise method_not_allowed(",".join(sorted([*methods, *(["HEAD"] if "GET" in methods else [])])))
        return methods[method], dict(names)


def _refusal(names: dict[str, str], method: str) -> str:
    in_database = "db" in names and (len(names) > 1 or method in ("GET", "HEAD", "POST"))
    return "You are not authorized to access this db." if in_database else "You are not a server admin."
