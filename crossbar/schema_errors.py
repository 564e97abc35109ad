"""What breaks a JSON schema, as the API tells it: field path, rule, message and what else clients read."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

Detail = dict[str, Any]

_MESSAGES = {
    "type": "Value did not match type(s): {}",
    "minLength": "String must be at least {} characters",
    "maxLength": "String must not be more than {} characters",
    "enum": "Value not found in enumerated list of values",
    "minimum": "Value must be at least {}",
    "maximum": "Value must be at most {}",
    "uniqueItems": "List of items is not unique",
    "minItems": "The list must have at least {} items",
    "maxItems": "The list must not have more than {} items",
    "minProperties": "{} or more members are needed",
    "wrong_format": "Field is not in the correct format",
    "additionalProperties": "Field is not known",
    "additionalItems": "The list has items that are not known",
}
_REQUIRED = "Field is required but missing"
_RULES = {"pattern": "wrong_format", "format": "wrong_format", "anyOf": "type", "oneOf": "type"}
# These tell the value as the cause, too.
_WITH_CAUSE = ("minLength", "maxLength")


def details(error: ValidationError, sent: Any) -> Iterator[tuple[str, str, Detail]]:
    """One error of jsonschema's as (field path, rule, detail); of unknown members, one for each.

    `sent` is the whole value as the client sent it, before casts and defaults.
    """
    path = list(error.absolute_path)
    rule, limit = str(error.validator), error.validator_value
    value: Any = error.instance
    if rule == "required":
        yield field_path([*path, _missing(error)]), rule, {"message": _REQUIRED, "value": _at(sent, path, value)}
    elif rule == "additionalProperties" and limit is False:
        for name in sorted(_unknown(error)):
            yield field_path([*path, name]), rule, {"message": _MESSAGES[rule], "value": value[name]}
    elif rule == "additionalItems" and limit is False:
        yield field_path(path), rule, {"message": _MESSAGES[rule], "value": value}
    else:
        yield field_path(path), _RULES.get(rule, rule), _detail(rule, limit, value)


def field_path(steps: Iterable[str | int]) -> str:
    """Where a field is, with dots between its steps."""
    return ".".join(map(str, steps))


def _detail(rule: str, limit: Any, value: Any) -> Detail:
    ours = _RULES.get(rule, rule)
    if ours == "type":
        limit = ", ".join(_types(rule, limit))
    detail = {"message": _MESSAGES.get(ours, "Value is not allowed").format(limit), "target": limit, "value": value}
    return {**detail, "cause": value} if ours in _WITH_CAUSE else detail


def _types(rule: str, limit: Any) -> list[str]:
    if rule == "type":
        return limit if isinstance(limit, list) else [limit]
    types = [branch.get("type", []) for branch in limit if isinstance(branch, dict)]
    return [name for found in types for name in ([found] if isinstance(found, str) else found)]


def _missing(error: ValidationError) -> str:
    """The member that is missing: jsonschema tells one error for each, and names it only in its message."""
    names = error.validator_value if isinstance(error.validator_value, list) else []
    instance: Any = error.instance
    return next((name for name in names if name not in instance and error.message.startswith(repr(name))), "")


def _unknown(error: ValidationError) -> set[str]:
    """The members that a schema neither names nor has a pattern for."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
    instance: Any = error.instance
    others = set(instance) - set(schema.get("properties", {}))
    return {name for name in others if not any(pattern.search(name) for pattern in patterns)}


def _at(sent: Any, path: Iterable[str | int], otherwise: Any) -> Any:
    """What the client sent at a place; otherwise when a default has put the place there."""
    try:
        for step in path:
            sent = sent[step]
    except (KeyError, IndexError, TypeError):
        return otherwise
    return sent
