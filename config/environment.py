"""Reading the environment: the one source of this service's configuration (the table is docs/configuration.md)."""

import os
from pathlib import Path
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str = "") -> str:
    """A variable's text without surrounding blanks; an empty variable counts as absent."""
    return os.environ.get(name, "").strip() or default


def secret(name: str, default: str = "") -> str:
    """A text that is better not seen in an environment: ``NAME``, or what the file that ``NAME_FILE`` names holds."""
    if given := text(name):
        return given
    file = text(f"{name}_FILE")
    if not file:
        return default
    try:
        return Path(file).read_text(encoding="utf-8").strip() or default
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ImproperlyConfigured(f"{name}_FILE: {file} can't be read: {reason}.") from error


def words(name: str, default: str = "") -> list[str]:
    """A list that is written with commas between its words."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def flag(name: str, default: bool = False) -> bool:
    """A yes or no, in the spellings people use."""
    value = os.environ.get(name)
    if value is None:
        return default
    spelled = value.strip().lower()
    if spelled not in _TRUE | _FALSE:
        _refuse(name, value, "1 or 0")
    return spelled in _TRUE


def whole(name: str, default: int, minimum: int = 0) -> int:
    """A whole number that is not below the minimum."""
    value = text(name, str(default))
    if not value.isdecimal() or int(value) < minimum:
        _refuse(name, value, f"a whole number of at least {minimum}")
    return int(value)


def seconds(name: str, default: float) -> float:
    """A length of time, fractions allowed."""
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        _refuse(name, value, "a number of seconds above 0")
    return number


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of a few words, upper and lower case being the same."""
    value = text(name, default).upper()
    if value not in allowed:
        _refuse(name, value, "one of " + ", ".join(allowed))
    return value


def _refuse(name: str, value: str, wanted: str) -> NoReturn:
    raise ImproperlyConfigured(f"{name} must be {wanted}, not {value!r}.")
