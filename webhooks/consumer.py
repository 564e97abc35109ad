"""Finds the hooks that an event is for, and queues a delivery for each of them.

The hooks are read anew for each batch: a message that is left right after a hook was made is told.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import accounts
from accounts.auth import cache as auth_cache
from couch.database import Document
from crossbar.errors import BadIdentifier
from events import awaited_audio
from events import event as events
from events.consumers import Consumer
from events.event import Batch, Event
from events.overdue_check import OverdueCheck
from storage import database_names, document_types, values
from webhooks import event_data, hooks, store
from webhooks.models import MESSAGE_ID_LENGTH, Delivery
from webhooks.sending import queue, requests, sender

_DOCUMENT_EVENTS = frozenset({events.DOC_CREATED, events.DOC_EDITED, events.DOC_DELETED})
_MOST_WILL_DO = frozenset({None, "", "all"})


class Webhooks(Consumer):
    """Tells the receivers of accounts."""

    name = "webhooks"

    def __init__(self) -> None:
        self._check = OverdueCheck("webhooks", sender.send_due_webhooks, queue.has_overdue, queue.delete_old)

    def start(self) -> None:
        """Start looking for what a worker that was killed has left."""
        self._check.start()

    def stop(self) -> None:
        """Stop looking."""
        self._check.stop()

    def deliver(self, batch: Batch) -> None:
        """Queue what a batch of events makes: committed together with the job that sends it.

        While a Kazoo sends webhooks instead (setting SEND_WEBHOOKS), events pass: nobody wants them once it is over.
        """
        if not settings.SEND_WEBHOOKS or not batch.account_id or batch.database == database_names.ACCOUNTS:
            return  # an account's own database has its document, too
        _release_awaited(batch.events)
        hooks_of_account = _hooks_of(batch)
        deliveries = [
            _delivery(hook, event)
            for event in batch.events
            for hook in hooks_of_account
            if is_for_event(hook, event.name, event.type)
        ]
        if deliveries:
            with transaction.atomic():
                queue.add_deliveries(deliveries)
                for due_at in {delivery.due_at if delivery.awaited_message_id else None for delivery in deliveries}:
                    sender.schedule(due_at)
        _disable_with_account(batch)


def is_for_event(hook: Document, event_name: str, document_type: str) -> bool:
    """Whether a hook is for an event, by its kind and by the filters in its ``custom_data``."""
    custom_data = hook.get("custom_data")
    filters = custom_data if isinstance(custom_data, dict) else {}
    if event_data.is_notification(event_name):
        kind, fits = hooks.NOTIFICATIONS, filters.get("type") in _MOST_WILL_DO | {event_name}
    elif event_name in _DOCUMENT_EVENTS:
        fits = filters.get("type") in _MOST_WILL_DO | {document_type}
        kind, fits = hooks.OBJECT, fits and filters.get("action") in _MOST_WILL_DO | {event_name}
    else:
        return False
    return fits and hook.get("hook") in (kind, hooks.ALL)


def _hooks_of(batch: Batch) -> list[Document]:
    """Return the enabled hooks of the batch's account, and those above it that include accounts below."""
    account_id = batch.account_id
    enabled = store.list_enabled([*_ancestor_ids(account_id), account_id])
    return [
        hook
        for hook in enabled
        if hook["pvt_account_id"] == account_id or values.is_true(hook.get("include_subaccounts"))
    ]


def _ancestor_ids(account_id: str) -> Iterable[str]:
    try:
        return auth_cache.get_account(account_id).ancestor_ids
    except BadIdentifier:  # it is deleted, which those above it are told
        return accounts.ancestor_ids(accounts.database_of(account_id).get(account_id) or {})


def _delivery(hook: Document, event: Event) -> Delivery:
    due_at, awaited_id = _due_at(event)
    return Delivery(
        hook_id=hook["_id"],
        account_id=hook["pvt_account_id"],
        event_id=event.id,
        event_name=event.name,
        data_json=json.dumps(event_data.data_of(event)),
        awaited_message_id=awaited_id,
        host=requests.host_of(hook),
        due_at=due_at,
    )


def _due_at(event: Event) -> tuple[datetime, str]:
    """Return when an event is told, and the id of the message whose audio it waits for."""
    due_at, is_awaited = awaited_audio.due_at(event)
    if is_awaited and len(event.document_id) > MESSAGE_ID_LENGTH:
        return timezone.now(), ""
    return due_at, event.document_id if is_awaited else ""


def _release_awaited(batch_events: Iterable[Event]) -> None:
    """Tell of messages now whose audio has arrived."""
    changed = {event.document_id: event for event in batch_events if awaited_audio.is_brought_by(event)}
    if not changed:
        return
    waiting = Delivery.objects.filter(awaited_message_id__in=list(changed), is_done=False, is_sending=False)
    with transaction.atomic():
        released = list(waiting)
        for delivery in released:
            event = changed[delivery.awaited_message_id]
            new = Event(delivery.event_id, delivery.event_name, event.database, event.account_id, event.document)
            delivery.data_json = json.dumps(event_data.data_of(new))
            delivery.due_at, delivery.awaited_message_id = timezone.now(), ""
        Delivery.objects.bulk_update(released, ["data_json", "due_at", "awaited_message_id"])
        if released:
            sender.schedule()


def _disable_with_account(batch: Batch) -> None:
    for reason in _reasons_to_disable(batch):
        store.disable_account(batch.account_id, reason)


def _reasons_to_disable(batch: Batch) -> Iterator[str]:
    for event in batch.events:
        if event.type != document_types.ACCOUNT or event.document_id != batch.account_id:
            continue
        if event.name == events.DOC_DELETED:
            yield "The account was deleted"
        elif not accounts.is_enabled(event.document):
            yield "The account was disabled"
