"""What breaks a JSON schema, in Kazoo's words: field path, rule, message and what else clients read."""

from collections.abc import Iterator
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
    "wrong_format": "Field is not in the correct format",
    "additionalProperties": "Field is not known",
}
_RULES = {"pattern": "wrong_format", "format": "wrong_format", "anyOf": "type", "oneOf": "type"}
# These tell the value as the cause, too.
_WITH_CAUSE = ("minLength", "maxLength")


def details(error: ValidationError) -> Iterator[tuple[str, str, Detail]]:
    """One error of jsonschema's as (field path with dots, rule, detail); of an unknown member, one per member."""
    path = [str(step) for step in error.absolute_path]
    rule, limit = str(error.validator), error.validator_value
    value: Any = error.instance
    if rule == "required":
        yield ".".join([*path, _missing(error)]), rule, {"message": "Field is required but missing"}
    elif rule == "additionalProperties":
        schema = error.schema if isinstance(error.schema, dict) else {}
        for name in sorted(set(value) - set(schema.get("properties", {}))):
            yield ".".join([*path, name]), rule, {"message": _MESSAGES[rule], "target": name}
    else:
        yield ".".join(path), _RULES.get(rule, rule), _detail(rule, limit, value)


def _detail(rule: str, limit: Any, value: Any) -> Detail:
    ours = _RULES.get(rule, rule)
    if ours == "type":
        limit = ", ".join(_types(rule, limit))
    detail = {"message": _MESSAGES.get(ours, "Value is not allowed").format(limit), "target": limit, "value": value}
    return {**detail, "cause": value} if ours in _WITH_CAUSE else detail


def _types(rule: str, limit: Any) -> list[str]:
    if rule != "type":
        return [str(branch["type"]) for branch in limit if isinstance(branch, dict) and "type" in branch]
    return limit if isinstance(limit, list) else [limit]


def _missing(error: ValidationError) -> str:
    """The member that is missing: jsonschema tells one error for each, and names it only in its message."""
    names = error.validator_value if isinstance(error.validator_value, list) else []
    instance: Any = error.instance
    return next((name for name in names if name not in instance and repr(name) in error.message), "")
