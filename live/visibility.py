"""Which events a client may hear of: those of documents that it may see over the API."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from accounts.auth.authentication import Identity
from events.event import Event
from storage import document_types
from voicemail.mailboxes import store
from voicemail.permissions import may_see_box


def visible_to(account_id: str, event: Event) -> Callable[[Identity], bool]:
    """Return a function that says whether a caller may hear of an event.

    Mailboxes and their messages are for those who may look into the mailbox; the ids of other documents are no secret
    within their account.
    """

    @lru_cache(maxsize=1)
    def mailbox() -> Mapping[str, Any] | None:
        if event.type == document_types.MAILBOX:
            return event.document
        box_id = str(event.document.get("source_id", ""))
        return store.get_cached(account_id, box_id) or store.find(account_id, box_id)

    def is_visible(identity: Identity) -> bool:
        if identity.is_admin or event.type not in (document_types.MAILBOX, document_types.MESSAGE):
            return True
        box = mailbox()
        return box is not None and may_see_box(identity, box)

    return is_visible
