"""The error answers of the document: made of the exceptions that are raised, so that both say the same."""

from typing import Any

from crossbar.errors import (
    ApiError,
    BadIdentifier,
    DatastoreConflict,
    DatastoreMissingView,
    DatastoreUnreachable,
    FaultyRequest,
    Forbidden,
    InvalidCredentials,
    InvalidMethod,
    NotAcceptable,
    NotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
    RequestTooLarge,
    TooManyRequests,
    UnspecifiedFault,
    UnsupportedMediaType,
    ValidationFailed,
)
from crossbar.openapi.dialect import Node, component
from crossbar.openapi.samples import enveloped

_TOO_LONG = "String must not be more than 30 characters"
_SAMPLES: tuple[tuple[str, str, tuple[ApiError, ...]], ...] = (
    (
        "BadRequest",
        "What was sent breaks rules. `validation error` tells every failing field; `faulty_request` says what else "
        "is wrong; any other message is the reason why something can't be changed so.",
        (
            ValidationFailed.field("mailbox", "maxLength", _TOO_LONG, target=30, value="3" * 31, cause=31),
            FaultyRequest("invalid page size"),
        ),
    ),
    ("InvalidCredentials", "No token, or one that is no longer good.", (InvalidCredentials(),)),
    ("Forbidden", "The token is good, but not for this.", (Forbidden(),)),
    (
        "NotFound",
        "There is no such document (`bad_identifier`, with its id as `cause`), or no such path.",
        (BadIdentifier("3a63acc3694ba189947235ae4727941b"), NotFound()),
    ),
    ("InvalidMethod", "The path lacks the verb; of a POST, the one that it stands for.", (InvalidMethod(),)),
    ("NotAcceptable", "There is no answer of a type that `Accept` takes.", (NotAcceptable(),)),
    ("Conflict", "Another writer was quicker, again and again. Worth another try.", (DatastoreConflict(),)),
    ("PreconditionFailed", "`If-Match` names a revision that is no longer current.", (PreconditionFailed(),)),
    ("TooLarge", "The body is larger than `limit` bytes.", (RequestTooLarge(1_048_576),)),
    (
        "UnsupportedMediaType",
        "The path takes no body of this type, or none that is compressed.",
        (UnsupportedMediaType(data={"message": "unsupported media type image/png"}),),
    ),
    ("RangeNotSatisfiable", "The range begins behind the end.", (RangeNotSatisfiable(24_576),)),
    ("TooManyRequests", "Wait for as many seconds as `Retry-After` says.", (TooManyRequests(60),)),
    ("UnspecifiedFault", "A fault of the service's: its log has the details.", (UnspecifiedFault(),)),
    (
        "Unavailable",
        "CouchDB is down or slow (worth another try after `Retry-After`), or lacks a view.",
        (DatastoreUnreachable(), DatastoreMissingView()),
    ),
)
_HEADERS = {
    "Retry-After": ("Seconds to wait", {"type": "integer", "minimum": 0}),
    "Content-Range": ("`bytes */` and the whole length", {"type": "string"}),
}
NAMES = {samples[0].status: name for name, _, samples in _SAMPLES}
"""The component of each error's status."""

_DETAIL: Node = {
    "type": "object",
    "description": "What a rule says of a field",
    "properties": {
        "message": {"type": "string"},
        "target": {"description": "The limit, the types or the values that would do"},
        "value": {"description": "What was sent"},
        "cause": {"description": "What of it is wrong"},
    },
    "required": ["message"],
}
SCHEMAS: dict[str, Node] = {
    "Error": {
        "description": "The envelope of an error",
        "allOf": [
            component("AnyEnvelope"),
            {
                "type": "object",
                "properties": {
                    "status": {"const": "error"},
                    "error": {"type": "string", "pattern": "^[45][0-9][0-9]$", "description": "The HTTP status"},
                    "message": {"type": "string", "description": "What went wrong, as a word"},
                    "data": {
                        "type": "object",
                        "properties": {
                            "message": {"description": "What went wrong, in words"},
                            "cause": {"description": "What it is about, such as an id"},
                        },
                    },
                },
                "required": ["status", "error", "message", "data"],
            },
        ],
    },
    "ValidationErrors": {
        "type": "object",
        "description": "By failing field (its path, dots between) and by broken rule",
        "additionalProperties": {"type": "object", "additionalProperties": _DETAIL},
    },
}


def responses() -> dict[str, Node]:
    """The document's error answers, by name."""
    return {name: _response(description, samples) for name, description, samples in _SAMPLES}


def _response(description: str, samples: tuple[ApiError, ...]) -> Node:
    status = samples[0].status
    narrowed: Node = {"properties": {"error": {"const": str(status)}}}
    if status == 400:
        of_fields: Node = {"properties": {"message": {"const": "validation error"}}}
        narrowed |= {"if": of_fields, "then": {"properties": {"data": component("ValidationErrors")}}}
    else:
        narrowed["properties"]["message"] = {"enum": [sample.message for sample in samples]}
    examples = {sample.message.replace(" ", "_"): {"value": _body(sample)} for sample in samples}
    node: Node = {
        "description": description,
        "content": {"application/json": {"schema": {"allOf": [component("Error"), narrowed]}, "examples": examples}},
    }
    sent = {name: value for sample in samples for name, value in sample.headers.items()}
    headers = {name: _header(name, always=all(name in one.headers for one in samples)) for name in sent}
    return node | ({"headers": headers} if headers else {})


def _header(name: str, *, always: bool) -> Node:
    description, schema = _HEADERS[name]
    return {"description": description, "schema": schema} | ({"required": True} if always else {})


def _body(error: ApiError) -> dict[str, Any]:
    return enveloped(error.data, status="error", error=str(error.status), message=error.message)
