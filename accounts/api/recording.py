"""Middleware of the API: has what each request changes recorded."""

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.auth.authentication import client_address
from audit.recorder import RequestRecorder, recording
from audit.shipping import shipper
from crossbar.middleware import is_api_path


class RecordingMiddleware:
    """Gives each request to the API a recorder; who makes it is known once it is authenticated."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        shipper().start()  # in each process that serves

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        if not is_api_path(request.path_info):
            return self._get_response(request)
        request_id: str = request.request_id  # type: ignore[attr-defined]
        method = request.method or ""
        recorder = RequestRecorder(request_id, method, request.path, partial(client_address, request))
        with recording(recorder, method):
            return self._get_response(request)
