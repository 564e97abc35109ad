"""What a change may leave as it is stored: a value that it doesn't touch can't fail it, however wrong the value is.

An old document may break today's schema at any depth. A fault counts against a change only where the change sent
another value than the stored one. A list is compared entry by entry: stored entries may stay and move, new ones are
checked.
"""

from collections import Counter
from collections.abc import Hashable
from typing import Any

from jsonschema.exceptions import ValidationError

from crossbar.schema_errors import Steps, error_details

_MISSING = object()
"""A member that an object lacks."""
_NOWHERE = object()
"""A member of something that isn't there, or is no object."""
_AT_MOST = ("maxItems", "maxProperties")
_AT_LEAST = ("minItems", "minProperties")


class StoredComparison:
    """A document as it was sent, compared with the stored one that it replaces."""

    def __init__(self, sent: Any, stored: Any) -> None:
        self._sent, self._stored = sent, stored
        # Of each list that errors lead into, by its identity: a list of thousands of bad entries is looked at once.
        self._entries: dict[int, list[tuple[Hashable, int]]] = {}
        self._counts: dict[int, Counter[Hashable]] = {}

    def is_unchanged(self, error: ValidationError, steps: Steps) -> bool:
        """Whether the document has, at the place of an error of jsonschema's, what is stored there already.

        `steps` lead to the member that is at fault: a required one that is missing, or the value of the error itself.
        """
        value, stored_value = self._follow(steps)
        # PHP's clients, and documents that went through PHP, have [] for {}. It is read as {}.
        if _key(value) == _key(stored_value) or (value == [] and stored_value == {}):
            return True
        if value is _MISSING and stored_value is None:  # a client may leave out what it got as null, or didn't get
            return True
        if error.validator in ("anyOf", "oneOf"):
            return any(all(map(self._is_cause_unchanged, causes)) for causes in _causes_by_branch(error))
        return self._is_no_worse(str(error.validator), value, stored_value)

    def _is_cause_unchanged(self, cause: ValidationError) -> bool:
        return all(self.is_unchanged(cause, steps) for steps, _, _ in error_details(cause, self._sent))

    def _follow(self, steps: Steps) -> tuple[Any, Any]:
        """The value that steps lead to, and its stored counterpart."""
        value, stored_value = self._sent, self._stored
        for step in steps:
            if isinstance(step, int):
                value, stored_value = self._follow_index(value, step, stored_value)
            else:
                stored_value = stored_value.get(step, _MISSING) if isinstance(stored_value, dict) else _NOWHERE
                value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
        return value, stored_value

    def _follow_index(self, entries: Any, index: int, stored_entries: Any) -> tuple[Any, Any]:
        """A list's entry, and its stored counterpart: an equal one, wherever it is, else what is in its place."""
        if not isinstance(entries, list) or index >= len(entries):
            return _MISSING, _NOWHERE
        entry = entries[index]
        if not isinstance(stored_entries, list):
            return entry, _NOWHERE
        key, number = self._numbered_keys(entries)[index]
        if number <= self._count(stored_entries)[key]:
            return entry, entry
        counterpart = stored_entries[index] if index < len(stored_entries) else _NOWHERE
        return entry, counterpart if isinstance(counterpart, dict | list) else _NOWHERE

    def _numbered_keys(self, entries: list[Any]) -> list[tuple[Hashable, int]]:
        """The key of each entry of a list, and the how manieth of its kind it is."""
        if id(entries) not in self._entries:
            counts: Counter[Hashable] = Counter()
            numbered = []
            for key in map(_key, entries):
                counts[key] += 1
                numbered.append((key, counts[key]))
            self._entries[id(entries)] = numbered
        return self._entries[id(entries)]

    def _count(self, entries: list[Any]) -> Counter[Hashable]:
        """How often a list has each entry, by the entry's key."""
        if id(entries) not in self._counts:
            self._counts[id(entries)] = Counter(map(_key, entries))
        return self._counts[id(entries)]

    def _is_no_worse(self, rule: str, value: Any, stored_value: Any) -> bool:
        """Whether what is stored breaks a rule about a whole list or object, and the change breaks it no further."""
        if not isinstance(value, list | dict) or type(value) is not type(stored_value):
            return False
        if rule == "uniqueItems":
            stored_counts = Counter(map(_key, stored_value))
            return all(count <= max(1, stored_counts[key]) for key, count in Counter(map(_key, value)).items())
        if rule in _AT_MOST:
            return len(value) <= len(stored_value)
        return rule in _AT_LEAST and len(value) >= len(stored_value)


def _key(value: Any) -> Hashable:
    """A value that equals another one's if the two are the same JSON. In Python, true equals 1."""
    if isinstance(value, dict):
        return "{}", frozenset((name, _key(member)) for name, member in value.items())
    if isinstance(value, list):
        return "[]", tuple(map(_key, value))
    return (bool, value) if isinstance(value, bool) else value


def _causes_by_branch(error: ValidationError) -> list[list[ValidationError]]:
    """The errors of each alternative, where none is met."""
    branches: dict[Any, list[ValidationError]] = {}
    for cause in error.context or ():
        branches.setdefault(cause.schema_path[0], []).append(cause)
    return list(branches.values())
