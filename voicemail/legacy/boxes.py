"""Change mailboxes of Kazoo 3.x: take migrated entries out of their arrays, and bring their fields up to date."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from accounts import accounts
from couch.database import Document
from storage import documents, private_fields, values
from storage.private_fields import Actor
from voicemail.legacy.entries import ERROR, MESSAGES, TRIES, parse_entry
from voicemail.legacy.outcomes import EntryResult, Outcome
from voicemail.mailboxes import addresses

# A larger number can't be a count of attempts.
_MAX_TRIES = 1_000_000


def apply_results(
    account_id: str, box_id: str, results: Iterable[EntryResult], actor: Actor | None = None
) -> Document | None:
    """Take migrated entries out of a mailbox's array, and mark those that failed.

    Returns the mailbox as it is stored then; None if it doesn't exist any more. Entries that arrived since the array
    was read stay. So does an entry that was changed since: the next attempt finds its message there.
    """
    migrated: Counter[bytes] = Counter()
    failed: dict[bytes, str] = {}
    for result in results:
        if result.outcome is Outcome.FAILED:
            failed[canonical_json(result.entry.raw)] = result.reason or ""
        else:
            migrated[canonical_json(result.entry.raw)] += 1

    def change(stored: Document) -> Document | None:
        changed = modernise({**stored, **_reduce_array(stored, Counter(migrated), failed)})
        return None if changed == stored else private_fields.stamp_update(changed, actor=actor)

    return documents.update(accounts.database_of(account_id), box_id, change)


def remove_entries(account_id: str, box_id: str, media_ids: Collection[str]) -> None:
    """Take the entries that name some media documents out of a mailbox's array."""

    def change(stored: Document) -> Document | None:
        array = stored.get(MESSAGES)
        if not isinstance(array, list):
            return None
        remaining = [raw for raw in array if parse_entry(stored, raw).media_id not in media_ids]
        return None if len(remaining) == len(array) else {**stored, MESSAGES: remaining}

    documents.update(accounts.database_of(account_id), box_id, change)


def modernise(box: Mapping[str, Any]) -> Document:
    """A mailbox as later versions of Kazoo store it: its number as text, and one list of e-mail addresses."""
    modern = addresses.merge(box)
    number = values.as_text(box.get("mailbox"))
    if number is not None:
        modern["mailbox"] = number
    return modern


def canonical_json(value: Any) -> bytes:
    """JSON that is the same for equal values, whatever the order of their keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _reduce_array(stored: Mapping[str, Any], migrated: Counter[bytes], failed: Mapping[bytes, str]) -> Document:
    """A mailbox's array without the migrated entries, and with marks in the failed ones; empty without an array."""
    array = stored.get(MESSAGES)
    if not isinstance(array, list):
        return {}
    remaining: list[Any] = []
    for raw in array:
        key = canonical_json(raw)
        if migrated[key]:
            migrated[key] -= 1
        else:
            remaining.append(_mark_failed(raw, failed[key]) if key in failed else raw)
    return {MESSAGES: remaining}


def _mark_failed(raw: Any, reason: str) -> Any:
    """A failed entry with the reason. An entry that failed for the same reason before stays as it is."""
    if not isinstance(raw, dict) or raw.get(ERROR) == reason:
        return raw
    tries = values.as_integer(raw.get(TRIES)) or 0
    return {**raw, ERROR: reason, TRIES: tries + 1 if 0 <= tries < _MAX_TRIES else 1}
