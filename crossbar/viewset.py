"""The base of every viewset: a DRF viewset that speaks Kazoo's dialect."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from crossbar import conditions
from crossbar.csv_renderer import CsvRenderer
from crossbar.envelope import Envelope, EnvelopeParser, EnvelopeRenderer, EnvelopeResponse
from crossbar.errors import BadIdentifier, InvalidMethod, PreconditionFailed
from crossbar.negotiation import Negotiation
from crossbar.pages import Entry, Page, PageRequest
from crossbar.upload import UploadBody

NO_CACHE, NO_STORE = "private, no-cache", "no-store"
"""Values of `cache_control`: for what a token opened, which its client revalidates, and for credentials."""
_CREDENTIALS_AND_FORM = ("X-Auth-Token", "Authorization", "Accept")


_MAX_ID_LENGTH = 200


def require_sane_id(document_id: str) -> None:
    """Raise BadIdentifier for an id that no document can have: it is far too long, or has control characters."""
    if len(document_id) > _MAX_ID_LENGTH or not document_id.isprintable():
        raise BadIdentifier(document_id[:_MAX_ID_LENGTH])


class CrossbarViewSet(GenericViewSet[Any]):
    """Parses envelopes, answers with `EnvelopeResponse`, and runs a POST as the verb that it stands for."""

    parser_classes: tuple[type[BaseParser], ...] = (EnvelopeParser,)
    renderer_classes: tuple[type[BaseRenderer], ...] = (EnvelopeRenderer,)
    content_negotiation_class: type[Negotiation] = Negotiation
    #: What caches may do with responses; None says nothing about it.
    cache_control: str | None = None
    #: The caller's token, which every envelope shows; whoever authenticates the request sets it.
    auth_token: str | None = None
    #: The name of the file that a listing as CSV is saved as, without its extension.
    csv_name = "list"
    _body_error: APIException | None = None

    def get_renderers(self) -> list[BaseRenderer]:
        """Return the renderers of a response: the pages of a listing also come as CSV."""
        renderers: list[BaseRenderer] = super().get_renderers()
        is_listing = self.action == "list" and self.pagination_class is not None
        return [*renderers, CsvRenderer()] if is_listing else renderers

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Choose the verb, then do what DRF does before it calls a handler.

        Raises InvalidMethod before anything is authenticated.
        """
        if request.method == "POST" and (verb := self._tunnelled_verb(request)):
            request.method = verb
            self.action = self.action_map.get(verb.lower(), "")
        if not self.action:
            raise InvalidMethod()
        super().initial(request, *args, **kwargs)
        for name, value in kwargs.items():
            if name.endswith(("_id", "name")):
                require_sane_id(str(value))

    def _tunnelled_verb(self, request: Request) -> str | None:
        verb = request.query_params.get("verb")
        if not verb and self.has_envelope:
            with suppress(APIException):  # raised again when the handler needs the body, and the caller may know it
                verb = self.envelope.verb
        return verb.upper() if verb else None

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer a GET as its conditions say: 412 if it is for another revision, 304 if the client has this one."""
        is_success = isinstance(response, EnvelopeResponse) and not response.exception
        if is_success and request.method in ("GET", "HEAD"):
            response = self._conditional_response(request, response)
        if is_success and isinstance(request.accepted_renderer, CsvRenderer):
            response.headers["Content-Disposition"] = conditions.content_disposition(f"{self.csv_name}.csv")
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.cache_control is not None:
            response.headers["Cache-Control"] = self.cache_control
            patch_vary_headers(response, _CREDENTIALS_AND_FORM)
        return response

    def _conditional_response(self, request: Request, response: EnvelopeResponse) -> Any:
        try:
            conditions.require_match(request, response.revision)
        except PreconditionFailed as error:
            return self.handle_exception(error)
        is_current = conditions.has_current(request, response.revision)
        return conditions.not_modified(response.headers["ETag"]) if is_current else response

    @property
    def allowed_methods(self) -> list[str]:
        """The methods of the path, for a response's Allow; DRF looks for a handler of each method there is."""
        return [method.upper() for method in self.action_map]

    @property
    def has_envelope(self) -> bool:
        """Whether the body, if there is one, is an envelope and no upload of media."""
        return EnvelopeParser().can_parse(self.request.content_type)

    @property
    def body_limit(self) -> int:
        """How many bytes an envelope may have."""
        limit: int = settings.JSON_BODY_LIMIT
        return limit

    @property
    def envelope(self) -> Envelope:
        """The request's envelope.

        Raises ValidationFailed, RequestTooLarge, UnsupportedMediaType: the same error each time it is asked for,
        where DRF has an empty body the second time.
        """
        if self._body_error is not None:
            raise self._body_error
        try:
            body = self.request.data
        except APIException as error:
            self._body_error = error
            raise
        return body if isinstance(body, Envelope) else Envelope()

    @property
    def data(self) -> dict[str, Any]:
        """The envelope's data, empty if there is no body: whoever validates it names the members that are missing.

        A PATCH misses none, and must have a body. Raises the errors of `envelope`.
        """
        return self.stated_data if self.request.method == "PATCH" else self.envelope.data

    @property
    def stated_data(self) -> dict[str, Any]:
        """The envelope's data where no member of it is required; raises ValidationFailed if there is no body."""
        return self.envelope.stated_data()

    @property
    def upload_body(self) -> UploadBody:
        """The request's media, with its JSON. Raises the errors of `envelope`."""
        body = self.request.data
        return body if isinstance(body, UploadBody) else UploadBody(json=self.envelope.data)

    def paginate_queryset(self, queryset: Callable[[PageRequest], Page[Entry]]) -> list[Entry]:  # type: ignore[override]
        """Return the entries of the requested page, which `queryset` reads."""
        entries: list[Entry] = super().paginate_queryset(queryset)  # type: ignore[arg-type,assignment]
        return entries

    def get_paginated_response(self, data: list[Any]) -> EnvelopeResponse:
        """Return the entries of a page, with what the client needs for the next one."""
        response: EnvelopeResponse = super().get_paginated_response(data)  # type: ignore[assignment]
        return response

    def check_if_match(self, revision: str | None) -> None:
        """Raise PreconditionFailed if the request's If-Match names other revisions than the stored one."""
        conditions.require_match(self.request, revision)
