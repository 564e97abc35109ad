"""The base of every endpoint: one parsed envelope, tunnelled verbs, conditional requests, errors in one form."""

from contextlib import suppress
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from crossbar.body import RequestBody, has_body, is_json, is_upload, unsupported_media_type
from crossbar.envelope import Envelope, EnvelopeRenderer, Reply, read_envelope
from crossbar.envelope_format import build_envelope
from crossbar.errors import ApiError, InvalidMethod, PreconditionFailed
from crossbar.negotiation import Negotiation


class CrossbarViewSet(ViewSet):
    """A viewset that speaks Kazoo's dialect; subclasses answer with `Reply` and raise `crossbar.errors`."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = ()
    renderer_classes: tuple[type[BaseRenderer], ...] = (EnvelopeRenderer,)
    negotiator: Negotiation = Negotiation()
    #: The form of the answer; set by `initial`.
    renderer: BaseRenderer
    #: The caller's token, answered in every envelope; set by whoever authenticates.
    auth_token: str | None = None
    #: What was wrong with the body: it can be read once only, and be asked for twice.
    _refusal: ApiError | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a request.

        As DRF does it, without what these views have no use for: its parsers and authenticators, and answers that are
        rendered later, by Django's templates' way.
        """
        self.request = asked = Request(request, parsers=(), authenticators=(), negotiator=self.negotiator)
        self.action = self.action_map.get((request.method or "").lower(), "")
        try:
            self.initial(asked, *args, **kwargs)
            answer = getattr(self, self.action)(asked, *args, **kwargs)
        except Exception as error:
            answer = self.handle_exception(error)
        response = self._response(answer) if isinstance(answer, Reply) else answer
        response.headers["Allow"] = _allowed(tuple(self.action_map))
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Turn a tunnelled verb into the real one before a handler is chosen; InvalidMethod goes before all else.

        Of what DRF does here only the negotiation is left: these views have no versions, and none of its ways to
        authenticate, permit and throttle.
        """
        if request.method == "POST":
            self._untunnel(request)
        if (request.method or "").lower() not in self.action_map:
            raise InvalidMethod()
        self.renderer, _ = self.negotiator.select_renderer(request, self.get_renderers())

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
            raise unsupported_media_type(self.request.content_type)
        return read_envelope(RequestBody(self.request, settings.JSON_BODY_LIMIT).read_all())

    @property
    def data(self) -> dict[str, Any]:
        """The envelope's data; ValidationFailed when there was none."""
        return self.envelope.required()

    def check_if_match(self, revision: str | None) -> None:
        """PreconditionFailed when the request's If-Match names another revision than the stored one."""
        wanted = self.request.META.get("HTTP_IF_MATCH")
        if wanted is not None and not _names(wanted, revision):
            raise PreconditionFailed()

    def _response(self, reply: Reply) -> HttpResponse:
        """A reply in its envelope, with its ETag; 304 when the client has it already."""
        etag = f'"{reply.revision}"'
        known = self.request.META.get("HTTP_IF_NONE_MATCH")
        if known is not None and self.request.method in ("GET", "HEAD") and _names(known, reply.revision):
            response = HttpResponse(status=304, headers={"ETag": etag})
            del response.headers["Content-Type"]
            return response
        envelope = build_envelope(
            reply.data,
            status="success",
            request_id=getattr(self.request, "request_id", None),
            auth_token=self.auth_token,
            revision=reply.revision,
            metadata=reply.metadata,
            **reply.extra,
        )
        renderer = self.renderer
        content = renderer.render(envelope, renderer.media_type, {"request": self.request})
        kind = f"{renderer.media_type}; charset={renderer.charset}" if renderer.charset else renderer.media_type
        response = HttpResponse(content, content_type=kind, status=reply.status)
        for name, value in reply.headers.items():
            response.headers[name] = value
        response.headers.setdefault("ETag", etag)
        return response


@cache
def _allowed(verbs: tuple[str, ...]) -> str:
    """The Allow header of a path that knows some verbs."""
    return ", ".join([*map(str.upper, verbs), "OPTIONS"])


def _names(condition: str, revision: str | None) -> bool:
    """Whether an If-Match or If-None-Match names a revision; Kazoo's clients also send it without quotes."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")]
    return "*" in tags or revision in tags
