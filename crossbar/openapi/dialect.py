"""JSON schemas of draft-04, as Kazoo has them, in the dialect of OpenAPI 3.1 (that of JSON schema 2020-12)."""

from typing import Any

Node = dict[str, Any]
"""An object of an OpenAPI document."""

_NAMED = ("properties", "patternProperties", "definitions")
_LISTED = ("allOf", "anyOf", "oneOf")
_SINGLE = ("items", "additionalItems", "additionalProperties", "not")
_LEFT_OUT = ("$schema", "id", "_id", "_rev", "exclusiveMinimum", "exclusiveMaximum")


def component(name: str) -> Node:
    """A reference to one of the document's schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def modern(schema: Node) -> Node:
    """A draft-04 schema in OpenAPI's dialect; references to other schemas by name lead to the document's own."""
    changed: Node = {}
    for key, value in schema.items():
        if key in _LEFT_OUT and not isinstance(value, dict):
            continue
        changed |= _keyword(key, value)
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if schema.get(exclusive) is True and limit in changed:
            changed[exclusive] = changed.pop(limit)
    return changed


def _keyword(key: str, value: Any) -> Node:
    if key == "$ref" and isinstance(value, str):
        return {key: value.replace("#/definitions/", "#/$defs/")} if value.startswith("#") else component(value)
    if key == "support_level":
        return {"x-support-level": value}
    if key == "items" and isinstance(value, list):
        return {"prefixItems": [_schema(item) for item in value]}
    if key in _NAMED and isinstance(value, dict):
        return {"$defs" if key == "definitions" else key: {name: _schema(one) for name, one in value.items()}}
    if key in _LISTED and isinstance(value, list):
        return {key: [_schema(one) for one in value]}
    if key == "dependencies" and isinstance(value, dict):
        return _dependencies(value)
    return {key: _schema(value) if key in _SINGLE else value}


def _dependencies(value: Node) -> Node:
    required = {name: one for name, one in value.items() if isinstance(one, list)}
    schemas = {name: _schema(one) for name, one in value.items() if isinstance(one, dict)}
    kinds = {"dependentRequired": required, "dependentSchemas": schemas}
    return {key: kind for key, kind in kinds.items() if kind}


def _schema(value: Any) -> Any:
    return modern(value) if isinstance(value, dict) else value


def changes_of(name: str, schema: Node) -> Node:
    """What a PATCH of documents with this (modern) schema takes: any of its members, null removing one."""

    def nullable(pointer: str, member: Node) -> Node:
        inner = member.get("properties")
        return {"anyOf": [_changes(pointer, inner) if inner else {"$ref": pointer}, {"type": "null"}]}

    def _changes(pointer: str, members: Node) -> Node:
        members = {each: nullable(f"{pointer}/properties/{each}", one) for each, one in members.items()}
        return {"type": "object", "properties": members}

    changes = _changes(f"#/components/schemas/{name}", schema.get("properties", {}))
    return {"description": f"Members of {name} to change; null removes one", **changes}
