"""A message's last change of folder, which its document holds, so that who follows changes can tell what happened.

The member ``pvt_folder_change`` is ``{id, from, to, at, reason}``: a random id, the states before and after, the time
in Gregorian seconds to the millisecond, and why, if somebody said so. It means nothing once another program has put
the message into another folder.
"""

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from storage import gregorian, private_fields

MEMBER = "pvt_folder_change"
REMOVED = "removed"
"""The state of a soft-deleted message. Other states are folders."""
MIGRATED = "migrated"
"""What a message came from that existed in 3.x's format before."""


class FolderChange(NamedTuple):
    """A change of folder: its id, the state before (None if the message was new), the time, and why."""

    id: str
    former: str | None
    at: float
    reason: str | None


def state_of(doc: Mapping[str, Any]) -> str:
    """Return the folder that a message is stored in, ``new`` without one, or REMOVED."""
    if not private_fields.is_live(doc):
        return REMOVED
    metadata = doc.get("metadata")
    folder = metadata.get("folder") if isinstance(metadata, dict) else None
    return folder if isinstance(folder, str) and folder else "new"


def record(doc: dict[str, Any], former: str | None, reason: str | None = None) -> dict[str, Any]:
    """Return a message's document with the note that it has just come from another state, None if it is new."""
    change = {"id": secrets.token_hex(4), "from": former, "to": state_of(doc), "at": gregorian.now_with_fraction()}
    return {**doc, MEMBER: change if reason is None else {**change, "reason": reason}}


def last_change(doc: Mapping[str, Any]) -> FolderChange | None:
    """Return a message's last change of folder; None if it isn't known, as after one that another program made."""
    change = doc.get(MEMBER)
    if not isinstance(change, dict) or change.get("to") != state_of(doc):
        return None
    former, at, reason = change.get("from"), change.get("at"), change.get("reason")
    if not isinstance(at, int | float) or not isinstance(change.get("id"), str):
        return None
    return FolderChange(
        change["id"], former if isinstance(former, str) else None, at, reason if isinstance(reason, str) else None
    )
