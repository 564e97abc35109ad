"""The folders of a mailbox, and the folder that a message is shown in.

Listings, single messages, filters and bulk changes all ask here, with the message's age (`retention.age`).
"""

from collections.abc import Mapping
from typing import Any

from voicemail.messages import retention

NEW, SAVED, DELETED = FOLDERS = ("new", "saved", "deleted")


def shown_folder(folder: object, age: int | None, limit: int) -> str:
    """The folder that a message is shown in, by the folder it is stored in, its age and the retention's limit.

    A message past its retention is shown as deleted, one without a folder as new.
    """
    if retention.is_past(age, limit):
        return DELETED
    return folder if isinstance(folder, str) and folder else NEW


def show_folder(fields: Mapping[str, Any], age: int | None, limit: int) -> dict[str, Any]:
    """A message's metadata or summary with the folder that it is shown in, and a note if its retention is over."""
    folder = shown_folder(fields.get("folder"), age, limit)
    if not retention.is_past(age, limit):
        return {**fields, "folder": folder}
    return {**fields, "folder": folder, "retention": "enforced", "retention_message": retention.MESSAGE}
