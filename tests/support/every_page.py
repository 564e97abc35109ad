"""Every path of the service that the URL configuration names, with values for its parameters."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from django.urls import get_resolver

_PARAMETER = re.compile(r"\(\?P<(\w+)>[^()]*\)|<(?:\w+:)?(\w+)>")
_SYNTAX = re.compile(r"[\^$\\]|/\?")


def paths(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    """Yield every path, with the parameters in it as Django writes them."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from paths(pattern, path)
        else:
            yield path


def parameters(path: str) -> list[str]:
    """The names of a path's parameters, in order."""
    return [first or second for first, second in _PARAMETER.findall(path)]


def fill_in(path: str, values: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a path with each combination of values for its parameters; one without values is a 1."""
    for combination in product(*(values.get(name, ["1"]) for name in parameters(path))):
        filled = path
        for value in combination:
            filled = _PARAMETER.sub(value, filled, count=1)
        yield _SYNTAX.sub("", filled)
