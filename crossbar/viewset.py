"""The base of every endpoint: one parsed envelope, tunnelled verbs, conditional requests, errors in one form."""

from functools import cached_property
from typing import Any

from django.conf import settings
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from crossbar.envelope import Envelope, EnvelopeRenderer, Reply, read_envelope
from crossbar.errors import InvalidMethod, PreconditionFailed, RequestTooLarge
from crossbar.negotiation import Negotiation
from crossbar.uploads import is_upload
from crossbar.wrapping import wrap


class CrossbarViewSet(ViewSet):
    """A viewset that speaks Kazoo's dialect; subclasses answer with `Reply` and raise `crossbar.errors`."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = ()
    renderer_classes: tuple[type[BaseRenderer], ...] = (EnvelopeRenderer,)
    content_negotiation_class = Negotiation
    #: The caller's token, answered in every envelope; set by whoever authenticates.
    auth_token: str | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Turn a tunnelled verb into the real one before a handler is chosen."""
        if request.method == "POST":
            self._untunnel(request)
        super().initial(request, *args, **kwargs)

    def _untunnel(self, request: Request) -> None:
        verb = request.query_params.get("verb")
        if not verb and not self.is_upload:
            verb = self.envelope.verb
        if not verb or verb.upper() == "POST":
            return
        action = self.action_map.get(verb.lower())
        if action is None:
            raise InvalidMethod()
        request._request.method = verb.upper()
        self.action = action

    @property
    def is_upload(self) -> bool:
        """Whether the body is media or has parts, so that it is no JSON envelope."""
        return is_upload(self.request.content_type)

    @cached_property
    def envelope(self) -> Envelope:
        """The request's envelope, read once. Whatever content type a client says: curl -d says none of JSON."""
        limit = settings.JSON_BODY_LIMIT
        if int(self.request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise RequestTooLarge(limit)
        body = self.request._request.read(limit + 1)
        if len(body) > limit:
            raise RequestTooLarge(limit)
        return read_envelope(body)

    @property
    def data(self) -> dict[str, Any]:
        """The envelope's data; ValidationFailed when there was none."""
        return self.envelope.required()

    def check_if_match(self, revision: str | None) -> None:
        """PreconditionFailed when the request's If-Match names another revision than the stored one."""
        wanted = self.request.headers.get("If-Match")
        if wanted is None or wanted.strip() == "*":
            return
        if revision not in [etag.strip().removeprefix("W/").strip('"') for etag in wanted.split(",")]:
            raise PreconditionFailed(data={"message": "precondition failed"})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Wrap a reply in its envelope, with its ETag; 304 when the client has it already."""
        if isinstance(response, Reply):
            etag = f'"{response.revision}"'
            response.headers.setdefault("ETag", etag)
            if request.method in ("GET", "HEAD") and etag in request.headers.get("If-None-Match", ""):
                not_modified = Response(status=304, headers={"ETag": etag})
                return super().finalize_response(request, not_modified, *args, **kwargs)
            response.data = wrap(
                response.data,
                status="success",
                request_id=getattr(request, "request_id", None),
                auth_token=self.auth_token,
                revision=response.revision,
                metadata=response.metadata,
                **response.extra,
            )
        return super().finalize_response(request, response, *args, **kwargs)
