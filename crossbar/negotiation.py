"""Which form a response takes: the Accept header, or ``?accept=`` in its place. Which parser reads a body."""

from collections.abc import Callable, Iterable, Mapping
from mimetypes import MimeTypes

from django.http import HttpRequest
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from crossbar.body import unsupported_media_type
from crossbar.caching import cache_short_texts

_NO_QUERY: Mapping[str, str] = {}
_TYPES = MimeTypes()  # Python's own, whatever the machine's files say


def query_of(request: Request | HttpRequest) -> Mapping[str, str]:
    """A request's query. Most have none, and then nothing is parsed."""
    query: Mapping[str, str] = request.GET if request.META.get("QUERY_STRING") else _NO_QUERY
    return query


def accept_of(request: Request) -> str:
    """What a request accepts: ``?accept=`` (also by a short name: ``csv``), else its Accept header, else anything."""
    return query_of(request).get("accept") or request.META.get("HTTP_ACCEPT") or "*/*"


class MediaParser(BaseParser):
    """A DRF parser for several media types."""

    def can_parse(self, content_type: str | None) -> bool:
        """Whether this parser reads bodies with that Content-Type header."""
        raise NotImplementedError


class Negotiation(BaseContentNegotiation):
    """Chooses the renderer whose media type the client prefers, the first of several."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """Return the parser for the body's content type; raises UnsupportedMediaType."""
        for parser in parsers:
            if isinstance(parser, MediaParser) and parser.can_parse(request.content_type):
                return parser
        raise unsupported_media_type(request.content_type)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer and its media type; raises NotAcceptable."""
        accept = accept_of(request)
        best = max(renderers, key=lambda renderer: quality(accept, renderer.media_type))
        if not quality(accept, best.media_type):
            raise NotAcceptable()
        return best, best.media_type


class FileNegotiation(Negotiation):
    """For paths that answer with files, whose type is what it is: only errors and replies to uploads are rendered."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer, whatever the client accepts."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


def accepts(request: Request, matches: Callable[[str], bool]) -> bool:
    """Whether a request accepts any media range for which `matches` is true."""
    return any(quality > 0 and matches(media_range) for media_range, quality in _parse_accept(accept_of(request)))


def names_html(request: HttpRequest) -> bool:
    """Whether a request's Accept header names HTML, as those of browsers do and those of clients don't."""
    return any(
        media_range == "text/html" and quality > 0
        for media_range, quality in _parse_accept(request.META.get("HTTP_ACCEPT", ""))
    )


def quality(accept: str, media_type: str) -> float:
    """How much an Accept header prefers a media type, from 0 to 1: the quality of the most specific range for it."""
    best_specificity, best_quality = 0, 0.0
    for media_range, range_quality in _parse_accept(accept):
        specificity = _specificity(media_range, media_type)
        if specificity > best_specificity:
            best_specificity, best_quality = specificity, range_quality
    return best_quality


@cache_short_texts(1_000)
def _parse_accept(accept: str) -> list[tuple[str, float]]:
    """The media ranges of an Accept header, each with its quality."""
    parts = [[piece.strip() for piece in part.split(";")] for part in accept.lower().split(",")]
    return [(_media_range(name), _quality_of(parameters)) for name, *parameters in parts]


def _media_range(name: str) -> str:
    """A media range, which may be known by the short name of its type, as in Kazoo: ``csv``, ``zip``, ``mp3``."""
    return name if "/" in name else _TYPES.guess_type(f"x.{name}")[0] or name


def _specificity(media_range: str, media_type: str) -> int:
    """How closely a range matches a media type, from 3 for the type itself to 0 for no match."""
    if media_range == media_type:
        return 3
    if media_range == media_type.partition("/")[0] + "/*":
        return 2
    return 1 if media_range in ("*/*", "*") else 0


def _quality_of(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 1.0
    return 1.0
