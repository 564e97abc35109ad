"""How many messages a mailbox takes: Kazoo's ``max_message_count``.

It is the mailbox's own member, else ``voicemail.max_message_count`` of the account's ``configs_callflow`` or of
``system_config/callflow``. 0 or nothing: as many as come. Messages in the folders new and saved count, within their
retention, and those in 3.x's format. Only new messages are refused, not those that are moved or copied.

Who stores a message holds a lock on its mailbox from counting to storing: of two that come at once for the last
place, one gets it. While storing takes longer than a lock lasts (`locks.STALE_SECONDS`), a further one may get in.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from accounts import accounts
from couch.database import Document
from couch.errors import Conflict
from crossbar.errors import ApiError, BadIdentifier
from storage import documents, gregorian, locks, system_config, values
from storage.private_fields import Actor
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import counts, retention
from voicemail.messages.folders import NEW, SAVED

MEMBER = "max_message_count"
FULL_NOTE = "pvt_mailbox_full"
"""A mailbox's note that a message was refused because the mailbox was full: ``{id, at, count, maximum}``.

It is written once, and removed by the next message that is stored: who follows changes tells each note.
"""
LOCK = "mailbox_place_claim"
_SECTION = "voicemail"


class MailboxFull(ApiError):
    """The mailbox takes no more messages."""

    status_code = 409
    message = "mailbox_full"

    def __init__(self, box_id: str, count: int, maximum: int) -> None:
        super().__init__(
            data={"message": "mailbox full", "cause": box_id, "message_count": count, "max_message_count": maximum}
        )


def max_count(account_id: str, box: Mapping[str, Any]) -> int | None:
    """Return how many messages a mailbox takes; None if there is no limit."""
    number = values.as_integer(box.get(MEMBER))
    for settings in (
        system_config.for_account(account_id, retention.CATEGORY),
        system_config.category(retention.CATEGORY),
    ):
        if number is None:
            section = settings.get(_SECTION)
            number = values.as_integer(section.get(MEMBER)) if isinstance(section, dict) else None
    return number if number is not None and number > 0 else None


def require_place(account_id: str, box: Mapping[str, Any], actor: Actor | None = None) -> None:
    """Raise MailboxFull if a mailbox takes no more messages, after it has been noted for who follows changes."""
    maximum = max_count(account_id, box)
    if maximum is None:
        return
    count = _count_stored(account_id, box)
    if count >= maximum:
        _note_full(account_id, box["_id"], count, maximum, actor)
        raise MailboxFull(box["_id"], count, maximum)


@contextmanager
def reserve_place(account_id: str, box: Mapping[str, Any], actor: Actor | None = None) -> Iterator[None]:
    """Keep a place in a mailbox until the ``with`` block, which stores a message, ends.

    Raises MailboxFull, BadIdentifier, and Conflict if others store messages there for longer than a request can wait.
    """
    if max_count(account_id, box) is None:
        yield
        return
    database = accounts.database_of(account_id)
    with locks.acquire(database, LOCK, box["_id"], lambda: require_place(account_id, box, actor)):
        _remove_note(account_id, box["_id"], actor)
        yield


def _count_stored(account_id: str, box: Mapping[str, Any]) -> int:
    legacy_messages = box.get("messages")
    legacy_count = len(legacy_messages) if isinstance(legacy_messages, list) else 0
    folder_counts = counts.per_folder(account_id, [box["_id"]], only=(NEW, SAVED))[box["_id"]]
    return legacy_count + sum(folder_counts.values())


def _note_full(account_id: str, box_id: str, count: int, maximum: int, actor: Actor | None) -> None:
    """Note in the mailbox that it is full, unless that is noted already."""
    if FULL_NOTE in mailbox_store.get(account_id, box_id):
        return
    note = {"id": secrets.token_hex(8), "at": gregorian.now(), "count": count, "maximum": maximum}
    _change_box(account_id, box_id, lambda doc: {FULL_NOTE: note, **doc}, actor)


def _remove_note(account_id: str, box_id: str, actor: Actor | None) -> None:
    if FULL_NOTE in mailbox_store.get(account_id, box_id):
        _change_box(account_id, box_id, lambda doc: {key: doc[key] for key in doc if key != FULL_NOTE}, actor)


def _change_box(account_id: str, box_id: str, edit: Callable[[Document], Document], actor: Actor | None) -> None:
    with suppress(Conflict, BadIdentifier):  # the next message that comes tries it again
        documents.change(accounts.database_of(account_id), box_id, mailbox_store.TYPE, edit, actor=actor)
