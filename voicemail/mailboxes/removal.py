"""Remove a mailbox: first the mailbox, then its messages, so that no message is stored in between."""

from collections.abc import Mapping
from typing import Any

from couch.database import Document
from crossbar.errors import BadIdentifier
from storage.documents import Guard
from storage.private_fields import Actor
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk


def remove_box(
    account: Mapping[str, Any], box_id: str, actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Soft-delete a mailbox and its messages; the mailbox as stored.

    Repeated after an interruption it removes the remaining messages. Raises BadIdentifier, also if the mailbox and
    all its messages were removed before, Conflict, and what the guard raises.
    """
    box, is_new = mailbox_store.soft_delete(account["_id"], box_id, actor, guard)
    outcome = bulk.remove_messages(account, box, None, None, actor, with_expired=True)
    if not is_new and not outcome.succeeded:
        raise BadIdentifier(box_id)
    return box
