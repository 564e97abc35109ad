"""The names of members that are secret wherever they are: PINs, passwords, keys and tokens, such as ``hotdesk.pin``.

Secrets are told by their names, since Kazoo's documents have more of them than this project knows of.
"""

import re

from crossbar.caching import cache_short_texts

_NAME = re.compile(
    r"(?!require[^a-z])(?:.*[^a-z])?(?:(?:pin|pass|secret)[^a-z]?codes?|pins?|pwd|pass(?:word|wd|phrase)s?|secrets?"
    r"|credentials?|(?:auth[^a-z]?)?tokens?|(?:api|private|secret|sha256)[^a-z]?keys?)[0-9]*",
    re.DOTALL,
)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_secret(name: str, value: object = "") -> bool:
    """Whether a member with a name and a value is secret; a boolean isn't, nor ``require_pin`` as a text."""
    return not isinstance(value, bool) and _is_secret_name(name)


@cache_short_texts(2_000)
def _is_secret_name(name: str) -> bool:
    return _NAME.fullmatch(_WORD_START.sub("_", name).lower()) is not None  # hotdeskPin
