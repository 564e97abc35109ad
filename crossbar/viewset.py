"""The base of every endpoint: one parsed envelope, tunnelled verbs, conditional requests, errors in one form."""

from contextlib import suppress
from functools import cached_property
from typing import Any

from django.conf import settings
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from crossbar.bodies import Body, has_body, is_json, is_upload, unsupported
from crossbar.envelope import Envelope, EnvelopeRenderer, Reply, read_envelope
from crossbar.errors import ApiError, InvalidMethod, PreconditionFailed
from crossbar.negotiation import Negotiation
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
    #: What was wrong with the body: it can be read once only, and be asked for twice.
    _refusal: ApiError | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Turn a tunnelled verb into the real one before a handler is chosen; InvalidMethod goes before all else.

        Of what DRF does here only the negotiation is left: these views have no versions, and none of its ways to
        authenticate, permit and throttle.
        """
        if request.method == "POST":
            self._untunnel(request)
        if (request.method or "").lower() not in self.action_map:
            raise InvalidMethod()
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)

    def _untunnel(self, request: Request) -> None:
        verb = request.query_params.get("verb")
        if not verb and not self.is_upload:
            with suppress(ApiError):  # told when the handler wants the body, and only to who may know
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
        """The request's envelope, read once. ValidationFailed, RequestTooLarge, UnsupportedMediaType."""
        if self._refusal is None:
            try:
                return self._read_envelope()
            except ApiError as error:
                self._refusal = error
        raise self._refusal

    def _read_envelope(self) -> Envelope:
        if has_body(self.request) and not is_json(self.request.content_type):
            raise unsupported(self.request.content_type)
        return read_envelope(Body(self.request, settings.JSON_BODY_LIMIT).whole())

    @property
    def data(self) -> dict[str, Any]:
        """The envelope's data; ValidationFailed when there was none."""
        return self.envelope.required()

    def check_if_match(self, revision: str | None) -> None:
        """PreconditionFailed when the request's If-Match names another revision than the stored one."""
        wanted = self.request.headers.get("If-Match")
        if wanted is not None and not _names(wanted, revision):
            raise PreconditionFailed()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Wrap a reply in its envelope, with its ETag; 304 when the client has it already."""
        if isinstance(response, Reply):
            etag = f'"{response.revision}"'
            response.headers.setdefault("ETag", etag)
            known = request.headers.get("If-None-Match")
            if request.method in ("GET", "HEAD") and known is not None and _names(known, response.revision):
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


def _names(condition: str, revision: str | None) -> bool:
    """Whether an If-Match or If-None-Match names a revision; Kazoo's clients also send it without quotes."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")]
    return "*" in tags or revision in tags
