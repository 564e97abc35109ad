"""Members of documents that are secret, at any depth: PINs, passwords, keys and tokens (``pin``, ``hotdesk.pin``).

They are told by their names, since Kazoo's documents have more of them than this project knows of.
"""

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(
    r"(?!require_)(?:.*[^a-z])?(?:pins?|pin_?codes?|pass(?:word|wd|code)s?|secrets?|credentials?|(?:auth_?)?tokens?|api_?keys?)",
    re.IGNORECASE | re.DOTALL,
)


def is_secret(name: str, value: object = "") -> bool:
    """Whether a member with a name and a value is secret; a boolean isn't, nor ``require_pin`` as a text."""
    return not isinstance(value, bool) and _NAME.fullmatch(name) is not None


def remove(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members without the secret ones, those within objects and lists included."""
    return {name: _remove_within(value) for name, value in members.items() if not is_secret(name, value)}


def _remove_within(value: Any) -> Any:
    if isinstance(value, Mapping):
        return remove(value)
    return [_remove_within(item) for item in value] if isinstance(value, list) else value
