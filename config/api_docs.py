"""Serves the API's description as a document and as a page to browse: for anybody, without a token."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import orjson
import yaml
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from crossbar.negotiation import FileNegotiation
from crossbar.version import VERSION
from crossbar.viewset import CrossbarViewSet
from openapi.loader import load_document

# Whoever tries the API on the page types tokens into it: it loads nothing from elsewhere and sends nothing there.
# Swagger UI keeps its icons in data: addresses.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SerializedDocument(NamedTuple):
    """The document as bytes, and the ETag of just these bytes."""

    content: bytes
    etag: str


@cache
def document_as_json() -> SerializedDocument:
    """The document as JSON, joined once in a process."""
    document = load_document()
    document["info"]["version"] = VERSION
    return _with_etag(orjson.dumps(document))


@cache
def document_as_yaml() -> SerializedDocument:
    """The document as YAML."""
    document = orjson.loads(document_as_json().content)
    return _with_etag(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110).encode())


def _with_etag(content: bytes) -> SerializedDocument:
    return SerializedDocument(content, f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"')


class DocumentViewSet(CrossbarViewSet):
    """``/v2/openapi.json`` and ``/v2/openapi.yaml``."""

    content_negotiation_class = FileNegotiation
    content_type = "application/json"
    serialized: Callable[[], SerializedDocument] = staticmethod(document_as_json)

    def retrieve(self, request: Request) -> HttpResponseBase | None:
        """The document, or 304 if the client has it already."""
        document = self.serialized()
        response = HttpResponse(document.content, content_type=self.content_type, headers={"ETag": document.etag})
        return get_conditional_response(request, etag=document.etag, response=response)


class PageViewSet(CrossbarViewSet):
    """``/v2/docs``: Swagger UI, with all its files from this service."""

    content_negotiation_class = FileNegotiation

    def retrieve(self, request: Request) -> HttpResponse:
        """The page."""
        return HttpResponse(render_to_string("api_docs.html"), headers={"Content-Security-Policy": _PAGE_POLICY})
