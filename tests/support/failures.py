"""Views and a job that fail with the texts of their callers in hand."""

import logging

from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django_tasks import task
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config import urls

logger = logging.getLogger(__name__)
handler404 = urls.handler404


def fail_with(text: str, token: str) -> None:
    """Raise an error that names both, because of one that does."""
    copied_text = text.upper()
    try:
        raise KeyError(token)
    except KeyError as error:
        raise ValueError(f"{copied_text} of {text} by {token}") from error


class FailingView(APIView):
    """An API view with an error that nobody expects."""

    def post(self, request: Request, caller: str) -> Response:
        """Log what was sent, and fail."""
        text, token = request.body.decode(), request.headers.get("X-Auth-Token", "")
        logger.error("A message of %s failed", caller, extra={"transcription": text})
        fail_with(text, token)
        return Response()


def failing_page(request: HttpRequest, caller: str) -> HttpResponse:
    """Fail."""
    fail_with(caller, request.GET["token"])
    return HttpResponse()


@task
def failing_job(text: str) -> None:
    """Fail."""
    fail_with(text, text)


urlpatterns = [
    re_path(r"^v2/failures/(?P<caller>[^/]+)/?$", FailingView.as_view()),
    re_path(r"^failing/(?P<caller>[^/]+)$", failing_page),
    *urls.urlpatterns,
]
