"""Messages of Kazoo 3.x that a request names: each is brought into its MODb on the spot.

The API document's notes say so: touching a message in the old format changes its id to the new one. A client may go
on using the old id that it got in a listing, for as long as the message is there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from couch.client import Database
from couch.parallel import in_parallel
from crossbar.errors import BadIdentifier
from storage import database_names, gregorian, modbs
from storage.private_fields import Actor
from voicemail.audio import recording
from voicemail.legacy import boxes, entries, storing
from voicemail.legacy.documents import PREVIOUS_ID, AccountLibrary
from voicemail.legacy.entries import Entry
from voicemail.legacy.storing import How, Result
from voicemail.messages import bulk, metadata, retention
from voicemail.messages import store as message_store

_REASONS = {storing.NO_AUDIO: bulk.MISSING_AUDIO, storing.BROKEN_AUDIO: bulk.MISSING_AUDIO}
_BATCH = 100


@dataclass
class Touched:
    """Where the messages are that some ids name: the ids they have now, and why there are none, by the given ids."""

    ids: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def migrate(account: Mapping[str, Any], box: Mapping[str, Any], chosen: Sequence[Entry], how: How) -> list[Result]:
    """Make messages of entries of a box, from the media documents beside it, and take them out of its array."""
    library = AccountLibrary(account["_id"])
    results: list[Result] = []
    for start in range(0, len(chosen), _BATCH):
        some = storing.store(account, box, chosen[start : start + _BATCH], library, how)
        boxes.settle(account["_id"], box["_id"], some, how.actor)
        results += some
    return results


def touch(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    actor: Actor | None = None,
    *,
    silent: bool = False,
) -> Touched:
    """See that the messages of a box that ids name are in MODbs; costs nothing where all ids are of such messages.

    An id that names nothing is left to who looks for it. `silent`: the message is about to be removed or to get
    new audio, so that its old audio need not be copied, nor even be there.
    """
    wanted = list(dict.fromkeys(ids))
    touched = Touched({one: one for one in wanted})
    found = _named(box, wanted)
    how = How(link=silent, silent=silent, actor=actor)
    results = migrate(account, box, list(found.values()), how)
    for given, result in zip(found, results, strict=True):
        if result.message_id is not None:
            touched.ids[given] = result.message_id
        else:
            del touched.ids[given]
            touched.failed[given] = _REASONS.get(result.reason or "", result.reason or "")
    for given in wanted:
        if given not in found and database_names.month_of_message(given) is None:
            touched.ids[given] = _moved_before(account["_id"], box["_id"], given) or given
    return touched


def named(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    ids: Iterable[str],
    actor: Actor | None,
    outcome: bulk.Outcome,
    *,
    silent: bool = False,
) -> list[str]:
    """As `touch`, for a change of many messages: the ids they have now; what failed is counted in the outcome."""
    touched = touch(account, box, ids, actor, silent=silent)
    for message_id, reason in touched.failed.items():
        outcome.fail(message_id, reason)
    return list(touched.ids.values())


def touch_all(account: Mapping[str, Any], box: Mapping[str, Any], folder: str | None, actor: Actor | None) -> None:
    """The same for all messages of a box, or of one of its folders as listings show them, that are to be removed."""
    limit = retention.limit(account["_id"])
    found = [one for one in entries.of(box) if one.media_id is not None]
    chosen = [one for one in found if folder is None or shown_folder(one, limit) == folder]
    migrate(account, box, chosen, How(link=True, silent=True, actor=actor))


def current_id(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    message_id: str,
    actor: Actor | None = None,
    *,
    silent: bool = False,
) -> str:
    """The id that a message of a box has in its MODb; the same id where it is of no message of 3.x.

    Raises MissingAudio for a message of 3.x whose audio is lost, unless `silent`; BadIdentifier for what else failed.
    """
    touched = touch(account, box, [message_id], actor, silent=silent)
    if touched.failed.get(message_id) == bulk.MISSING_AUDIO:
        raise recording.MissingAudio(recording.NO_AUDIO)
    if message_id in touched.failed:
        raise BadIdentifier(message_id)
    return touched.ids[message_id]


def shown_folder(entry: Entry, limit: int) -> str:
    """The folder that a listing shows an entry in: ``deleted`` when it is older than the retention's limit."""
    folder: str = entry.described["folder"]
    return metadata.DELETED if entry.timestamp is not None and entry.timestamp < limit else folder


def _named(box: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Entry]:
    """The entries that ids name, by their media document's id or by the id that they are going to have."""
    wanted = set(ids)
    found: dict[str, Entry] = {}
    for entry in entries.of(box) if wanted else []:
        for one in _names(entry) & wanted:
            found.setdefault(one, entry)
    return found


def _names(entry: Entry) -> set[str]:
    if entry.media_id is None:
        return set()
    if entry.timestamp is None:
        return {entry.media_id}
    return {entry.media_id, entries.message_id(gregorian.month_of(entry.timestamp), entry.media_id)}


def _moved_before(account_id: str, box_id: str, media_id: str) -> str | None:
    """The message that an entry has become already, under the id that it got; None when there is none.

    What an old id was is all that it tells, so each month is asked.
    """
    found = in_parallel(partial(_in_month, box_id, media_id), modbs.existing(account_id))
    return next((one for one in found if one is not None), None)


def _in_month(box_id: str, media_id: str, where: tuple[str, Database]) -> str | None:
    month, modb = where
    ids = [entries.message_id(month, media_id), entries.other_message_id(month, media_id, box_id)]
    stored = modb.fetch(ids)
    for one in ids:
        doc = stored.get(one)
        if message_store.is_of_box(doc, box_id) and doc is not None and doc.get(PREVIOUS_ID) == media_id:
            return one
    return None
