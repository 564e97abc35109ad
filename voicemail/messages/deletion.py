"""What a removed message's document looks like, and what restoring the message makes of it.

Removing is a soft delete: the document stays, in folder ``deleted`` and with ``pvt_deleted``, and listings leave it
out. Kazoo leaves the members alone that are added here.
"""

from collections.abc import Mapping
from typing import Any

from couch.database import Document
from storage import documents, private_fields
from voicemail.messages import folder_changes, metadata
from voicemail.messages import store as message_store
from voicemail.messages.folders import DELETED, FOLDERS, NEW

REMOVED_FROM = "pvt_removed_from"
"""The folder that a removed message was in. Restoring needs it."""
REMOVED_WITH_BOX = "pvt_removed_with_box"
"""Marks a message that was removed because its mailbox was: it comes back with the mailbox."""
MOVED_TO = "pvt_moved_to"
"""The id that a message has in the mailbox it was moved to."""
MOVED_FROM = "pvt_moved_from"
"""The ids that a moved message had in the mailboxes it was moved from, in their order."""


def soft_delete(doc: Document) -> Document:
    """The document of a message that is removed now."""
    former_folder = metadata.folder(doc) or NEW
    removed = {**metadata.put_in_folder(doc, DELETED), "pvt_deleted": True, REMOVED_FROM: former_folder}
    return folder_changes.record(removed, former_folder)


def soft_delete_with_box(doc: Document) -> Document:
    """The document of a message that is removed now because its mailbox is."""
    return {**soft_delete(doc), REMOVED_WITH_BOX: True}


def undelete_message(doc: Document, folder: str | None = None) -> Document:
    """The document of a removed message that is restored, to the folder it was in or to `folder`."""
    target = folder if folder in FOLDERS else restore_folder(doc.get(REMOVED_FROM), metadata.folder(doc))
    restored = metadata.put_in_folder(documents.undelete(doc, REMOVED_FROM, REMOVED_WITH_BOX), target)
    return folder_changes.record(restored, folder_changes.REMOVED)


def restore_folder(removed_from: object, folder: object) -> str:
    """The folder that a removed message is restored to, by its REMOVED_FROM and the folder that it names."""
    for name in (removed_from, NEW if folder == DELETED else folder):
        if isinstance(name, str) and name in FOLDERS:
            return name
    return NEW


def is_removed(doc: Mapping[str, Any] | None, box_id: str) -> bool:
    """Whether a document is a removed message of a mailbox."""
    return (
        doc is not None
        and doc.get("pvt_type") == message_store.TYPE
        and doc.get("source_id") == box_id
        and not private_fields.is_live(doc)
    )


def former_ids(doc: Mapping[str, Any]) -> list[str]:
    """The ids that a message had before it was moved, the first one first."""
    ids = doc.get(MOVED_FROM)
    return [former_id for former_id in ids if isinstance(former_id, str)] if isinstance(ids, list) else []
