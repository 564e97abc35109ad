"""What stays of a box's array: nothing of what has become a message, and all of what has not."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import orjson

from couch.client import Document
from storage import documents, private_fields
from storage.private_fields import Actor
from voicemail.legacy import boxes
from voicemail.legacy.entries import ERROR, MESSAGES, TRIES
from voicemail.legacy.outcomes import EntryResult, Outcome
from voicemail.mailboxes import store as mailbox_store


class Keeper(Protocol):
    """Sees to one box's array."""

    def settle(self, results: Iterable[EntryResult]) -> Document | None:
        """Entries have become messages, or failed. Safe to repeat. The box as it is here then, None if it is gone."""


class ServedKeeper:
    """For a box whose array is where it always was: what is done leaves it, what failed is marked there."""

    def __init__(self, account_id: str, box_id: str, actor: Actor | None = None) -> None:
        self._account_id, self._box_id, self._actor = account_id, box_id, actor

    def settle(self, results: Iterable[EntryResult]) -> Document | None:
        """Take out what is done, mark what failed; the box's old-fashioned members are brought up to date."""
        return boxes.apply_results(self._account_id, self._box_id, results, self._actor)


class ForeignKeeper:
    """For a box whose array is in another system: what failed is kept in the box here, and leaves it when it is done.

    The entries come batch by batch. As many of one kind are kept as the source has, however often this is done.
    """

    def __init__(self, account_id: str, box_id: str, actor: Actor | None = None) -> None:
        self._account_id, self._box_id, self._actor = account_id, box_id, actor
        self._failed: Counter[bytes] = Counter()
        self._raw: dict[bytes, Any] = {}
        self._done: set[bytes] = set()

    def settle(self, results: Iterable[EntryResult]) -> Document | None:
        """Keep what failed, drop what is done."""
        for result in results:
            spelt = spelled(result.entry.raw)
            if result.outcome is Outcome.FAILED:
                self._failed[spelt] += 1
                self._raw[spelt] = _marked(result.entry.raw, result.reason or "")
            else:
                self._done.add(spelt)
        return documents.update(mailbox_store.database_of(self._account_id), self._box_id, self._change)

    def _change(self, stored: Document) -> Document | None:
        found = stored.get(MESSAGES)
        array = found if isinstance(found, list) else []
        left = [raw for raw in array if (one := spelled(raw)) not in self._done or one in self._failed]
        present = Counter(map(spelled, left))
        for one, count in self._failed.items():
            left += [self._raw[one]] * (count - present[one])
        if left == array:
            return None
        return private_fields.stamp_update({**stored, MESSAGES: left}, actor=self._actor)


def _marked(raw: Any, reason: str) -> Any:
    return {**raw, ERROR: reason, TRIES: 1} if isinstance(raw, dict) else raw


def spelled(raw: Any) -> bytes:
    """What makes an entry itself: all of it but for the marks of attempts."""
    own: Any = raw
    if isinstance(raw, Mapping):
        own = {key: value for key, value in raw.items() if key not in (ERROR, TRIES)}
    return orjson.dumps(own, option=orjson.OPT_SORT_KEYS)
