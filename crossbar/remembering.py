"""Answers that are remembered, of functions of texts that clients send.

Whoever sends long texts on purpose fills no memory with them: what is remembered is short.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

_LONGEST = 300

Answer = TypeVar("Answer")


def of_short_texts(count: int) -> Callable[[Callable[[str], Answer]], Callable[[str], Answer]]:
    """Decorates a function of one text, so that it remembers its answers to so many texts, the last used, if short.

    What it raises is not remembered.
    """

    def decorate(function: Callable[[str], Answer]) -> Callable[[str], Answer]:
        remembered = lru_cache(maxsize=count)(function)

        @wraps(function)
        def answer(text: str) -> Answer:
            return remembered(text) if len(text) <= _LONGEST else function(text)

        return answer

    return decorate
