"""Kazoo's envelopes: what a request's JSON body holds, and what every answer is wrapped in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

from crossbar.envelope_format import content_digest, to_json
from crossbar.errors import ValidationFailed
from crossbar.negotiation import query_of

_MAX_DEPTH = 100


@dataclass(frozen=True)
class Envelope:
    """A request's envelope: `data` (empty when there was no body), and the token and verb sent beside it."""

    data: dict[str, Any] = field(default_factory=dict)
    auth_token: str | None = None
    verb: str | None = None
    has_data: bool = False

    def required(self) -> dict[str, Any]:
        """The data of a request that needs some; ValidationFailed when there was none."""
        if not self.has_data:
            raise missing_data({})
        return self.data


def missing_data(body: Any) -> ValidationFailed:
    """The error for a body without `data`."""
    return ValidationFailed.field("data", "required", "Field is required but missing", value=body)


def read_envelope(body: bytes) -> Envelope:
    """A JSON body as an envelope; no body is an empty one. ValidationFailed for anything else."""
    if not body.strip():
        return Envelope()
    return as_envelope(read_object(body))


def as_envelope(found: dict[str, Any]) -> Envelope:
    """A body's object as an envelope; ValidationFailed when its `data` is missing, or no object."""
    if "data" not in found:
        raise missing_data(found)
    data = found["data"]
    if not isinstance(data, dict):
        message = "Value did not match type(s): object"
        raise ValidationFailed.field("data", "type", message, target="object", value=data)
    return Envelope(data, _text(found.get("auth_token")), _text(found.get("verb")), has_data=True)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is. ValidationFailed for anything else, and for what JSON leaves open."""
    try:
        found = orjson.loads(body)
        json.loads(body, object_pairs_hook=_refuse_repeated)
    except (ValueError, RecursionError) as error:
        raise _invalid_json(f"Invalid JSON: {error}") from error
    if not isinstance(found, dict):
        raise _invalid_json("The body must be a JSON object")
    if _depth(found) > _MAX_DEPTH:
        raise _invalid_json("The body is nested too deeply")
    return found


def _refuse_repeated(members: list[tuple[str, Any]]) -> None:
    """Whether the first or the last of two counts, two readers of one body may see differently."""
    if len({name for name, _ in members}) < len(members):
        raise ValueError("an object has the same key twice")


def _invalid_json(message: str) -> ValidationFailed:
    return ValidationFailed.field("json", "invalid", message, target="body")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _depth(value: Any) -> int:
    deepest, todo = 0, [(value, 1)]
    while todo:
        item, depth = todo.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            todo.extend((child, depth + 1) for child in item.values())
        elif isinstance(item, list):
            todo.extend((child, depth + 1) for child in item)
    return deepest


class Reply:
    """A successful answer: the data, and what stands beside it in the envelope.

    `revision` is a document's CouchDB revision; other answers get a digest of their data, so that both can be
    asked for conditionally. `extra` holds page_size, start_key, next_start_key.
    """

    def __init__(
        self,
        data: Any,
        *,
        status: int = 200,
        revision: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.data, self.status = data, status
        self.headers = dict(headers or {})
        # What stands beside the data counts, too: a page may stay the same and yet no longer be the last.
        self.revision = revision or content_digest([data, extra] if extra else data)
        self.metadata = dict(metadata or {})
        self.extra = dict(extra or {})


class EnvelopeRenderer(BaseRenderer):
    """JSON in the envelope; ``?pretty=true`` indents."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The answer's bytes."""
        context = renderer_context or {}
        request = context["request"]
        return to_json(data, pretty=query_of(request).get("pretty") == "true")
