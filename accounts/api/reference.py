"""What needs no token: the JSON schemas, and what this service is."""

from rest_framework.request import Request

from crossbar.envelope import EnvelopeResponse
from crossbar.version import VERSION
from crossbar.viewset import CrossbarViewSet
from storage import schemas
from storage.private_fields import public


class SchemasViewSet(CrossbarViewSet):
    """``/v2/schemas`` and ``/v2/schemas/{NAME}``."""

    def list(self, request: Request) -> EnvelopeResponse:
        """List the names of all schemas."""
        return EnvelopeResponse(schemas.list_names())

    def retrieve(self, request: Request, name: str) -> EnvelopeResponse:
        """Return a schema (draft-04), as requests are validated by it; raises BadIdentifier."""
        return EnvelopeResponse(public(schemas.get(name)))


class AboutViewSet(CrossbarViewSet):
    """``/v2/about``."""

    def retrieve(self, request: Request) -> EnvelopeResponse:
        """Return what this service is, and its version."""
        return EnvelopeResponse({"name": "vmboxes", "version": VERSION})
