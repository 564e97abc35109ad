"""Values as old documents hold them: booleans and numbers as text, numbers where text belongs."""

import math
import re

_NUMBER = re.compile(r"\s*\d+(\.\d+)?\s*", re.ASCII)


def is_true(value: object) -> bool:
    """Whether a stored value is true; some are text."""
    return value in (True, "true")


def is_false(value: object) -> bool:
    """Whether a stored value is false; some are text. A missing one is neither true nor false."""
    return value in (False, "false")


def as_integer(value: object) -> int | None:
    """Return a stored time, duration or count as an integer; None if it is no number. Some are text.

    The views read numbers by the same rule (couch_views/shared/integer.js), so that counts and listings agree.
    """
    if type(value) is int:  # as nearly all are; a boolean is not
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return math.floor(value) if isinstance(value, int | float) else None


def as_text(value: object) -> str | None:
    """Return a stored mailbox or phone number as text; None if it is empty or something else. Some are integers."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) and value != "" else None
