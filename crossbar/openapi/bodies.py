"""Bodies of requests and answers: envelopes around data, listings, uploads and files."""

from collections.abc import Mapping, Sequence
from typing import Any

from crossbar.openapi.dialect import Node, component
from crossbar.openapi.samples import REVISION, enveloped

JSON = "application/json"
BINARY: Node = {"type": "string", "format": "binary"}

_BESIDE: Node = {
    "request_id": {"type": "string", "description": "The request's id, as in `X-Request-ID`"},
    "revision": {"type": "string", "description": "The document's revision, or a digest of the data"},
    "timestamp": {"type": "string", "format": "date-time"},
    "version": {"type": "string", "description": "The service's version"},
    "node": {"type": "string", "description": "Which instance answered"},
    "auth_token": {"type": "string", "description": "The token that the request came with, or got"},
    "metadata": {"type": "object", "description": "What is known beside the data"},
}
_KEY: Node = {"type": "string", "description": "Opaque"}
_LAST: Node = {"type": "array", "maxItems": 0, "description": "On the last page, for `paginate=true`"}
_PAGED: Node = {
    "page_size": {"type": "integer", "minimum": 0},
    "start_key": {**_KEY, "description": "The page's own start key"},
    "next_start_key": {
        "description": "The start key of the next page; none on the last one",
        "anyOf": [_KEY, _LAST],
    },
}
SCHEMAS: dict[str, Node] = {
    "AnyEnvelope": {
        "type": "object",
        "description": "What every answer in JSON has",
        "properties": {"data": {}, "status": {"enum": ["success", "error"]}, **_BESIDE},
        "required": ["data", "status", "metadata", "revision", "request_id", "timestamp", "version", "node"],
    },
    "Envelope": {
        "description": "The envelope of a success",
        "allOf": [component("AnyEnvelope"), {"properties": {"status": {"const": "success"}}}],
    },
    "Listing": {
        "description": "The envelope of a page",
        "allOf": [
            component("Envelope"),
            {"properties": {"data": {"type": "array"}, **_PAGED}, "required": ["page_size"]},
        ],
    },
}


def in_envelope(data: Node, envelope: str = "Envelope", metadata: Node | None = None) -> Node:
    """The schema of an answer's envelope around data, and the schema of the metadata beside it."""
    members = {"data": data} | ({} if metadata is None else {"metadata": metadata})
    return {"allOf": [component(envelope), {"type": "object", "properties": members}]}


def answer(
    description: str,
    data: Node,
    sample: Any,
    *,
    metadata: Node | None = None,
    sample_metadata: Mapping[str, Any] | None = None,
    headers: Sequence[str] = (),
    links: Node | None = None,
) -> Node:
    """An answer in the envelope, with a sample of its data."""
    example = enveloped(sample, revision=REVISION, metadata=dict(sample_metadata or {}))
    node: Node = {
        "description": description,
        "headers": _headers("ETag", *headers),
        "content": {JSON: {"schema": in_envelope(data, metadata=metadata), "example": example}},
    }
    return node | ({"links": links} if links else {})


def listing(description: str, entry: Node, sample: Sequence[Any], *, csv: str | None = None) -> Node:
    """A page of entries; with a sample of it, also as CSV."""
    example = enveloped(list(sample), page_size=50, revision="5c0e2a7b0d0f4c0aa1b5b8a5d0f1e7c4")
    schema = in_envelope({"type": "array", "items": entry}, "Listing")
    content: Node = {JSON: {"schema": schema, "example": example}}
    if csv is not None:
        content["text/csv"] = {"schema": {"type": "string"}, "example": csv}
    return {"description": description, "headers": _headers("ETag"), "content": content}


def files(description: str, *media_types: str, headers: Sequence[str] = ()) -> Node:
    """An answer that is a file."""
    content = {media_type: {"schema": BINARY} for media_type in media_types}
    return {"description": description, "headers": _headers(*headers), "content": content}


def nothing(description: str, *headers: str) -> Node:
    """An answer without a body."""
    return {"description": description, "headers": _headers(*headers)}


def sent(data: Node, sample: Any, *, required: bool = True, **others: Any) -> Node:
    """A request's body: data in the envelope, with a sample; `others` are further samples by name."""
    members: Node = {
        "data": data,
        "auth_token": {"type": "string", "description": "A token, where no header has it"},
        "verb": {"type": "string", "description": "The verb that a POST stands for, as in the query"},
    }
    schema: Node = {"type": "object", "properties": members, "required": ["data"]}
    samples = {"data": sample, **others}
    examples = {name: {"value": {"data": value}} for name, value in samples.items()}
    return {"required": required, "content": {JSON: {"schema": schema, "examples": examples}}}


def upload(description: str, metadata: Node, *, bare: Sequence[str] = ()) -> Node:
    """The media types of an upload with one media part; `bare` are those of media without parts."""
    parts: Node = {
        "type": "object",
        "description": description,
        "properties": {"metadata": metadata, "content": BINARY},
        "required": ["content"],
    }
    encoding = {"metadata": {"contentType": JSON}, "content": {"contentType": "audio/*"}}
    content: Node = {
        kind: {"schema": parts, "encoding": encoding} for kind in ("multipart/form-data", "multipart/mixed")
    }
    content |= {kind: {"schema": BINARY} for kind in bare}
    return content


def _headers(*names: str) -> Node:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, "X-Request-ID")}
