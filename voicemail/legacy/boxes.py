"""What a mailbox of Kazoo 3.x becomes, and how entries leave its array."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from couch.client import Document
from storage import private_fields
from storage.private_fields import Actor
from voicemail.legacy.entries import ERROR, MESSAGES, TRIES
from voicemail.legacy.storing import Outcome, Result
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages.retention import as_number

# More attempts than anybody has made: no number of them.
_MANY = 1_000_000
OLD_ADDRESSES, ADDRESSES = "notify_email_address", "notify_email_addresses"


def settle(account_id: str, box_id: str, results: Iterable[Result], actor: Actor | None = None) -> Document | None:
    """Take the entries that are messages now out of a box's array, and mark those that failed; the box then.

    Whatever came into the array meanwhile stays. An entry that was changed since it was read stays as well: who
    looks again finds its message there. None when there is no such box any more.
    """
    done: Counter[bytes] = Counter()
    failed: dict[bytes, str] = {}
    for result in results:
        if result.outcome is Outcome.FAILED:
            failed[_spelled(result.entry.raw)] = result.reason or ""
        else:
            done[_spelled(result.entry.raw)] += 1

    def change(stored: Document) -> Document | None:
        changed = modernised({**stored, **_without(stored, Counter(done), failed)})
        return None if changed == stored else private_fields.stamp_update(changed, actor=actor)

    return mailbox_store.database_of(account_id).update(box_id, change)


def modernised(box: Mapping[str, Any]) -> Document:
    """A box's document as later versions of Kazoo have it: its number a text, and one list of e-mail addresses."""
    modern = dict(box)
    if isinstance(box.get("mailbox"), int | float) and not isinstance(box.get("mailbox"), bool):
        modern["mailbox"] = mailbox_store.number(box)
    if OLD_ADDRESSES in modern:
        addresses = [*_texts(modern.get(ADDRESSES)), *_texts(modern.pop(OLD_ADDRESSES))]
        modern[ADDRESSES] = list(dict.fromkeys(addresses))
    return modern


def _without(stored: Mapping[str, Any], done: Counter[bytes], failed: Mapping[bytes, str]) -> Document:
    """The array of a box less what is done, the failed entries marked; nothing when the box has no array."""
    array = stored.get(MESSAGES)
    if not isinstance(array, list):
        return {}
    left: list[Any] = []
    for raw in array:
        spelled = _spelled(raw)
        if done[spelled]:
            done[spelled] -= 1
        else:
            left.append(_marked(raw, failed[spelled]) if spelled in failed else raw)
    return {MESSAGES: left}


def _marked(raw: Any, reason: str) -> Any:
    """A failed entry with why; one that failed for the same reason before is left as it is."""
    if not isinstance(raw, dict) or raw.get(ERROR) == reason:
        return raw
    tries = as_number(raw.get(TRIES)) or 0
    return {**raw, ERROR: reason, TRIES: tries + 1 if 0 <= tries < _MANY else 1}


def _texts(value: object) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, str) and one]


def _spelled(raw: Any) -> bytes:
    return orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)
