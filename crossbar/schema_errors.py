"""Errors of JSON schemas in the API's form: field path, rule, and a message with details."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jsonschema.exceptions import ValidationError

Detail = dict[str, Any]
Steps = Sequence[str | int]
"""The names and indexes that lead to a field from the whole document."""

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
# The details of these have the value as their cause, too.
_WITH_CAUSE = ("minLength", "maxLength")


def error_details(error: ValidationError, data: Any) -> Iterator[tuple[Steps, str, Detail]]:
    """Yield the steps to the field, the rule and the details of an error of jsonschema's; for unknown members, each.

    `data` is the whole value as the client sent it, before casts and defaults.
    """
    path = list(error.absolute_path)
    rule, limit = str(error.validator), error.validator_value
    value: Any = error.instance
    if rule == "required":
        details = {"message": _REQUIRED, "value": _value_at(data, path, value)}
        yield [*path, _missing_member(error)], rule, details
    elif rule == "additionalProperties" and limit is False:
        for name in sorted(_unknown_members(error)):
            yield [*path, name], rule, {"message": _MESSAGES[rule], "value": value[name]}
    elif rule == "additionalItems" and limit is False:
        yield path, rule, {"message": _MESSAGES[rule], "value": value}
    else:
        yield path, _RULES.get(rule, rule), _limit_details(rule, limit, value)


def field_path(steps: Steps) -> str:
    """The path of a field, with dots between its steps."""
    return ".".join(map(str, steps))


def _limit_details(rule: str, limit: Any, value: Any) -> Detail:
    api_rule = _RULES.get(rule, rule)
    if api_rule == "type":
        limit = ", ".join(_allowed_types(rule, limit))
    message = _MESSAGES.get(api_rule, "Value is not allowed").format(limit)
    details = {"message": message, "target": limit, "value": value}
    return {**details, "cause": value} if api_rule in _WITH_CAUSE else details


def _allowed_types(rule: str, limit: Any) -> list[str]:
    if rule == "type":
        return limit if isinstance(limit, list) else [limit]
    types = [branch.get("type", []) for branch in limit if isinstance(branch, dict)]
    return [name for names in types for name in ([names] if isinstance(names, str) else names)]


def _missing_member(error: ValidationError) -> str:
    """The member that is missing. jsonschema has an error for each, but names it only in the message."""
    names = error.validator_value if isinstance(error.validator_value, list) else []
    instance: Any = error.instance
    return next((name for name in names if name not in instance and error.message.startswith(repr(name))), "")


def _unknown_members(error: ValidationError) -> set[str]:
    """The members that a schema neither names nor has a pattern for."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
    instance: Any = error.instance
    unnamed = set(instance) - set(schema.get("properties", {}))
    return {name for name in unnamed if not any(pattern.search(name) for pattern in patterns)}


def _value_at(data: Any, path: Iterable[str | int], default: Any) -> Any:
    """What the client sent at a path; the default if it sent nothing there."""
    try:
        for step in path:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return default
    return data
