"""Soft deletion of what is going to be erased, as everywhere in this service, and its undoing.

Before a document is soft-deleted, its item says that it was live. So whoever repeats an interrupted removal doesn't
take what that has removed for something that had been removed before.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import groupby

from accounts import accounts, users
from couch.client import couch
from couch.database import Database, Document
from crossbar.errors import BadIdentifier, ValidationFailed
from erasure import listing
from erasure.models import Erasure, ErasureItem
from erasure.scan import Tick
from storage import private_fields
from storage.private_fields import Actor
from voicemail.legacy import on_access
from voicemail.mailboxes import removal as mailbox_removal
from voicemail.mailboxes import restore as mailbox_restore
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import batches, deletion
from voicemail.messages import store as message_store
from voicemail.messages.batches import Outcome
from webhooks import store as hooks

State = ErasureItem.State
_BATCH = 100
_MESSAGES = (listing.MESSAGE, "moved")


class NotRestorable(Exception):
    """Something can't be restored; the text says what and why."""


def remove(erasure: Erasure, tick: Tick) -> None:
    """Soft-delete whatever is live of an erasure's items, and note the revisions that this makes.

    Raises ValidationFailed for an account with descendants, Forbidden for the master account.
    """
    actor = Actor(request_id=erasure.request_id or None)
    _migrate_entries(erasure, actor, tick)
    for item in erasure.items.filter(is_lead=True, state=State.LISTED, kind__in=tuple(_REMOVE)):
        _remove_subject(item, actor)
        tick(1)
    messages = erasure.items.filter(is_lead=True, kind__in=_MESSAGES, state=State.LISTED)
    while messages.exists():  # those that were moved meanwhile are added
        for modb, items in _message_batches(erasure, State.LISTED):
            _remove_messages(modb, items, actor)
            tick(len(items))


def restore(erasure: Erasure, tick: Tick) -> None:
    """Restore what `remove` removed and nobody has restored since; raises NotRestorable, Conflict."""
    actor = Actor(request_id=erasure.request_id or None)
    removed = erasure.items.filter(is_lead=True, was_live=True, state__in=(State.REMOVED, State.HELD))
    # A user before the mailboxes.
    for item in removed.filter(kind__in=tuple(_REMOVE)).order_by("pk"):
        _restore_subject(item, actor)
        item.state = State.LEFT
        item.save(update_fields=["state"])
        tick(1)
    for modb, items in _message_batches(erasure, State.REMOVED, State.HELD):
        _restore_messages(modb, [item for item in items if item.was_live], actor)
        ErasureItem.objects.filter(pk__in=[item.pk for item in items]).update(state=State.LEFT)
        tick(len(items))


def _migrate_entries(erasure: Erasure, actor: Actor, tick: Tick) -> None:
    """Make messages of those entries of 3.x that are erased each by itself: they are in their mailbox's document."""
    entries = erasure.items.filter(kind=listing.ENTRY, is_lead=True, state=State.LISTED)
    for account_id, box_id in entries.order_by().values_list("account_id", "mailbox_id").distinct():
        items = {item.document_id: item for item in entries.filter(account_id=account_id, mailbox_id=box_id)}
        account, box = accounts.get(account_id), mailbox_store.find(account_id, box_id)
        if box is None:
            continue
        current = on_access.find_current_ids(account, box, list(items), actor, audio_optional=True)
        for media_id, message_id in current.ids.items():
            item, modb = items[media_id], batches.by_month(account_id, [message_id], Outcome())
            for database, _ in modb:
                item.kind, item.database, item.document_id = listing.MESSAGE, database.name, message_id
                item.save(update_fields=["kind", "database", "document_id"])
        tick(len(items))


def _remove_subject(item: ErasureItem, actor: Actor) -> None:
    """Soft-delete a mailbox with its messages, a user, or an account."""
    database = couch().database(item.database)
    doc = database.get(item.document_id)
    if doc is not None and private_fields.is_live(doc):
        ErasureItem.objects.filter(pk=item.pk).update(was_live=True)
    if doc is not None:
        _REMOVE[item.kind](item, actor)
    _note_removed(item, database.get(item.document_id))


def _remove_mailbox(item: ErasureItem, actor: Actor) -> None:
    with suppress(BadIdentifier):  # it and all its messages were removed before
        mailbox_removal.remove_box({"_id": item.account_id}, item.document_id, actor)


