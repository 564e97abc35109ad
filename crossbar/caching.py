"""Caches for functions of short texts that clients send, such as paths and headers."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

_MAX_LENGTH = 300

Result = TypeVar("Result")


def cache_short_texts(maxsize: int) -> Callable[[Callable[[str], Result]], Callable[[str], Result]]:
    """Decorate a function of one text with a cache of its last `maxsize` results; exceptions are not cached.

    Results for texts longer than 300 characters aren't cached either, so that nobody can fill the memory with them.
    """

    def decorate(function: Callable[[str], Result]) -> Callable[[str], Result]:
        cached = lru_cache(maxsize=maxsize)(function)

        @wraps(function)
        def call(text: str) -> Result:
            return cached(text) if len(text) <= _MAX_LENGTH else function(text)

        return call

    return decorate
