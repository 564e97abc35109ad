"""Where a moved message was before, and where it is now."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from accounts import accounts
from couch.database import Document
from desk.mailboxes.titles import mailbox_title
from desk.messages.links import message_url
from storage import database_names
from voicemail.messages import batches, deletion


class Place(NamedTuple):
    """A mailbox in which a message was or is: its title, and the URL of the message there."""

    title: str
    url: str


def former_places(account_id: str, doc: Mapping[str, Any]) -> list[Place]:
    """The places in which a message was before it was moved, the first one first."""
    return _places(account_id, deletion.former_ids(doc))


def next_place(account_id: str, doc: Mapping[str, Any]) -> Place | None:
    """The place that a message was moved to; None if it wasn't moved, or if it is no longer there."""
    next_id = doc.get(deletion.MOVED_TO)
    return next(iter(_places(account_id, [next_id])), None) if isinstance(next_id, str) else None


def _places(account_id: str, message_ids: Iterable[str]) -> list[Place]:
    """The places of messages, live or removed, that still exist, in the order of their ids."""
    ids = list(message_ids)
    docs: dict[str, Document] = {}
    for modb, batch in batches.by_month(account_id, ids, batches.Outcome()):
        docs |= modb.fetch(batch)
    box_ids = {message_id: str(docs[message_id].get("source_id")) for message_id in ids if message_id in docs}
    box_ids = {message_id: box_id for message_id, box_id in box_ids.items() if database_names.is_account_id(box_id)}
    boxes = accounts.database_of(account_id).fetch(set(box_ids.values())) if box_ids else {}
    return [
        Place(mailbox_title(boxes.get(box_id, {"_id": box_id})), message_url(account_id, box_id, message_id))
        for message_id, box_id in box_ids.items()
    ]
