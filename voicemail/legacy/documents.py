"""The message that an entry of Kazoo 3.x becomes."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from couch.database import Document
from storage import database_names, private_fields
from storage.private_fields import Actor
from voicemail.audio import recording
from voicemail.legacy.entries import Entry
from voicemail.legacy.media import Audio
from voicemail.messages import deletion, folder_changes
from voicemail.messages import store as message_store

MOVED = "pvt_moved_to_modb"
PREVIOUS_ID = "pvt_previous_id"


def build_message(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    entry: Entry,
    media: Mapping[str, Any] | None,
    *,
    message_id: str,
    seconds: int,
    zone: ZoneInfo | None = None,
    actor: Actor | None = None,
) -> Document:
    """The message that an entry becomes, without its audio but with the media document's transcription."""
    metadata = {**entry.metadata, "timestamp": seconds}
    message = message_store.build(account, box, metadata, zone, message_id=message_id, actor=actor)
    transcription = (media or {}).get("transcription")
    if transcription:
        message["transcription"] = transcription
    message |= {MOVED: "true", PREVIOUS_ID: entry.media_id}
    # Dated back by a second: a change that a client makes at once then has a later time, and shows as a change.
    message |= {key: message[key] - 1 for key in ("pvt_created", "pvt_modified")}
    message = folder_changes.record(message, folder_changes.MIGRATED)
    # Messages of a deleted mailbox become what its deletion would have made of them: kept, and in no listing.
    if private_fields.is_live(box):
        return message
    return folder_changes.record(deletion.soft_delete_with_box(message), folder_changes.MIGRATED)


def add_link(message: Mapping[str, Any], account_id: str, media_id: str, audio: Audio) -> Document:
    """A message whose audio stays in its media document: with the soft link that Kazoo's own migration writes."""
    link = {"att_dbname": database_names.encode(database_names.account_db(account_id)), "att_docid": media_id}
    linked = {"content_type": audio.content_type, "length": 0, "stub": False, "handler": {recording.LINK: link}}
    return {**message, "media_filename": audio.name, "pvt_attachments": {audio.name: linked}}