def _remove_user(item: ErasureItem, actor: Actor) -> None:
    with suppress(BadIdentifier):
        users.delete(item.account_id, item.document_id, actor)


def _remove_account(item: ErasureItem, actor: Actor) -> None:
    with suppress(BadIdentifier):
        accounts.delete(item.account_id, actor)


_REMOVE: dict[str, Callable[[ErasureItem, Actor], None]] = {
    "mailbox": _remove_mailbox,
    "user": _remove_user,
    "account": _remove_account,
}


def _restore_subject(item: ErasureItem, actor: Actor) -> None:
    try:
        if item.kind == "mailbox":
            account = accounts.get(item.account_id)
            _, outcome = mailbox_restore.restore_box(account, item.document_id, actor)
            if outcome.failed:
                raise NotRestorable(f"{len(outcome.failed)} messages of a mailbox could not be restored.")
        elif item.kind == "user":
            users.restore(item.account_id, item.document_id, actor)
        else:
            accounts.restore(item.account_id, actor)
            hooks.enable_again(item.account_id, actor)  # they were disabled with the account
    except ValidationFailed as error:
        members = ", ".join(error.data)
        raise NotRestorable(f"Somebody else has the same {members} by now. Change that first.") from error
    except BadIdentifier as error:
        raise NotRestorable(f"The {item.kind} {item.document_id} doesn't exist any more.") from error


def _message_batches(erasure: Erasure, *states: str) -> Iterator[tuple[Database, list[ErasureItem]]]:
    """The messages that are soft-deleted each by itself, in batches of one database."""
    items = erasure.items.filter(is_lead=True, kind__in=_MESSAGES, state__in=states)
    # All are read before any changes its state.
    ordered = list(items.order_by("database", "pk"))
    for name, group in groupby(ordered, key=lambda item: item.database):
        of_database = list(group)
        for start in range(0, len(of_database), _BATCH):
            yield couch().database(name), of_database[start : start + _BATCH]


def _remove_messages(modb: Database, items: list[ErasureItem], actor: Actor) -> None:
    docs = modb.fetch(item.document_id for item in items)
    live_ids = [doc_id for doc_id, doc in docs.items() if private_fields.is_live(doc)]
    ErasureItem.objects.filter(pk__in=[item.pk for item in items if item.document_id in live_ids]).update(
        was_live=True
    )
    _change_messages(modb, live_ids, deletion.soft_delete, actor, is_live=True)
    docs = modb.fetch(item.document_id for item in items)
    for item in items:
        doc = docs.get(item.document_id)
        _follow_move(item, doc or {})
        _note_removed(item, doc)


def _follow_move(item: ErasureItem, doc: Document) -> None:
    """Add a message where it is now, if it was moved since it was listed."""
    moved_to = doc.get(deletion.MOVED_TO) if item.kind == listing.MESSAGE else None
    modb = message_store.modb_of(item.account_id, moved_to) if isinstance(moved_to, str) else None
    if modb is not None:
        members = {"kind": listing.MESSAGE, "account_id": item.account_id, "is_lead": True}
        ErasureItem.objects.get_or_create(
            erasure_id=item.erasure_id, database=modb.name, document_id=moved_to, defaults=members
        )


def _restore_messages(modb: Database, items: list[ErasureItem], actor: Actor) -> None:
    ids = [item.document_id for item in items]
    _change_messages(modb, ids, deletion.undelete_message, actor, is_live=False)


def _change_messages(
    modb: Database, ids: list[str], change: Callable[[Document], Document], actor: Actor, *, is_live: bool
) -> None:
    """Change those of some messages that are live, or those that aren't, whatever their age and mailbox."""

    def attempt(pending: list[str]) -> list[str]:
        docs = [doc for doc in modb.fetch(pending).values() if private_fields.is_live(doc) == is_live]
        changed = [private_fields.stamp_update(change(doc), actor=actor) for doc in docs]
        _, conflicts = batches.save(modb, changed, Outcome())
        return conflicts

    batches.retry_conflicts(ids, attempt)


def _note_removed(item: ErasureItem, doc: Document | None) -> None:
    """Note the revision in which a document is soft-deleted; of one that is gone there is nothing to erase."""
    state = State.ERASED if doc is None else State.REMOVED
    revision = "" if doc is None else doc["_rev"]
    ErasureItem.objects.filter(pk=item.pk).update(state=state, revision=revision)
