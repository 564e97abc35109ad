"""The options of a view query, from the URL and from a POSTed body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import jsontext
from .errors import bad_request, query_error
from .reading import ReadOptions


class Unset:
    """The type of a missing key, since ``null`` is a key."""


UNSET = Unset()


@dataclass(frozen=True)
class Query:
    """A view query."""

    start_key: Any = UNSET
    end_key: Any = UNSET
    start_id: str | None = None
    end_id: str | None = None
    keys: list[Any] | None = None
    descending: bool = False
    inclusive_end: bool = True
    limit: int | None = None
    skip: int = 0
    reduce: bool | None = None
    group: bool | None = None
    group_level: int | None = None
    include_docs: bool = False
    conflicts: bool = False
    attachments: bool = False
    update: str = "true"
    update_seq: bool = False

    @property
    def read_options(self) -> ReadOptions:
        """How included documents are shown."""
        return ReadOptions(attachments=self.attachments, conflicts=self.conflicts)


def _boolean(value: Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise query_error(f'Invalid boolean parameter: "{value}"')
    return text == "true"


def _natural(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise query_error(f'Invalid value for integer: "{value}"') from None
    if number < 0:
        raise query_error(f'Invalid value for positive integer: "{value}"')
    return number


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise query_error(f"Invalid value for string: {jsontext.dumps(value).decode()}")
    return value


def _choice(*allowed: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        text = str(value).lower()
        if text not in allowed:
            raise query_error(f'Invalid value: "{value}"')
        return text

    return convert


def _unchanged(value: Any) -> Any:
    return value


def _keys(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise bad_request("`keys` parameter must be an array.")
    return value


# For each option, the member of Query that it sets, and the function that converts its value.
_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("startkey", "start_key"), ("start_key", _unchanged)),
    **dict.fromkeys(("endkey", "end_key"), ("end_key", _unchanged)),
    **dict.fromkeys(("startkey_docid", "start_key_doc_id"), ("start_id", _string)),
    **dict.fromkeys(("endkey_docid", "end_key_doc_id"), ("end_id", _string)),
    "keys": ("keys", _keys),
    "limit": ("limit", _natural),
    "skip": ("skip", _natural),
    "group_level": ("group_level", _natural),
    "update": ("update", _choice("true", "false", "lazy")),
    **{
        name: (name, _boolean)
        for name in (
            *("descending", "inclusive_end", "reduce", "group", "include_docs", "conflicts"),
            *("attachments", "update_seq"),
        )
    },
}
_JSON_OPTIONS = {"key", "keys", "startkey", "start_key", "endkey", "end_key"}
_STALE = {"ok": "false", "update_after": "lazy"}


def parse_query(url: Mapping[str, str], body: Mapping[str, Any] | None = None) -> Query:
    """A query from the options in the URL, which are texts, and in the body, which are JSON; the URL's win.

    Raises a 400 ``CouchError`` for values of the wrong kind.  Unknown options are ignored.
    """
    decoded = {name: jsontext.loads(text) if name in _JSON_OPTIONS else text for name, text in url.items()}
    members: dict[str, Any] = {}
    for name, value in {**(body or {}), **decoded}.items():
        if name == "key":
            members["start_key"] = members["end_key"] = value
        elif name == "stale":
            members["update"] = _STALE[_choice(*_STALE)(value)]
        elif name in _OPTIONS:
            member, convert = _OPTIONS[name]
            members[member] = convert(value)
    return _check_consistency(Query(**members))


def _check_consistency(query: Query) -> Query:
    bounds = (query.start_key, query.end_key)
    if query.keys:
        if bounds == (query.keys[0], query.keys[0]) and len(query.keys) == 1:
            return replace(query, start_key=UNSET, end_key=UNSET)
        if bounds != (UNSET, UNSET):
            raise query_error("`keys` is incompatible with `key`, `start_key` and `end_key`")
    if query.group is False and query.group_level:
        raise query_error("Can't specify group=false and group_level>0 at the same time")
    return query


def one_key_as_range(query: Query) -> Query:
    """Turn a query for a list of one key into one for that key, so that a reduction needs no grouping."""
    if query.keys is None or len(query.keys) != 1:
        return query
    return replace(query, keys=None, start_key=query.keys[0], end_key=query.keys[0])


def check_for_map(query: Query) -> None:
    """Refuse options that make no sense for rows that aren't reduced.  Raises a 400 ``CouchError``."""
    if query.reduce:
        raise query_error("Reduce is invalid for map-only views.")
    if query.group or query.group_level:
        raise query_error("Invalid use of grouping on a map view.")


def check_for_reduce(query: Query) -> None:
    """Refuse options that make no sense for reduced rows.  Raises a 400 ``CouchError``."""
    if query.keys is not None and not (query.group and query.group_level is None):
        raise query_error("Multi-key fetches for reduce views must use `group=true`")
    if query.include_docs:
        raise query_error("`include_docs` is invalid for reduce")
    if query.conflicts:
        raise query_error("`conflicts` is invalid for reduce views.")
