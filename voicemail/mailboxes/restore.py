"""Restore removed mailboxes: the mailbox with its settings, then the messages that were removed with it.

A removed mailbox holds the time of its removal (``pvt_removed_at``), and each message that was removed with it a mark
(`deletion.REMOVED_WITH_BOX`): messages that had been removed before stay removed. Kazoo writes neither. With a
mailbox that Kazoo removed, the messages are restored that were removed at that time or later.

The mailbox is live before its messages are, and holds ``pvt_restoring`` until the last one is. So an interrupted
restore is noticed, and repeating it completes it. If the mailbox is removed again meanwhile, so are its messages.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from accounts import accounts
from couch.database import Document, Row
from couch.errors import Conflict
from crossbar.errors import BadIdentifier
from crossbar.pages import DEFAULT_SIZE, Page, PageRequest, RowKey
from storage import documents, folding, modbs, private_fields, values, view_names
from storage.private_fields import Actor
from voicemail.mailboxes import numbers
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import restore as message_restore
from voicemail.messages.batches import Outcome

RESTORING = "pvt_restoring"
# Seconds that Kazoo's clock may differ, and that it may take to remove one message after the other.
_REMOVAL_TOLERANCE = 60
_MAX_SEARCHED = 5_000


def list_removed(account_id: str, request: PageRequest, text: str = "") -> Page[Document]:
    """A page of an account's removed mailboxes, the latest first; with a text, of those whose number or name has it.

    Entries are view values, with ``removed`` in Gregorian seconds. Raises InvalidStartKey. Costs one request; a
    search costs one per 1,000 mailboxes, and a page of it ends after 5,000 at the latest.
    """
    options: dict[str, Any] = {"descending": True}
    if start := request.row_key():
        options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    size = request.size or DEFAULT_SIZE
    chunk = 1_000 if text else size + 1
    rows = accounts.database_of(account_id).stream_view(*view_names.DELETED_MAILBOXES, page=chunk, **options)
    parts, entries = folding.search_parts(text), list[Document]()
    for number, row in enumerate(rows):
        next_key = RowKey(row["key"], row["id"])
        if number == _MAX_SEARCHED:
            return Page(entries, next_key.encode(), is_cut=True)
        if folding.has_parts(_searched_text(row["value"]), parts):
            if len(entries) == size:
                return Page(entries, next_key.encode())
            entries.append(_removed_box_entry(row))
    return Page(entries, None)


def get_removed(account_id: str, box_id: str) -> Document:
    """A removed mailbox's document; raises BadIdentifier."""
    doc, is_removed = get_any(account_id, box_id)
    if not is_removed:
        raise BadIdentifier(box_id)
    return doc


def get_any(account_id: str, box_id: str) -> tuple[Document, bool]:
    """A mailbox's document, and whether it is removed; raises BadIdentifier."""
    doc = mailbox_store.find(account_id, box_id)
    if doc is None:
        raise BadIdentifier(box_id)
    return doc, not mailbox_store.is_live(doc)


def restore_box(account: Mapping[str, Any], box_id: str, actor: Actor | None = None) -> tuple[Document, Outcome]:
    """Restore a removed mailbox of an account (its document) with its messages: the mailbox, and the outcome.

    Of a live mailbox, the messages are restored that an earlier attempt left out.

    Raises BadIdentifier, Conflict if the mailbox is removed again meanwhile, and ValidationFailed (``mailbox`` →
    ``unique``) if another mailbox has its number or one of its aliases by now.
    """
    box = _undelete(account["_id"], box_id, actor)
    outcome = Outcome()
    if RESTORING not in box:
        return box, outcome
    for ids in _find_messages(account["_id"], box_id, _pending_since(box)):
        month_outcome = message_restore.restore_messages(account, box_id, ids, actor, with_expired=True)
        if any(message_restore.MAILBOX_GONE in failure.values() for failure in month_outcome.failed):
            raise Conflict()
        outcome.succeeded += month_outcome.succeeded
        outcome.failed += month_outcome.failed
    # Messages that failed may be restored later: the mailbox keeps its mark.
    finished = None if outcome.failed else _remove_mark(account["_id"], box_id)
    return finished or box, outcome


def count_messages(account_id: str, box: Mapping[str, Any]) -> int:
    """How many messages would be restored with a removed mailbox, or are still to be in a restored one."""
    since = _pending_since(box) if mailbox_store.is_live(box) else _removed_since(box)
    return sum(len(ids) for ids in _find_messages(account_id, box["_id"], since))


def _undelete(account_id: str, box_id: str, actor: Actor | None) -> Document:
    """Make a removed mailbox live, with the mark that its messages are still to be restored."""
    database = accounts.database_of(account_id)
    with numbers.Reservation(database, box_id) as reservation:

        def undelete(stored: Document) -> Document | None:
            if stored.get("pvt_type") != mailbox_store.TYPE:
                raise BadIdentifier(box_id)
            if private_fields.is_live(stored):
                return None
            reservation.reserve(numbers.of(stored))
            live = documents.undelete(stored, mailbox_store.REMOVED_AT)
            return private_fields.stamp_update({**live, RESTORING: {"since": _removed_since(stored)}}, actor=actor)

        doc = documents.update(database, box_id, undelete)
    if doc is None:
        raise BadIdentifier(box_id)
    return doc


def _remove_mark(account_id: str, box_id: str) -> Document | None:
    """Remove the mark that messages are still to be restored."""

    def remove(stored: Document) -> Document | None:
        if RESTORING not in stored or not private_fields.is_live(stored):
            return None
        return {key: value for key, value in stored.items() if key != RESTORING}

    return documents.update(accounts.database_of(account_id), box_id, remove)


def _removed_since(box: Mapping[str, Any]) -> int | None:
    """The time from which removed messages without a mark count as removed with the mailbox; None if all have one."""
    times = [_pending_since(box)]
    if mailbox_store.REMOVED_AT not in box:
        modified = values.as_integer(box.get("pvt_modified"))
        times.append(None if modified is None else modified - _REMOVAL_TOLERANCE)
    return min((time for time in times if time is not None), default=None)


def _pending_since(box: Mapping[str, Any]) -> int | None:
    """The same time, as an interrupted restore stored it in the mailbox."""
    mark = box.get(RESTORING)
    return values.as_integer(mark.get("since")) if isinstance(mark, Mapping) else None


def _find_messages(account_id: str, box_id: str, since: int | None) -> Iterator[list[str]]:
    """The ids of the messages that were removed with a mailbox, month by month."""
    for _, modb in modbs.list_existing(account_id):
        rows = modb.stream_view(*view_names.DELETED_MESSAGES_BY_MAILBOX, startkey=[box_id], endkey=[box_id, {}])
        # All ids of a month are read before any message is restored: a restored message leaves the view.
        ids = [row["id"] for row in rows if _was_removed_with_box(row["value"], since)]
        if ids:
            yield ids


def _was_removed_with_box(summary: Mapping[str, Any], since: int | None) -> bool:
    return bool(summary.get("with_box")) or (since is not None and (summary.get("removed") or since) >= since)


def _searched_text(summary: Mapping[str, Any]) -> str:
    return f"{values.as_text(summary.get('mailbox')) or ''} {summary.get('name') or ''}"


def _removed_box_entry(row: Row) -> Document:
    return {**row["value"], "id": row["id"], "removed": row["key"]}
