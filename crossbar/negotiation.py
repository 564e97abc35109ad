"""Which form an answer takes: the Accept header, or ``?accept=`` standing in for it."""

from collections.abc import Iterable, Mapping

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from crossbar.caching import cache_short_texts

_NOTHING: Mapping[str, str] = {}


def query_of(request: Request) -> Mapping[str, str]:
    """A request's query; most have none, and then nothing is read."""
    query: Mapping[str, str] = request.query_params if request.META.get("QUERY_STRING") else _NOTHING
    return query


class Negotiation(BaseContentNegotiation):
    """The renderer that the client wants most; of several, the first."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """None: bodies are read by crossbar.envelope and crossbar.upload."""
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer and its media type; NotAcceptable."""
        accept = query_of(request).get("accept") or request.META.get("HTTP_ACCEPT") or "*/*"
        best = max(renderers, key=lambda renderer: preference(accept, renderer.media_type))
        if not preference(accept, best.media_type):
            raise NotAcceptable()
        return best, best.media_type


class AnyAccept(Negotiation):
    """For paths that answer with files: the file's own type is what there is, whatever was asked for."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The envelope, for what is no file: errors, and what a PUT answers."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


def preference(accept: str, media_type: str) -> float:
    """How much an Accept wants a media type, from 0 to 1: what its closest range says."""
    closest, wanted = 0, 0.0
    for media_range, quality in _ranges(accept):
        closeness = _closeness(media_range, media_type)
        if closeness > closest:
            closest, wanted = closeness, quality
    return wanted


@cache_short_texts(1_000)
def _ranges(accept: str) -> list[tuple[str, float]]:
    """The media ranges of an Accept, each with how much it is wanted."""
    said = [[piece.strip() for piece in each.split(";")] for each in accept.lower().split(",")]
    return [(media_range, _quality(parameters)) for media_range, *parameters in said]


def _closeness(media_range: str, media_type: str) -> int:
    if media_range == media_type:
        return 3
    if media_range == media_type.partition("/")[0] + "/*":
        return 2
    return 1 if media_range in ("*/*", "*") else 0


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 1.0
    return 1.0
