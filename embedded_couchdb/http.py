"""For all routes: the call with its service, and responses in CouchDB's form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from werkzeug import Request, Response
from werkzeug.http import parse_options_header

from . import jsontext
from .attachments import Source
from .catalogue import Catalogue
from .designs import Validation
from .errors import bad_request, not_acceptable_type, query_error
from .javascript import Engine
from .revisions import Rev, parse_rev
from .storage import Database

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Service:
    """What all calls share: the databases, the JavaScript engine, the admin and the secret for cookies."""

    catalogue: Catalogue
    engine: Engine
    admin: tuple[str, str]
    secret: bytes

    @property
    def user(self) -> dict[str, Any]:
        """The only user, as validation functions see it."""
        return {"name": self.admin[0], "roles": ["_admin"]}


@dataclass
class Call:
    """A request to a route."""

    request: Request
    service: Service
    user: str | None
    names: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The database in the path.  Raises a 404 ``CouchError``."""
        return self.service.catalogue.get(self.names["db"])

    @property
    def validation(self) -> Validation:
        """Validation of writes by this call's user."""
        return Validation(self.service.engine, self.service.user)

    @cached_property
    def args(self) -> Mapping[str, str]:
        """The options in the URL, the first of each name."""
        return self.request.args.to_dict()

    @property
    def body(self) -> Source:
        """The request's body as a stream; the web server has undone any chunking."""
        return cast(Source, self.request.environ["wsgi.input"])

    @property
    def content_type(self) -> tuple[str, dict[str, str]]:
        """The body's media type, in lower case, and the type's parameters."""
        media_type, options = parse_options_header(self.request.headers.get("Content-Type", ""))
        return media_type.lower(), options

    def json(self, *, typed: bool = True) -> Any:
        """The body's value.  Raises ``CouchError``: 400, and 415 if ``typed``."""
        if typed:
            self.require_json()
        return jsontext.loads(self.body.read(-1))

    def require_json(self) -> None:
        """Refuse a body of another type, without reading it.  Raises a 415 ``CouchError``."""
        if self.content_type[0] != JSON_TYPE:
            raise not_acceptable_type(JSON_TYPE)

    def json_object(self) -> dict[str, Any]:
        """The body's value, which must be an object.  Raises ``CouchError`` like ``json``."""
        value = self.json()
        if not isinstance(value, dict):
            raise bad_request("Request body must be a JSON object")
        return value

    def flag(self, name: str) -> bool:
        """Whether an option in the URL is set to true.  Raises a 400 ``CouchError`` for other values."""
        value = self.args.get(name, "false")
        if value not in ("true", "false"):
            raise query_error(f'Invalid boolean parameter: "{value}"')
        return value == "true"

    def named_rev(self) -> Rev | None:
        """The revision named by ``?rev=`` or ``If-Match``.  Raises a 400 ``CouchError``."""
        header = self.request.headers.get("If-Match", "").strip().strip('"')
        option = self.args.get("rev")
        if header and option and header != option:
            raise bad_request("Document rev from request header and query string have different values")
        text = option or header
        return parse_rev(text) if text else None


Route = Callable[[Call], Response]
Methods = dict[str, Route]
Routes = dict[str, Methods]


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a JSON value."""
    return raw_answer(jsontext.dumps(value) + b"\n", status, headers)


def raw_answer(text: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response with JSON text."""
    response = Response(text, status, headers, content_type=JSON_TYPE)
    response.headers.setdefault("Cache-Control", "must-revalidate")
    return response


def stream_answer(pieces: Iterable[bytes], status: int, headers: Mapping[str, str]) -> Response:
    """A response that is streamed piece by piece."""
    response = Response(pieces, status, headers, direct_passthrough=True)
    response.headers.setdefault("Cache-Control", "must-revalidate")
    return response


def feed_answer(call: Call, pieces: Iterable[bytes]) -> Response:
    """A response with a feed: at once, or piece by piece if it goes on."""
    if call.args.get("feed", "normal") == "normal":
        return raw_answer(b"".join(pieces))
    return stream_answer(pieces, 200, {"Content-Type": JSON_TYPE})


def quoted(etag: str) -> str:
    """An ETag header's value."""
    return f'"{etag}"'
