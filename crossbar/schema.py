"""Validates data by JSON schemas (draft-04), with Kazoo's casts, defaults and errors.

An error is ``{"<field path, dots between>": {"<rule>": {"message", "target"?, "cause"?, "value"?}}}``.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from crossbar.errors import ValidationFailed
from crossbar.schema_errors import Detail, error_details, field_path
from crossbar.schema_stored import StoredComparison

Schema = dict[str, Any]

_MAX_REFERENCES = 20  # in a row: more go in circles
formats = FormatChecker(formats=())
"""The formats that schemas may name. Whoever knows one adds its check."""


class SchemaValidator:
    """Validates documents by a schema.

    `store` returns the schema that a ``$ref`` names; raises LookupError if there is none.
    """

    def __init__(self, schema: Schema, store: Callable[[str], Schema]) -> None:
        self.schema = schema
        self._store = store
        registry: Registry[Any] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]
        self._validator = Draft4Validator(_absolute(schema), registry=registry, format_checker=formats)

    def _retrieve(self, uri: str) -> Resource[Any]:
        return Resource.from_contents(_absolute(self._store(uri.removeprefix("schema:"))), DRAFT4)

    def validate(
        self, data: dict[str, Any], *, defaults: bool = True, stored: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return a copy of data with the schema's defaults, and texts cast where it wants a boolean or an integer.

        `stored` is the document that the data replaces. What it holds already, and the data leaves as it is, is no
        error. Raises ValidationFailed with the errors of every failing field.
        """
        prepared: dict[str, Any] = self._prepare(self.schema, copy.deepcopy(data), self.schema, defaults)
        comparison = None if stored is None else StoredComparison(data, stored)
        errors: dict[str, dict[str, Detail]] = {}
        for error in self._validator.iter_errors(prepared):
            for steps, rule, detail in error_details(error, data):
                if comparison is None or not comparison.is_unchanged(error, steps):
                    errors.setdefault(field_path(steps), {}).setdefault(rule, detail)
        if errors:
            raise ValidationFailed(errors)
        if stored is not None:
            self.restore_empty_objects(prepared)
        return prepared

    def restore_empty_objects(self, doc: dict[str, Any]) -> None:
        """Turn each `[]` in a document into `{}` where the schema allows an object and no array."""
        self._restore(doc, [(self.schema, self.schema)])

    def _restore(self, value: Any, places: list[tuple[Schema, Schema]]) -> Any:
        """Restore empty objects in a value, for which each of some schemas holds; each comes with its root."""
        if not isinstance(value, dict | list):
            return value
        branches = [branch for schema, root in places for branch in self._branches(schema, root)]
        if value == []:
            types = {kind for schema, _ in branches for kind in _own_types(schema)}
            return {} if "object" in types and "array" not in types else value
        if isinstance(value, list):
            items = [(schema["items"], root) for schema, root in branches if isinstance(schema.get("items"), dict)]
            value[:] = [self._restore(item, items) for item in value] if items else value
            return value
        for name, member in value.items():
            if isinstance(member, dict | list):
                value[name] = self._restore(member, list(_member_schemas(branches, name)))
        return value

    def _branches(self, schema: Schema, root: Schema, depth: int = 0) -> Iterator[tuple[Schema, Schema]]:
        """Yield a schema, and all those that it combines or chooses from, with their references resolved."""
        schema, root = self._resolve(schema, root)
        yield schema, root
        if depth < _MAX_REFERENCES:
            for key in ("allOf", "anyOf", "oneOf"):
                for part in schema.get(key, ()):
                    yield from self._branches(part, root, depth + 1)

    def _resolve(self, schema: Schema, root: Schema) -> tuple[Schema, Schema]:
        """Return the schema that a ``$ref`` leads to, and the one that its own references start from."""
        for _ in range(_MAX_REFERENCES):
            ref = schema.get("$ref")
            if not isinstance(ref, str):
                break
            name, _, pointer = ref.partition("#")
            schema = root = self._store(name) if name else root
            for step in pointer.strip("/").split("/") if pointer.strip("/") else ():
                schema = schema[step.replace("~1", "/").replace("~0", "~")]
        return schema, root

    def _prepare(self, schema: Schema, value: Any, root: Schema, defaults: bool) -> Any:
        """Apply casts and defaults to a value, its members and items included."""
        schema, root = self._resolve(schema, root)
        value = _cast(_types(schema), value)
        for part in schema.get("allOf", ()):
            value = self._prepare(part, value, root, defaults)
        if isinstance(value, dict):
            self._prepare_members(schema, value, root, defaults)
        elif isinstance(value, list) and isinstance(schema.get("items"), dict):
            value = [self._prepare(schema["items"], item, root, defaults) for item in value]
        return value

    def _prepare_members(self, schema: Schema, value: dict[str, Any], root: Schema, defaults: bool) -> None:
        properties = schema.get("properties", {})
        for name, member in properties.items():
            resolved, _ = self._resolve(member, root)
            if defaults and name not in value and "default" in resolved:
                value[name] = copy.deepcopy(resolved["default"])
            if name in value:
                value[name] = self._prepare(member, value[name], root, defaults)
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict):
            for name in value.keys() - properties.keys():
                value[name] = self._prepare(additional, value[name], root, defaults)


def _absolute(schema: Any) -> Any:
    """Return a schema with URIs in place of the names in ``$ref``, which the registry needs."""
    if isinstance(schema, list):
        return [_absolute(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    absolute = {}
    for key, value in schema.items():
        if isinstance(value, str) and key in ("id", "_id", "_rev", "$schema"):
            continue
        is_name = key == "$ref" and isinstance(value, str) and not value.startswith("#")
        absolute[key] = f"schema:{value}" if is_name else _absolute(value)
    return absolute


def _member_schemas(branches: list[tuple[Schema, Schema]], name: str) -> Iterator[tuple[Schema, Schema]]:
    """Yield what each of some schemas says about a member of a document."""
    for schema, root in branches:
        member = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        if isinstance(member, dict):
            yield member, root


def _own_types(schema: Schema) -> set[str]:
    types = schema.get("type", ())
    return {types} if isinstance(types, str) else set(types)


def _types(schema: Schema) -> set[str]:
    """The types that a schema and its alternatives allow."""
    types = _own_types(schema)
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types |= _types(branch)
    return types


def _cast(types: set[str], value: Any) -> Any:
    """Return the boolean or integer in a text, where a schema wants that and no text; else the value itself."""
    if not isinstance(value, str) or "string" in types:
        return value
    if "boolean" in types and value in ("true", "false"):
        return value == "true"
    digits = value.removeprefix("-")
    if "integer" in types and digits.isascii() and digits.isdigit() and len(digits) < 19:
        return int(value)
    return value
