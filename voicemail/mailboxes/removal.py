"""Removing a mailbox: the box first, then all its messages, so that no message arrives in between."""

from collections.abc import Mapping
from typing import Any

from couch.client import Document
from crossbar.errors import BadIdentifier
from storage.documents import Guard
from storage.private_fields import Actor
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk


def remove_box(
    account: Mapping[str, Any], box_id: str, actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Soft-delete a box of an account (its document) and remove its messages; the box as it is stored then.

    Repeated after it was cut short it finishes; a box that is gone with all its messages is a BadIdentifier.
    Raises what the guard does.
    """
    box, done_now = mailbox_store.mark_deleted(account["_id"], box_id, actor, guard)
    outcome = bulk.remove_messages(account, box, None, None, actor, with_expired=True)
    if not done_now and not outcome.succeeded:
        raise BadIdentifier(box_id)
    return box
