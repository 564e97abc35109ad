"""A zoo of odd documents: what years of tools, versions and mishaps leave in the fields of a CouchDB."""

import copy
from collections.abc import Iterable, Iterator
from typing import Any

Document = dict[str, Any]
Path = tuple[str, ...]

MISSING = object()
"""Stands for a field that isn't there."""
ODD_VALUES: tuple[Any, ...] = (
    None,
    "",
    "NaN",
    "\0\x1b[1m\u202e\x7f<b>\n" + "x" * 300,
    -1,
    1e30,
    1.5,
    True,
    [1, None, {"a": []}],
    {"text": {"a": [None]}, "result": 7},
    MISSING,
)


def one_by_one(doc: Document, sane: Iterable[str] = ()) -> Iterator[Document]:
    """Yield the document with each of its fields, at any depth, replaced by each odd value; `sane` ones stay."""
    for path in _paths(doc, frozenset(sane)):
        for value in ODD_VALUES:
            yield _replaced(doc, path, value)


def all_at_once(doc: Document, sane: Iterable[str]) -> Iterator[Document]:
    """Yield the document with all of its fields odd, in as many variants as it takes for each to have each value."""
    paths = _paths(doc, frozenset(sane))
    for shift in range(len(ODD_VALUES)):
        odd = doc
        # Members go before the object that holds them, which becomes odd as a whole in turn.
        for number, path in enumerate(paths):
            value = ODD_VALUES[(number + shift) % len(ODD_VALUES)]
            is_object = isinstance(_value_at(doc, path), dict)
            if not is_object or shift % 2:
                odd = _replaced(odd, path, value)
        yield odd


def _paths(doc: Document, sane: frozenset[str], prefix: Path = ()) -> list[Path]:
    """The paths of all fields, those of an object before its own."""
    paths: list[Path] = []
    for name, value in doc.items():
        if prefix or name not in sane:
            if isinstance(value, dict):
                paths += _paths(value, sane, (*prefix, name))
            paths.append((*prefix, name))
    return paths


def _value_at(doc: Any, path: Path) -> Any:
    for name in path:
        doc = doc.get(name) if isinstance(doc, dict) else None
    return doc


def _replaced(doc: Document, path: Path, value: Any) -> Document:
    changed = copy.deepcopy(doc)
    parent = _value_at(changed, path[:-1])
    if not isinstance(parent, dict):
        return changed
    if value is MISSING:
        parent.pop(path[-1], None)
    else:
        parent[path[-1]] = copy.deepcopy(value)
    return changed
