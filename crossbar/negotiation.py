"""Which form an answer takes: the Accept header, or ``?accept=`` standing in for it."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class Negotiation(DefaultContentNegotiation):
    """DRF's negotiation, told also by a query parameter; a verb without a body of data takes any Accept."""

    def get_accept_list(self, request: Request) -> list[str]:
        """The media types that the client takes, in its order."""
        said = request.query_params.get("accept") or request.META.get("HTTP_ACCEPT") or "*/*"
        return [token.strip() for token in said.split(",") if token.strip()]

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:
        """Every renderer: a format is never told by the path."""
        return list(renderers)


class AnyAccept(Negotiation):
    """For paths that answer with files: the file's own type is what there is, whatever was asked for."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The envelope, for what is no file: errors, and what a PUT answers."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
