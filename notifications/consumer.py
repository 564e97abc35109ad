"""Stores a mail for each event that makes one, together with the job that sends it."""

import json
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import accounts
from events import awaited_audio
from events import event as events
from events.consumers import Consumer
from events.event import Batch, Event
from events.overdue_check import OverdueCheck
from notifications import templates
from notifications.models import DOCUMENT_ID_LENGTH, Mail, State
from notifications.sending import queue, sender
from storage import database_names, gregorian, values
from voicemail.messages import quota
from voicemail.messages.deletion import MOVED_TO

_TEMPLATES = {
    events.VOICEMAIL_NEW: templates.TO_EMAIL,
    events.VOICEMAIL_DELETED: templates.DELETED,
    events.VOICEMAIL_FULL: templates.FULL,
}


class Mails(Consumer):
    """Sends mails about new messages, full mailboxes and deleted messages."""

    name = "mails"

    def __init__(self) -> None:
        self._check = OverdueCheck("mails", sender.send_due_mails, queue.has_overdue, queue.delete_old)

    def is_enabled(self) -> bool:
        """Whether there is a mail server."""
        return bool(settings.EMAIL_URL)

    def start(self) -> None:
        """Start looking for what a worker that was killed has left."""
        self._check.start()

    def stop(self) -> None:
        """Stop looking."""
        self._check.stop()

    def deliver(self, batch: Batch) -> None:
        """Store the mails of a batch of events: committed together with the job that sends them.

        While a Kazoo sends mails instead (setting SEND_VOICEMAIL_MAILS), events pass.
        """
        if not settings.SEND_VOICEMAIL_MAILS or not batch.account_id or batch.database == database_names.ACCOUNTS:
            return
        _release_awaited(batch)
        mails = list(_mails_of(batch))
        if mails:
            with transaction.atomic():
                queue.add_mails(mails)
                for due_at in {mail.due_at if mail.awaits_audio else None for mail in mails}:
                    sender.schedule(due_at)


def _mails_of(batch: Batch) -> Iterator[Mail]:
    is_deletion_told: bool | None = None
    for event in batch.events:
        template_id = _TEMPLATES.get(event.name)
        if template_id is None or _is_too_old(event):
            continue
        if template_id == templates.DELETED:
            if is_deletion_told is None:
                is_deletion_told = _is_deletion_told(batch.account_id)
            if not is_deletion_told or event.document.get(MOVED_TO):
                continue
        mail = _mail(event, template_id)
        if max(len(mail.mailbox_id), len(mail.message_id)) <= DOCUMENT_ID_LENGTH:
            yield mail


def _mail(event: Event, template_id: str) -> Mail:
    due_at, awaits_audio = awaited_audio.due_at(event)
    is_full = template_id == templates.FULL
    note = event.document.get(quota.FULL_NOTE) if is_full else None
    return Mail(
        event_id=event.id,
        template=template_id,
        account_id=event.account_id,
        mailbox_id=event.document_id if is_full else str(event.document.get("source_id") or ""),
        message_id="" if is_full else event.document_id,
        details_json=json.dumps(note if isinstance(note, dict) else {}),
        due_at=due_at,
        awaits_audio=awaits_audio,
    )


def _is_too_old(event: Event) -> bool:
    """Whether an event is older than any mail may wait, as after a long time without a mail server."""
    note = event.document.get(quota.FULL_NOTE) if event.name == events.VOICEMAIL_FULL else None
    stated = note.get("at") if isinstance(note, dict) else event.document.get("pvt_modified")
    seconds = values.as_integer(stated)
    return seconds is not None and seconds < gregorian.now() - queue.GIVE_UP_AFTER / timedelta(seconds=1)


def _is_deletion_told(account_id: str) -> bool:
    account = accounts.database_of(account_id).get(account_id)
    return accounts.is_live(account) and templates.find(account, templates.DELETED).is_enabled


def _release_awaited(batch: Batch) -> None:
    """Send mails now for messages whose audio has arrived."""
    message_ids = [event.document_id for event in batch.events if awaited_audio.is_brought_by(event)]
    if not message_ids:
        return
    waiting = Mail.objects.filter(message_id__in=message_ids, awaits_audio=True, state=State.WAITING)
    with transaction.atomic():
        if waiting.update(awaits_audio=False, due_at=timezone.now()):
            sender.schedule()
