"""The API document of all there is, made once in a process, when somebody first asks for it."""

import hashlib
from functools import cache
from typing import Any, NamedTuple

import orjson
import yaml

import accounts.openapi
import voicemail.openapi
from crossbar.openapi.bodies import nothing
from crossbar.openapi.dialect import Node, changes_of, modern
from crossbar.openapi.generator import Generator
from crossbar.openapi.operations import Operation, Table
from crossbar.openapi.parameters import KNOWN
from storage import schemas

DESCRIPTION = """\
Voicemail boxes and messages over HTTP, as Kazoo's clients know them.

* Every path works with and without a slash at its end, every GET also as HEAD, every path with OPTIONS.
* Every answer has CORS headers: pages of any origin may ask.
* A body of JSON is an envelope, `{"data": {...}}`, whatever its content type says of JSON; so is every answer,
  errors included.
* A POST stands for another verb with `?verb=PUT`, or `"verb": "PUT"` in the envelope.
* Times are Gregorian seconds (since the year 0), lengths milliseconds.
* Where the schemas want a boolean or an integer, a text that spells one will do. Unknown members are kept. Documents
  that an old Kazoo wrote may break today's schemas, and are shown as they are.

To try it here: sign in, copy the `auth_token` of the answer, and put it behind *Authorize*.
"""
_DOCUMENT = "Reference"
_OBJECT: Node = {"type": "object", "description": "An OpenAPI document"}


def _file(name: str, summary: str, media_type: str, schema: Node) -> Operation:
    content = {media_type: {"schema": schema}}
    answers = {200: {**nothing(summary, "ETag"), "content": content}}
    return Operation(name, _DOCUMENT, summary, answers, parameters=(KNOWN,), public=True, enveloped=False)


OPERATIONS: Table = {
    ("GET", "/v2/openapi.json"): _file("getDocument", "This document", "application/json", _OBJECT),
    ("GET", "/v2/openapi.yaml"): _file("getDocumentAsYaml", "This document as YAML", "application/yaml", _OBJECT),
    ("GET", "/v2/docs"): Operation(
        "getPage",
        _DOCUMENT,
        "This document as a page to browse and try",
        {200: {**nothing("The page."), "content": {"text/html": {"schema": {"type": "string"}}}}},
        public=True,
        enveloped=False,
    ),
}
TABLE: Table = {**voicemail.openapi.OPERATIONS, **accounts.openapi.OPERATIONS, **OPERATIONS}


class Serialized(NamedTuple):
    """The document as a file: its content, and what tells it from other versions."""

    content: bytes
    etag: str


def document() -> dict[str, Any]:
    """The document, made anew."""
    found = Generator(TABLE, _schemas(), accounts.openapi.PARAMETERS | voicemail.openapi.PARAMETERS).document()
    found["info"]["description"] = DESCRIPTION
    found["tags"] = voicemail.openapi.TAGS + accounts.openapi.TAGS
    return found


def _schemas() -> dict[str, Node]:
    """The schemas that the service comes with, what a PATCH takes of them, and the apps' own."""
    shipped = {name: modern(schema) for name in schemas.shipped_names() if (schema := schemas.shipped(name))}
    changes = {f"{name}_changes": changes_of(name, shipped[name]) for name in ("accounts", "users", "vmboxes")}
    return {**shipped, **changes, **accounts.openapi.SCHEMAS, **voicemail.openapi.SCHEMAS}


@cache
def as_json() -> Serialized:
    """The document as JSON."""
    return _serialized(orjson.dumps(document()))


@cache
def as_yaml() -> Serialized:
    """The document as YAML."""
    text: str = yaml.safe_dump(orjson.loads(as_json().content), allow_unicode=True, sort_keys=False, width=110)
    return _serialized(text.encode())


def _serialized(content: bytes) -> Serialized:
    return Serialized(content, f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"')
