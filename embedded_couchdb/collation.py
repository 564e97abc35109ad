"""Sort keys: bytes whose plain comparison is CouchDB's order of view keys.

null < false < true < numbers < strings < arrays < objects.  Strings follow the Unicode Collation
Algorithm; arrays and objects compare member by member, the shorter first.  Every encoded value is
prefix-free, so that a longer array never runs into what follows a shorter one.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import lru_cache
from typing import Any

from pyuca import Collator

_END, _NULL, _FALSE, _TRUE, _NUMBER, _STRING, _ARRAY, _OBJECT = (bytes([n]) for n in range(1, 9))
_LEVEL_END = b"\0"
_SIGN_BIT = 1 << 63
_ALL_BITS = (1 << 64) - 1

_collator = Collator()
# Two noncharacters that CouchDB's library gives a meaning: before and after everything else.
_collator.table.add([0xFFFE], [[0x0101, 0x20, 0x02]])
_collator.table.add([0xFFFF], [[0xFFFE, 0x20, 0x02]])


def sort_key(value: Any) -> bytes:
    """The sort key of a JSON value."""
    if isinstance(value, str):
        return string_key(value)
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, int | float):
        return _NUMBER + _number_key(value)
    if isinstance(value, list):
        return _ARRAY + b"".join(map(sort_key, value)) + _END
    members = b"".join(string_key(name) + sort_key(member) for name, member in value.items())
    return _OBJECT + members + _END


def _number_key(value: float) -> bytes:
    """Eight bytes that compare as the number does, as a double (all that a map function can emit)."""
    try:
        number = float(value) + 0.0  # adding zero makes -0.0 plain zero
    except OverflowError:
        number = float("inf") if value > 0 else float("-inf")
    (bits,) = struct.unpack(">Q", struct.pack(">d", number))
    return struct.pack(">Q", bits ^ (_ALL_BITS if bits & _SIGN_BIT else _SIGN_BIT))


def _elements_key(elements: list[list[int]]) -> tuple[bytes, bytes, bytes]:
    """Primary, secondary and tertiary weights of collation elements, ignorable ones left out."""
    return (
        b"".join(struct.pack(">H", e[0]) for e in elements if e[0]),
        b"".join(_secondary(e[1]) for e in elements if e[1]),
        b"".join(bytes([e[2]]) for e in elements if e[2]),
    )


def _secondary(weight: int) -> bytes:
    # Most weights fit a byte; the few that don't follow 0xFF, which keeps their order.
    return bytes([weight]) if weight < 0xFF else b"\xff" + struct.pack(">H", weight)


def _ascii_table(level: int) -> dict[str, bytes]:
    return {chr(n): _elements_key(_collator.collation_elements(chr(n)))[level] for n in range(128)}


# ASCII characters never combine with each other, so their weights can be put side by side.
_PRIMARY, _SECONDARY, _TERTIARY = (_ascii_table(level) for level in range(3))


@lru_cache(maxsize=20_000)
def string_key(text: str) -> bytes:
    """The sort key of a string: strings that collate as equal share one."""
    if text.isascii():
        levels = (
            b"".join([_PRIMARY[c] for c in text]),
            b"".join([_SECONDARY[c] for c in text]),
            b"".join([_TERTIARY[c] for c in text]),
        )
    else:
        levels = _elements_key(_collator.collation_elements(unicodedata.normalize("NFD", text)))
    return _STRING + _LEVEL_END.join(levels) + _LEVEL_END
