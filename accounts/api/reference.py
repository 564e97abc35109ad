"""What anybody may ask, token or not: which schemas there are, what they say, and what answers here."""

from rest_framework.request import Request

from crossbar.envelope import Reply
from crossbar.envelope_format import VERSION
from crossbar.viewset import CrossbarViewSet
from storage import schemas
from storage.private_fields import public


class SchemasViewSet(CrossbarViewSet):
    """``/v2/schemas`` and ``/v2/schemas/{NAME}``."""

    def list(self, request: Request) -> Reply:
        """The names of all schemas."""
        return Reply(schemas.names())

    def retrieve(self, request: Request, name: str) -> Reply:
        """One schema, draft-04, as requests are checked against it; 404 when there is none of that name."""
        return Reply(public(schemas.schema(name)))


class AboutViewSet(CrossbarViewSet):
    """``/v2/about``."""

    def retrieve(self, request: Request) -> Reply:
        """What this service is, and in which version."""
        return Reply({"name": "vmboxes", "version": VERSION})
