"""Numbers of callers: the same number however it is spelled, and numbers that may be the same caller's."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from voicemail.messages import metadata

_MIN_DIGITS = 3
_SIMILAR_DIGITS = 7
_NOT_DIGIT = re.compile(r"[^0-9]+")


def normalize(number: str) -> str:
    """The digits of a number, without the prefix of international calls; empty if it is no number.

    ``+49 30 123456``, ``0049-30-123456`` and ``4930123456`` are the same number.
    """
    digits = _NOT_DIGIT.sub("", number)
    digits = digits[2:] if digits.startswith("00") else digits
    return digits if len(digits) >= _MIN_DIGITS else ""


def digest(numbers: Iterable[str]) -> str:
    """What tells numbers from others, and doesn't tell them: made with the service's secret key."""
    text = ",".join(sorted(map(normalize, numbers)))
    return hmac.new(b"erasure.callers:" + settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def caller_numbers(message_metadata: Mapping[str, Any]) -> set[str]:
    """The normalized numbers that a message's metadata, or an entry of 3.x, names as its caller."""
    origin = str(message_metadata.get("from") or "").partition("@")[0]
    values = (message_metadata.get("caller_id_number"), message_metadata.get("from_user"), origin)
    return {number for value in values if value and (number := normalize(str(value)))}


def is_from(doc: Mapping[str, Any], numbers: frozenset[str]) -> bool:
    """Whether a message's document names one of some normalized numbers as its caller."""
    return not numbers.isdisjoint(caller_numbers(metadata.of(doc)))


def similar(message_metadata: Mapping[str, Any], numbers: frozenset[str]) -> str | None:
    """The caller's number if it isn't one of some numbers, but ends as one of them does; else None."""
    for number in caller_numbers(message_metadata) - numbers:
        if any(_ends_alike(number, other) for other in numbers):
            return number
    return None


def _ends_alike(number: str, other: str) -> bool:
    shorter, longer = sorted((number.lstrip("0"), other.lstrip("0")), key=len)
    return len(shorter) >= _SIMILAR_DIGITS and longer.endswith(shorter)
