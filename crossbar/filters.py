"""The filters of listings, all of them ANDed: ``filter_F=v`` and its relatives; dots reach into objects."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from django.http import QueryDict

from crossbar.envelope_format import to_json
from crossbar.errors import FaultyRequest

Test = Callable[[Mapping[str, Any]], bool]
_MISSING = object()
_PRESENCE = ("has_key", "key_missing", "has_value", "value_missing", "missing_value")
_MOST = 50


class Filter:
    """What an entry must be like to be listed."""

    def __init__(self, tests: Iterable[Test] = ()) -> None:
        self._tests = tuple(tests)

    @property
    def empty(self) -> bool:
        """Whether every entry passes."""
        return not self._tests

    def matches(self, doc: Mapping[str, Any]) -> bool:
        """Whether an entry passes every test."""
        # `all` would take twice as long, and a listing asks of hundreds of entries.
        for test in self._tests:  # noqa: SIM110
            if not test(doc):
                return False
        return True


def parse_filters(query: QueryDict) -> Filter:
    """The filters of a query string; what is none is ignored. FaultyRequest for a list that is no JSON list."""
    tests = [test for name, values in query.lists() for value in values for test in _test(name, value)]
    if len(tests) > _MOST:
        raise FaultyRequest("too many filters")
    return Filter(tests)


def _test(name: str, value: str) -> Iterator[Test]:
    if name in _PRESENCE:
        yield _presence(name, value.split("."))
    elif name in ("modified_from", "modified_to"):
        yield _modified(name, value)
    else:
        # The longest prefix first: a field may be called "not_before", but Kazoo reads filter_not_ before it.
        for prefix, make in _KINDS:
            if name.startswith(prefix) and len(name) > len(prefix):
                yield make(name.removeprefix(prefix).split("."), value)
                return


def _presence(name: str, path: list[str]) -> Test:
    def has_key(doc: Mapping[str, Any]) -> bool:
        return _at(doc, path) is not _MISSING

    def has_value(doc: Mapping[str, Any]) -> bool:
        return _at(doc, path) not in (_MISSING, None, "", [], {})

    positive = has_key if "key" in name else has_value
    return positive if name.startswith("has_") else lambda doc: not positive(doc)


def _modified(name: str, value: str) -> Test:
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise FaultyRequest(f"invalid {name}")
    limit = int(value)

    def test(doc: Mapping[str, Any]) -> bool:
        found = doc.get("pvt_modified", doc.get("modified", doc.get("timestamp")))
        if not isinstance(found, int):
            return False
        return found >= limit if name == "modified_from" else found <= limit

    return test


def _equal(path: list[str], value: str) -> Test:
    return lambda doc: _same(_at(doc, path), value)


def _not_equal(path: list[str], value: str) -> Test:
    return lambda doc: not _same(_at(doc, path), value)


def _any(path: list[str], value: str) -> Test:
    wanted = _list(value)
    return lambda doc: any(_same(_at(doc, path), one) for one in wanted)


def _none(path: list[str], value: str) -> Test:
    passes = _any(path, value)
    return lambda doc: not passes(doc)


def _intersect(how: Callable[[set[str], set[str]], bool]) -> Callable[[list[str], str], Test]:
    def make(path: list[str], value: str) -> Test:
        wanted = {_text(one) for one in _list(value)}

        def test(doc: Mapping[str, Any]) -> bool:
            found = _at(doc, path)
            return how(wanted, {_text(item) for item in found} if isinstance(found, list) else set())

        return test

    return make


_KINDS: tuple[tuple[str, Callable[[list[str], str], Test]], ...] = (
    ("filter_array_intersect_any_", _intersect(lambda wanted, found: bool(wanted & found))),
    ("filter_array_intersect_all_", _intersect(lambda wanted, found: wanted <= found)),
    ("filter_array_intersect_none_", _intersect(lambda wanted, found: not wanted & found)),
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


def _list(value: str) -> list[Any]:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        # Clients also send a plain list of words.
        return value.split(",")
    if not isinstance(found, list):
        raise FaultyRequest("invalid filter value: a list is needed")
    return found


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        return found == wanted
    return found is not _MISSING and _text(found) == _text(wanted)


def _text(value: Any) -> str:
    """A value as a query string spells it: 3 and "3" are one, and so are true and "true"."""
    return value if isinstance(value, str) else to_json(value).decode()
