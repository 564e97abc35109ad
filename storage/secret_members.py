"""Members of documents that are secret, at any depth: PINs, passwords, keys and tokens (``pin``, ``hotdesk.pin``).

They are told by their names, since Kazoo's documents have more of them than this project knows of.
"""

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(
    r"(?!require[^a-z])(?:.*[^a-z])?(?:(?:pin|pass|secret)[^a-z]?codes?|pins?|pwd|pass(?:word|wd|phrase)s?|secrets?"
    r"|credentials?|(?:auth[^a-z]?)?tokens?|(?:api|private|secret|sha256)[^a-z]?keys?)[0-9]*",
    re.DOTALL,
)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_secret(name: str, value: object = "") -> bool:
    """Whether a member with a name and a value is secret; a boolean isn't, nor ``require_pin`` as a text."""
    words = _WORD_START.sub("_", name).lower()  # hotdeskPin
    return not isinstance(value, bool) and _NAME.fullmatch(words) is not None


def remove(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members without the secret ones, those within objects and lists included."""
    return {name: _remove_within(value) for name, value in members.items() if not is_secret(name, value)}


def _remove_within(value: Any) -> Any:
    if isinstance(value, Mapping):
        return remove(value)
    return [_remove_within(item) for item in value] if isinstance(value, list) else value
