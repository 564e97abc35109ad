"""Filters of listings, all ANDed: ``filter_F=v`` and its relatives. Dots in a field's name reach into objects."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from django.http import QueryDict

from crossbar.envelope_format import to_json
from crossbar.errors import FaultyRequest

Test = Callable[[Mapping[str, Any]], bool]
_MISSING = object()
_PRESENCE = ("has_key", "key_missing", "has_value", "value_missing", "missing_value")
_MODIFIED = ("modified_from", "modified_to")
_MAX_FILTERS = 50


class Filter:
    """The tests that an entry must pass to be listed."""

    def __init__(self, tests: Iterable[Test] = ()) -> None:
        self._tests = tuple(tests)

    @property
    def is_empty(self) -> bool:
        """Whether every entry passes."""
        return not self._tests

    def matches(self, doc: Mapping[str, Any]) -> bool:
        """Whether an entry passes every test."""
        # `all` would take twice as long, and a listing filters hundreds of entries.
        for test in self._tests:  # noqa: SIM110
            if not test(doc):
                return False
        return True


def parse_filters(query: QueryDict) -> Filter:
    """Return the filters of a query string; raises FaultyRequest for a malformed list or too many filters."""
    tests = [test for name, values in query.lists() for value in values for test in _tests(name, value)]
    if len(tests) > _MAX_FILTERS:
        raise FaultyRequest("too many filters")
    return Filter(tests)


def has_filters(query: QueryDict) -> bool:
    """Return whether a query string has filters; raises FaultyRequest for a malformed one."""
    return any(True for name, value in query.items() for _ in _tests(name, str(value)))


def _tests(name: str, value: str) -> Iterator[Test]:
    if name in _PRESENCE:
        yield _presence(name, value.split("."))
    elif name in _MODIFIED:
        yield _time(name, value)
    else:
        # The longest prefix counts: a field may be called "not_before", but Kazoo reads filter_not_ before it.
        for prefix, make_test in _PREFIXES:
            if name.startswith(prefix) and len(name) > len(prefix):
                yield make_test(name.removeprefix(prefix).split("."), value)
                return


def _presence(name: str, path: list[str]) -> Test:
    def has_key(doc: Mapping[str, Any]) -> bool:
        return _at(doc, path) is not _MISSING

    def has_value(doc: Mapping[str, Any]) -> bool:
        return _at(doc, path) not in (_MISSING, None, "", [], {})

    positive = has_key if "key" in name else has_value
    return positive if name.startswith("has_") else lambda doc: not positive(doc)


def _time(name: str, value: str) -> Test:
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise FaultyRequest(f"invalid {name}")
    limit = int(value)

    def test(doc: Mapping[str, Any]) -> bool:
        time = _modified(doc)
        if not isinstance(time, int):
            return False
        return time >= limit if name.endswith("_from") else time <= limit

    return test


def _modified(doc: Mapping[str, Any]) -> Any:
    return doc.get("pvt_modified", doc.get("modified", doc.get("timestamp")))


def _equal(path: list[str], value: str) -> Test:
    return lambda doc: _same(_at(doc, path), value)


def _not_equal(path: list[str], value: str) -> Test:
    return lambda doc: not _same(_at(doc, path), value)


def _any(path: list[str], value: str) -> Test:
    texts = {_as_text(item) for item in _parse_list(value)}

    def test(doc: Mapping[str, Any]) -> bool:
        stored = _at(doc, path)
        return stored is not _MISSING and _as_text(stored) in texts

    return test


def _none(path: list[str], value: str) -> Test:
    passes = _any(path, value)
    return lambda doc: not passes(doc)


def _intersection(compare: Callable[[set[str], set[str]], bool]) -> Callable[[list[str], str], Test]:
    """Tests that compare a query's list of values with a field's list."""

    def make_test(path: list[str], value: str) -> Test:
        values = {_as_text(item) for item in _parse_list(value)}

        def test(doc: Mapping[str, Any]) -> bool:
            stored = _at(doc, path)
            return compare(values, {_as_text(item) for item in stored} if isinstance(stored, list) else set())

        return test

    return make_test


_PREFIXES: tuple[tuple[str, Callable[[list[str], str], Test]], ...] = (
    ("filter_array_intersect_any_", _intersection(lambda values, stored: bool(values & stored))),
    ("filter_array_intersect_all_", _intersection(lambda values, stored: values <= stored)),
    ("filter_array_intersect_none_", _intersection(lambda values, stored: not values & stored)),
    ("filter_not_", _not_equal),
    ("filter_any_", _any),
    ("filter_none_", _none),
    ("filter_", _equal),
)


def _at(doc: Any, path: list[str]) -> Any:
    for step in path:
        if not isinstance(doc, dict):
            return _MISSING
        doc = doc.get(step, _MISSING)
    return doc


def _parse_list(value: str) -> list[Any]:
    try:
        items = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value.split(",")  # clients also send plain words
    if not isinstance(items, list):
        raise FaultyRequest("invalid filter value: a list is needed")
    return items


def _same(stored: Any, value: Any) -> bool:
    if isinstance(stored, str) and isinstance(value, str):
        return stored == value
    return stored is not _MISSING and _as_text(stored) == _as_text(value)


def _as_text(value: Any) -> str:
    """A value as a query string writes it: 3 and "3" are the same, and so are true and "true"."""
    return value if isinstance(value, str) else to_json(value).decode()
