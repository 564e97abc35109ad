"""Pieces of work outside of requests, such as deliveries, for whoever traces them. By default nobody does."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Factory = Callable[[str], AbstractContextManager[None]]

_factories: list[Factory] = []


def span(name: str) -> AbstractContextManager[None]:
    """A context in which a piece of work is done. Its name is one of few: no id or person is in it."""
    return _factories[-1](name) if _factories else nullcontext()


def trace_with(factory: Factory) -> None:
    """Have a factory make the contexts."""
    _factories.append(factory)
