"""Where the API document and its page are: for anybody, without a token."""

from collections.abc import Callable

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response

from config import openapi
from crossbar.negotiation import AnyAccept
from crossbar.viewset import CrossbarViewSet

# Who tries things here types tokens into the page: nothing of it comes from elsewhere, or goes there.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocumentViewSet(CrossbarViewSet):
    """``/v2/openapi.json`` and ``/v2/openapi.yaml``."""

    negotiator = AnyAccept()
    content_type = "application/json"
    make: Callable[[], openapi.Serialized] = staticmethod(openapi.as_json)

    def retrieve(self, request: Request) -> HttpResponseBase | None:
        """The document, unless the client has it already."""
        made = self.make()
        response = HttpResponse(made.content, content_type=self.content_type, headers={"ETag": made.etag})
        return get_conditional_response(request._request, etag=made.etag, response=response)


class PageView(SpectacularSwaggerView):
    """``/v2/docs``: Swagger UI, all of whose files this service has itself."""

    content_negotiation_class = AnyAccept
    url = "/v2/openapi.json"
    title = "vmboxes"

    def get(self, request: Request) -> Response:
        """The page."""
        response: Response = super().get(request)  # type: ignore[no-untyped-call]
        response.headers["Content-Security-Policy"] = _POLICY
        return response
