"""Which of Django's machinery a request goes through.

The admin pages take all of it: sessions, users, messages, protection against forged forms. The API has its own tokens
and no cookies: it takes none of that, which would cost it as much as its own work does.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import get_resolver
from django.utils.log import log_response

from crossbar.middleware import API_PREFIX, RequestMiddleware
from crossbar.remembering import of_short_texts

Environ = dict[str, Any]


class ApiHandler(WSGIHandler):
    """Django with the one middleware that the API needs."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Put that middleware, in place of those of the settings, between the server and the views."""
        views: Any = convert_exception_to_response(_answer_of_view)
        self._middleware_chain: Any = convert_exception_to_response(RequestMiddleware(views))

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        """Answer a request (with an iterable of bytes), without the signals that others begin and end with.

        They look after Django's databases and caches, for a tenth of a small request's time. Here only signing in
        uses such a database, and looks after it itself.
        """
        request = self.request_class(environ)
        response: Any = self._middleware_chain(request)
        if response.status_code >= 400:
            log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        if not response.streaming:
            request.close()
            return [response.content]
        response._resource_closers.append(request.close)
        response._handler_class = self.__class__
        return response


class Handler:
    """The WSGI application: paths of the API one way, all others the other."""

    def __init__(self) -> None:
        self.api = ApiHandler()
        self.pages = WSGIHandler()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        path = f"{environ.get('PATH_INFO', '')}/"
        handler = self.api if path.startswith(API_PREFIX) else self.pages
        answer: Iterable[bytes] = handler(environ, start_response)
        return answer


def _answer_of_view(request: HttpRequest) -> HttpResponseBase:
    """What the view of a path answers; Resolver404, and whatever else Django makes an error page of."""
    view, ids = _view_of(request.path_info)
    response = view(request, **ids)
    if isinstance(response, SimpleTemplateResponse):
        response.render()
    return response


@of_short_texts(4_000)
def _view_of(path: str) -> tuple[Callable[..., HttpResponseBase], dict[str, str]]:
    """The view of a path, and the ids in it: clients ask for the same few again and again."""
    found = get_resolver().resolve(path)
    return found.func, found.kwargs
