"""Migrate messages of Kazoo 3.x when a request accesses them.

As the API document's notes say, a message in the old format gets a new id when it is accessed. A client may go on
using the old id from a listing for as long as the message exists.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from couch.database import Database
from couch.parallel import in_parallel
from crossbar.errors import BadIdentifier
from storage import database_names, gregorian, modbs
from storage.private_fields import Actor
from voicemail.audio import recording
from voicemail.legacy import boxes, entries, outcomes, store
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.entries import Entry
from voicemail.legacy.media import account_library
from voicemail.legacy.outcomes import EntryResult, MigrationOptions
from voicemail.messages import batches, folders, retention
from voicemail.messages import store as message_store

_REASONS = {outcomes.NO_AUDIO: batches.MISSING_AUDIO, outcomes.BROKEN_AUDIO: batches.MISSING_AUDIO}
_BATCH = 100
_FETCHED = 500
"""Old ids that are looked for at a time."""


@dataclass
class CurrentIds:
    """The ids that messages have now, by the ids that a request names, and why some have none."""

    ids: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def find_current_ids(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    requested_ids: Iterable[str],
    actor: Actor | None = None,
    *,
    audio_optional: bool = False,
) -> CurrentIds:
    """Migrate those of some messages of a mailbox that are in the old format, and find the ids of all.

    Sends no request if all ids are those of messages in MODbs. An id of no message stays as it is.
    `audio_optional`: the message is about to be removed or to get new audio, so that its audio isn't copied and may
    be missing.
    """
    unique_ids = list(dict.fromkeys(requested_ids))
    current = CurrentIds({requested_id: requested_id for requested_id in unique_ids})
    matches = _match_entries(box, unique_ids)
    options = MigrationOptions(link=audio_optional, audio_optional=audio_optional, actor=actor)
    results = migrate_entries(account, box, list(matches.values()), options)
    for requested_id, result in zip(matches, results, strict=True):
        if result.message_id is not None:
            current.ids[requested_id] = result.message_id
        else:
            del current.ids[requested_id]
            current.failed[requested_id] = _REASONS.get(result.reason or "", result.reason or "")
    old_ids = [old_id for old_id in unique_ids if old_id not in matches and _is_old(old_id)]
    current.ids |= _find_migrated(account["_id"], box["_id"], old_ids)
    return current


def list_current_ids(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    requested_ids: Iterable[str],
    actor: Actor | None,
    outcome: batches.Outcome,
    *,
    audio_optional: bool = False,
) -> list[str]:
    """As `find_current_ids`, for a bulk change: the ids of the messages. Adds failures to the outcome."""
    current = find_current_ids(account, box, requested_ids, actor, audio_optional=audio_optional)
    for requested_id, reason in current.failed.items():
        outcome.fail(requested_id, reason)
    return list(current.ids.values())


def current_id(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    requested_id: str,
    actor: Actor | None = None,
    *,
    audio_optional: bool = False,
) -> str:
    """As `find_current_ids`, for one message.

    Raises MissingAudio if the audio of a message in the old format is lost, and BadIdentifier if the message can't
    be migrated for another reason.
    """
    current = find_current_ids(account, box, [requested_id], actor, audio_optional=audio_optional)
    if current.failed.get(requested_id) == batches.MISSING_AUDIO:
        raise recording.MissingAudio(recording.NO_AUDIO)
    if requested_id in current.failed:
        raise BadIdentifier(requested_id)
    return current.ids[requested_id]


def migrate_to_remove(
    account: Mapping[str, Any], box: Mapping[str, Any], folder: str | None, actor: Actor | None
) -> None:
    """Migrate, without audio, all messages of a mailbox, or of one of its folders, that are about to be removed.

    `folder`: as listings show it; None for all.
    """
    limit = retention.limit(account["_id"])
    array = [entry for entry in entries.parse_array(box) if entry.media_id is not None]
    batch = [entry for entry in array if folder is None or _folder_of_entry(entry, limit) == folder]
    migrate_entries(account, box, batch, MigrationOptions(link=True, audio_optional=True, actor=actor))


def migrate_entries(
    account: Mapping[str, Any], box: Mapping[str, Any], array: Sequence[Entry], options: MigrationOptions
) -> list[EntryResult]:
    """Migrate entries of a mailbox, with the media documents of its account, and take them out of its array."""
    library = account_library(account["_id"])
    results: list[EntryResult] = []
    for start in range(0, len(array), _BATCH):
        batch = store.store_messages(account, box, array[start : start + _BATCH], library, options)
        boxes.apply_results(account["_id"], box["_id"], batch, options.actor)
        results += batch
    return results


def _folder_of_entry(entry: Entry, limit: int) -> str:
    """The folder that a listing shows an entry in: ``deleted`` if it is past its retention."""
    return folders.shown_folder(entry.metadata["folder"], entry.timestamp, limit)


def _match_entries(box: Mapping[str, Any], requested_ids: Sequence[str]) -> dict[str, Entry]:
    """The entries that ids name, by their media document's id or by the id that their message is going to have."""
    pending = set(requested_ids)
    matches: dict[str, Entry] = {}
    for entry in entries.parse_array(box) if pending else []:
        for requested_id in _ids_of_entry(entry) & pending:
            matches.setdefault(requested_id, entry)
    return matches


def _ids_of_entry(entry: Entry) -> set[str]:
    if entry.media_id is None:
        return set()
    if entry.timestamp is None:
        return {entry.media_id}
    return {entry.media_id, entries.message_id(gregorian.month_of(entry.timestamp), entry.media_id)}


def _is_old(message_id: str) -> bool:
    """Whether an id may be one of the old format, and not that of a message in a MODb."""
    return database_names.month_of_message(message_id) is None


def _find_migrated(account_id: str, box_id: str, media_ids: Sequence[str]) -> dict[str, str]:
    """The ids of the messages that entries of a mailbox became earlier, by their old ids.

    An old id doesn't tell the month, so all months are searched, each for all ids at once.
    """
    if not media_ids:
        return {}
    months = in_parallel(partial(_find_in_month, box_id, media_ids), modbs.list_existing(account_id))
    messages: dict[str, str] = {}
    for message_ids in months:
        messages = message_ids | messages
    return messages


def _find_in_month(box_id: str, media_ids: Sequence[str], month_and_modb: tuple[str, Database]) -> dict[str, str]:
    month, modb = month_and_modb
    messages: dict[str, str] = {}
    for start in range(0, len(media_ids), _FETCHED):
        candidates = {
            candidate: media_id
            for media_id in media_ids[start : start + _FETCHED]
            for candidate in entries.possible_message_ids(month, media_id, box_id)
        }
        docs = modb.fetch(candidates)
        for candidate, media_id in candidates.items():
            doc = docs.get(candidate)
            if message_store.is_message(doc, box_id) and doc is not None and doc.get(PREVIOUS_ID) == media_id:
                messages.setdefault(media_id, candidate)
    return messages
