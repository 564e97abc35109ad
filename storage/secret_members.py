"""Documents without their secret members (`crossbar.secret_names`), at whatever depth these are."""

from collections.abc import Mapping
from typing import Any

from crossbar.secret_names import is_secret


def remove(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members without the secret ones, those within objects and lists included."""
    return {name: _remove_within(value) for name, value in members.items() if not is_secret(name, value)}


def _remove_within(value: Any) -> Any:
    if isinstance(value, Mapping):
        return remove(value)
    return [_remove_within(item) for item in value] if isinstance(value, list) else value
