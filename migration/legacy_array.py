"""Keep in a mailbox's array exactly the entries that have not become messages."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from accounts import accounts
from couch.database import Document
from storage import documents, private_fields
from storage.private_fields import Actor
from voicemail.legacy import boxes
from voicemail.legacy.entries import ERROR, MESSAGES, TRIES
from voicemail.legacy.outcomes import EntryResult, Outcome


class LegacyArray(Protocol):
    """The array of one mailbox here, to be updated with the results of its entries."""

    def add(self, results: Iterable[EntryResult]) -> None:
        """Collect some results."""

    def write(self) -> Document | None:
        """Bring the stored array up to date with the results so far; may be repeated.

        Returns the mailbox as it is stored then; None if it doesn't exist any more.
        """


class ServedArray:
    """The array of a mailbox that is migrated in place: migrated entries leave it, failed ones are marked."""

    def __init__(self, account_id: str, box_id: str, actor: Actor | None = None) -> None:
        self._account_id, self._box_id, self._actor = account_id, box_id, actor
        self._pending: list[EntryResult] = []

    def add(self, results: Iterable[EntryResult]) -> None:
        """Collect some results."""
        self._pending += results

    def write(self) -> Document | None:
        """Update the array, and modernise the mailbox's other fields."""
        box = boxes.apply_results(self._account_id, self._box_id, self._pending, self._actor)
        self._pending = []
        return box


class ImportedArray:
    """The array of a mailbox whose entries come from another system: only those that failed are stored here.

    Of equal entries as many are stored as the source has, however often it is migrated.
    """

    def __init__(self, account_id: str, box_id: str, actor: Actor | None = None) -> None:
        self._account_id, self._box_id, self._actor = account_id, box_id, actor
        self._failed_counts: Counter[bytes] = Counter()
        self._failed_entries: dict[bytes, Any] = {}
        self._migrated: set[bytes] = set()

    def add(self, results: Iterable[EntryResult]) -> None:
        """Collect some results."""
        for result in results:
            key = entry_key(result.entry.raw)
            if result.outcome is Outcome.FAILED:
                self._failed_counts[key] += 1
                self._failed_entries[key] = _mark_failed(result.entry.raw, result.reason or "")
            else:
                self._migrated.add(key)

    def write(self) -> Document | None:
        """Add failed entries, and take out migrated ones that an earlier run has added."""
        return documents.update(accounts.database_of(self._account_id), self._box_id, self._change)

    def _change(self, stored: Document) -> Document | None:
        messages = stored.get(MESSAGES)
        array = messages if isinstance(messages, list) else []
        remaining = [
            raw for raw in array if (key := entry_key(raw)) not in self._migrated or key in self._failed_counts
        ]
        present = Counter(map(entry_key, remaining))
        for key, count in self._failed_counts.items():
            remaining += [self._failed_entries[key]] * (count - present[key])
        if remaining == array:
            return None
        return private_fields.stamp_update({**stored, MESSAGES: remaining}, actor=self._actor)


def entry_key(raw: Any) -> bytes:
    """What identifies an entry: all its fields except the marks of attempts to migrate it."""
    fields: Any = raw
    if isinstance(raw, Mapping):
        fields = {key: value for key, value in raw.items() if key not in (ERROR, TRIES)}
    return boxes.canonical_json(fields)


def _mark_failed(raw: Any, reason: str) -> Any:
    return {**raw, ERROR: reason, TRIES: 1} if isinstance(raw, dict) else raw
