"""Bringing removed mailboxes back: the box with its settings, then the messages that went with it.

Removing a box marks it with when that was (``pvt_removed_at``), and each message that goes with it
(deletion.REMOVED_WITH_BOX); so messages that somebody had removed before stay removed. Kazoo marks neither: of
a box that it removed, the messages come back that were removed at that time or later.

A box is live again before its messages are, and holds ``pvt_restoring`` until the last one is. So a restore that was
cut short shows, and repeating it finishes it; a box that is removed again meanwhile takes its messages with it.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from couch.client import Document, Row
from couch.errors import Conflict
from crossbar.errors import BadIdentifier
from crossbar.pages import DEFAULT_SIZE, Page, PageRequest, RowKey
from storage import documents, modbs, private_fields, values, view_names
from storage.private_fields import Actor
from voicemail.mailboxes import numbers
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import restore as restoring
from voicemail.messages.batches import Outcome

RESTORING = "pvt_restoring"
# Kazoo's clock isn't ours, and it removes one after the other.
_AROUND_REMOVAL = 60
_MOST_READ = 5_000


def page(account_id: str, request: PageRequest, text: str = "") -> Page[Document]:
    """A page of an account's removed boxes, the latest first; with a text, of those that have it in number or name.

    Entries are view values, with ``removed`` in Gregorian seconds. Raises InvalidStartKey. Costs one request.
    Searching costs one per 1,000 boxes, and looks at the next 5,000 at most.
    """
    options: dict[str, Any] = {"descending": True}
    if start := request.row_key():
        options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    size = request.size or DEFAULT_SIZE
    rows = mailbox_store.database_of(account_id).stream_view(
        *view_names.DELETED_MAILBOXES, page=1_000 if text else size + 1, **options
    )
    wanted = text.lower()
    found = list(islice((row for row in islice(rows, _MOST_READ) if wanted in _words(row["value"])), size + 1))
    following = RowKey(found[size]["key"], found[size]["id"]).encode() if len(found) > size else None
    return Page([_entry(row) for row in found[:size]], following)


def get(account_id: str, box_id: str) -> Document:
    """A removed box's document; BadIdentifier when there is none, or it isn't removed."""
    doc, removed = known(account_id, box_id)
    if not removed:
        raise BadIdentifier(box_id)
    return doc


def known(account_id: str, box_id: str) -> tuple[Document, bool]:
    """A box's document, and whether it is removed; BadIdentifier when there never was one."""
    doc = mailbox_store.find(account_id, box_id)
    if doc is None:
        raise BadIdentifier(box_id)
    return doc, not private_fields.is_live(doc)


def restore(account: Mapping[str, Any], box_id: str, actor: Actor | None = None) -> tuple[Document, Outcome]:
    """Bring a removed box of an account (its document) back with its messages: the box, and how these fared.

    Of a box that is there it brings back the messages that an earlier attempt didn't come to.

    Raises BadIdentifier, Conflict (removed again meanwhile), and ValidationFailed (``mailbox`` →
    ``unique``) when another box has its number, or one of its aliases, by now.
    """
    box = _revive(account["_id"], box_id, actor)
    outcome = Outcome()
    if RESTORING not in box:
        return box, outcome
    for ids in _gone_with(account["_id"], box_id, _unfinished_since(box)):
        part = restoring.restore_messages(account, box_id, ids, actor, with_expired=True)
        if any(restoring.MAILBOX_GONE in failed.values() for failed in part.failed):
            raise Conflict()
        outcome.succeeded += part.succeeded
        outcome.failed += part.failed
    # What could not be restored may be so later: the box goes on telling that.
    done = None if outcome.failed else _finish(account["_id"], box_id)
    return done or box, outcome


def number_gone_with(account_id: str, box: Mapping[str, Any]) -> int:
    """How many messages would come back with a removed box, or are still to come of one that was restored."""
    since = _unfinished_since(box) if private_fields.is_live(dict(box)) else _since(box)
    return sum(len(ids) for ids in _gone_with(account_id, box["_id"], since))


def _revive(account_id: str, box_id: str, actor: Actor | None) -> Document:
    """Make a removed box a live one whose messages are still to come, while nobody else can get its numbers."""
    database = mailbox_store.database_of(account_id)
    with numbers.Reservation(database, box_id) as reservation:

        def change(stored: Document) -> Document | None:
            if stored.get("pvt_type") != mailbox_store.TYPE:
                raise BadIdentifier(box_id)
            if private_fields.is_live(stored):
                return None
            reservation.hold(numbers.of(stored))
            live = {
                key: value for key, value in stored.items() if key not in ("pvt_deleted", mailbox_store.REMOVED_AT)
            }
            return private_fields.stamp_update({**live, RESTORING: {"since": _since(stored)}}, actor=actor)

        doc = documents.update(database, box_id, change)
    if doc is None:
        raise BadIdentifier(box_id)
    return doc


def _finish(account_id: str, box_id: str) -> Document | None:
    """Take away what says that messages are still to come."""

    def change(stored: Document) -> Document | None:
        if RESTORING not in stored or not private_fields.is_live(stored):
            return None
        return {key: value for key, value in stored.items() if key != RESTORING}

    return documents.update(mailbox_store.database_of(account_id), box_id, change)


def _since(box: Mapping[str, Any]) -> int | None:
    """From when on an unmarked removed message counts as gone with the box; None when those that did are marked."""
    times = [_unfinished_since(box)]
    if mailbox_store.REMOVED_AT not in box:
        removed = values.as_integer(box.get("pvt_modified"))
        times.append(None if removed is None else removed - _AROUND_REMOVAL)
    return min((one for one in times if one is not None), default=None)


def _unfinished_since(box: Mapping[str, Any]) -> int | None:
    """The same, as a restore that was cut short left it in the box."""
    unfinished = box.get(RESTORING)
    return values.as_integer(unfinished.get("since")) if isinstance(unfinished, Mapping) else None


def _gone_with(account_id: str, box_id: str, since: int | None) -> Iterator[list[str]]:
    """The ids of the messages that went with a box, month by month."""
    for _, modb in modbs.existing(account_id):
        rows = modb.stream_view(*view_names.DELETED_MESSAGES_BY_MAILBOX, startkey=[box_id], endkey=[box_id, {}])
        # All ids of a month are taken before any is restored: a restored message leaves the view.
        ids = [row["id"] for row in rows if _went_with_box(row["value"], since)]
        if ids:
            yield ids


def _went_with_box(summary: Mapping[str, Any], since: int | None) -> bool:
    return bool(summary.get("with_box")) or (since is not None and (summary.get("removed") or since) >= since)


def _words(value: Mapping[str, Any]) -> str:
    return f"{values.as_text(value.get('mailbox')) or ''} {value.get('name') or ''}".lower()


def _entry(row: Row) -> Document:
    return {**row["value"], "id": row["id"], "removed": row["key"]}
