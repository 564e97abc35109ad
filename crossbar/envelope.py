"""Kazoo's envelopes around JSON, as a DRF parser, response and renderer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from crossbar.body import RequestBody, media_type_of
from crossbar.envelope_format import build_envelope, content_digest, to_json
from crossbar.errors import ValidationFailed
from crossbar.negotiation import MediaParser, query_of

_MAX_DEPTH = 100
# `curl -d` calls JSON a form, a browser's fetch calls it text, and other clients say nothing.
_JSON_TYPES = frozenset(
    {"", "application/json", "application/x-json", "text/json", "application/x-www-form-urlencoded", "text/plain"}
)


@dataclass(frozen=True)
class Envelope:
    """A request's envelope: its `data`, and what stands beside it, such as the token and the verb."""

    data: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    has_data: bool = False

    def stated_data(self) -> dict[str, Any]:
        """Return the data of a request that needs some; raises ValidationFailed if there is none."""
        if not self.has_data:
            raise _missing_data({})
        return self.data

    @property
    def auth_token(self) -> str | None:
        """The token; None if there is none."""
        return _nonempty_text(self.beside.get("auth_token"))

    @property
    def verb(self) -> str | None:
        """The verb that a POST stands for; None if it stands for none."""
        return _nonempty_text(self.beside.get("verb"))


class EnvelopeParser(MediaParser):
    """Reads the body as an `Envelope`; an empty body is an empty one."""

    def can_parse(self, content_type: str | None) -> bool:
        """Whether a body with that Content-Type header may be an envelope."""
        media_type = media_type_of(content_type)
        return media_type in _JSON_TYPES or media_type.endswith("+json")

    def parse(  # type: ignore[override]
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Envelope:
        """Return the envelope; raises ValidationFailed, RequestTooLarge, UnsupportedMediaType, FaultyRequest."""
        context = parser_context or {}
        limit: int = getattr(context.get("view"), "body_limit", settings.JSON_BODY_LIMIT)
        return parse_envelope(RequestBody(context["request"], limit).read_all())


def parse_envelope(body: bytes) -> Envelope:
    """Return a JSON body as an envelope; raises ValidationFailed."""
    return envelope_of(parse_object(body)) if body.strip() else Envelope()


def envelope_of(members: dict[str, Any]) -> Envelope:
    """Return a body's JSON object as an envelope; raises InvalidData if its `data` is missing or no object."""
    beside = {name: member for name, member in members.items() if name != "data"}
    data = members.get("data")
    if isinstance(data, dict):
        return Envelope(data, beside, True)
    error = _data_of_another_type(data) if "data" in members else _missing_data(members)
    error.auth_token = Envelope(beside=beside).auth_token
    raise error


class InvalidData(ValidationFailed):
    """An envelope's `data` is missing or no object. The token beside it counts all the same."""

    auth_token: str | None = None


def _missing_data(body: Any) -> InvalidData:
    return InvalidData.field("data", "required", "Field is required but missing", value=body)


def _data_of_another_type(data: Any) -> InvalidData:
    message = "Value did not match type(s): object"
    return InvalidData.field("data", "type", message, target="object", value=data)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; raises ValidationFailed for anything else, and where readers may disagree."""
    try:
        value = orjson.loads(body)
        json.loads(body, object_pairs_hook=_refuse_repeated_keys)
    except (ValueError, RecursionError) as error:
        raise _invalid_json(f"Invalid JSON: {error}") from error
    if not isinstance(value, dict):
        raise _invalid_json("The body must be a JSON object")
    if _depth(value) > _MAX_DEPTH:
        raise _invalid_json("The body is nested too deeply")
    return value


def _invalid_json(message: str) -> ValidationFailed:
    return ValidationFailed.field("json", "invalid", message, target="body")


def _refuse_repeated_keys(members: list[tuple[str, Any]]) -> None:
    """Raise ValueError for an object with a key twice: some readers take the first value, some the last."""
    if len({name for name, _ in members}) < len(members):
        raise ValueError("an object has the same key twice")


def _nonempty_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _depth(value: Any) -> int:
    deepest, pending = 0, [(value, 1)]
    while pending:
        item, depth = pending.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            pending.extend((child, depth + 1) for child in item.values())
        elif isinstance(item, list):
            pending.extend((child, depth + 1) for child in item)
    return deepest


class EnvelopeResponse(Response):
    """A response whose data `EnvelopeRenderer` puts into an envelope.

    `revision` is a document's CouchDB revision; other responses get a digest of their data, so that both can be
    requested conditionally. `members` stand beside the data: ``page_size``, ``start_key``, ``next_start_key``.
    """

    renderer_context: dict[str, Any]

    def __init__(
        self,
        data: Any,
        status: int = 200,
        *,
        revision: str | None = None,
        metadata: dict[str, Any] | None = None,
        members: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data, status, headers=headers)
        # A page may have the same entries as before, and yet no longer be the last one.
        self.revision = revision or content_digest([data, members] if members else data)
        self.metadata = metadata
        self.members = members or {}
        if status < 400:
            self.headers["ETag"] = f'"{self.revision}"'


class EnvelopeRenderer(BaseRenderer):
    """Renders data as JSON in an envelope; ``?pretty=true`` indents it."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return the body of a response."""
        context = renderer_context or {}
        request, response = context["request"], context["response"]
        envelope = build_envelope(
            data,
            status="error" if response.exception else "success",
            request_id=getattr(request, "request_id", None),
            auth_token=getattr(context["view"], "auth_token", None),
            revision=None if response.exception else response.revision,
            metadata=response.metadata,
            **response.members,
        )
        return to_json(envelope, pretty=_is_pretty(request))


def _is_pretty(request: Request | HttpRequest) -> bool:
    try:
        return query_of(request).get("pretty") == "true"
    except SuspiciousOperation:  # the response tells the client what is wrong with the query
        return False
