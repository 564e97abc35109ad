"""PATCH: a client's changes merged into a stored document (RFC 7396)."""

from collections.abc import Mapping
from typing import Any


def apply(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base with a patch merged into it: objects member by member, null removing a member."""
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            nested = result.get(key)
            result[key] = apply(nested if isinstance(nested, Mapping) else {}, value)
        else:
            result[key] = value
    return result
