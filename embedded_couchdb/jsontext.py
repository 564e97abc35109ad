"""JSON in and out: fast, exact for integers of any size, and safe against hostile text."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from .errors import invalid_json

# orjson turns integers beyond 64 bits into floats; only text with a run of digits this long can hold one.
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
# What V8 writes for half of a surrogate pair; it escapes nothing else in this range.
_LONE_SURROGATE = re.compile(r"(?<!\\)((?:\\\\)*)\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def loads(text: bytes | str) -> Any:
    """The value of a JSON text.  Raises a 400 ``CouchError`` for anything that is not UTF-8 JSON."""
    try:
        raw = text if isinstance(text, bytes) else text.encode()
        value = orjson.loads(raw)
        if _LONG_NUMBER.search(raw):
            value = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise invalid_json() from problem
    return value


def dumps(value: Any) -> bytes:
    """The JSON text of a value, as UTF-8 and without spaces."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def loads_from_javascript(text: str) -> Any:
    """Like ``loads`` for what the JavaScript engine wrote: lone surrogates become U+FFFD."""
    try:
        return orjson.loads(text)
    except ValueError:
        return loads(well_formed(text))


def well_formed(text: str) -> str:
    """JSON text from the JavaScript engine with U+FFFD in place of escaped lone surrogates."""
    return _LONE_SURROGATE.sub(r"\1\\ufffd", text) if "\\ud" in text else text
