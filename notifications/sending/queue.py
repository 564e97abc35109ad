"""The queue of mails: which is sent next, when one is sent again, and how it ends.

Whoever sends one holds a lease on it, which each step renews. Every write depends on the lease.
"""

import logging
import random
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from notifications.models import TEXT_LENGTH, Mail, State

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60
ENDING_SECONDS = 300
"""How long the mail server may take for its last answer."""
GIVE_UP_AFTER = timedelta(days=4)
_FIRST_PAUSE, _LONGEST_PAUSE, _LONGEST_PAUSE_AWAY = 10.0, 3_600.0, 300.0
_DUE_STATES = (State.WAITING, State.SENDING, State.ENDING, State.ACCEPTED)


class LeaseLost(Exception):
    """Somebody else has the mail now."""


def add_mails(mails: Iterable[Mail]) -> None:
    """Store mails, but those whose events have one already."""
    Mail.objects.bulk_create(list(mails), ignore_conflicts=True)


def claim() -> Mail | None:
    """Return the mail that is due for the longest time, now leased to the caller; None if none is due."""
    now = timezone.now()
    with transaction.atomic():
        due = Mail.objects.filter(state__in=_DUE_STATES, due_at__lte=now)
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        mail = due.order_by("due_at", "id").first()
        if mail is None:
            return None
        if mail.state == State.ENDING:
            _end_unconfirmed(mail)
        elif mail.state != State.ACCEPTED:
            mail.state = State.SENDING
        mail.claim_id, mail.due_at = uuid.uuid4().hex, _lease_end()
        mail.save()
    return mail


def _end_unconfirmed(mail: Mail) -> None:
    """Tell of a mail whose worker was killed while the mail server took it; the rest of its copies are sent."""
    reply = "The worker was killed before the mail server's answer was stored"
    mail.update_recipients(dict.fromkeys(mail.addresses_in(State.ENDING), reply), State.UNCONFIRMED)
    mail.error = reply
    mail.state = State.SENDING if mail.addresses_in(State.WAITING) else State.UNCONFIRMED
    logger.warning("Whether a mail was taken is not known: %s", mail, extra={"account_id": mail.account_id})


def renew(mail: Mail) -> None:
    """Prolong the lease; raises LeaseLost."""
    _update(mail, due_at=_lease_end())


def begin_end(mail: Mail, addresses: Iterable[str]) -> None:
    """Note that the mail may be taken from now on for some addresses; raises LeaseLost."""
    mail.update_recipients(dict.fromkeys(addresses, ""), State.ENDING)
    mail.state = State.ENDING
    end = timezone.now() + timedelta(seconds=ENDING_SECONDS + LEASE_SECONDS)
    _update(mail, state=State.ENDING, recipients_json=mail.recipients_json, due_at=end)


def finish(mail: Mail, state: State, error: str = "") -> None:
    """End a mail; raises LeaseLost."""
    mail.state, mail.error = state, error[:TEXT_LENGTH]
    mail.sent_at = timezone.now() if state == State.SENT else mail.sent_at
    _store_state(mail, timezone.now())


def accept(mail: Mail) -> None:
    """Note that the mail server has the mail, which the caller still has something to do for; raises LeaseLost."""
    mail.state, mail.error, mail.is_server_away = State.ACCEPTED, "", False
    mail.sent_at = timezone.now()
    _store_state(mail, _lease_end())


def repeat_later(mail: Mail, error: str, *, is_server_away: bool = False) -> datetime | None:
    """Schedule a mail again and return when; None if it has failed for too long, and ends. Raises LeaseLost."""
    now = timezone.now()
    mail.tries += 1
    mail.error, mail.is_server_away = error[:TEXT_LENGTH], is_server_away
    longest = _LONGEST_PAUSE_AWAY if is_server_away else _LONGEST_PAUSE
    pause = min(_FIRST_PAUSE * 2.0 ** min(mail.tries - 1, 20), longest) * random.uniform(0.5, 1.5)  # noqa: S311
    due_at = now + timedelta(seconds=pause)
    if mail.state == State.ACCEPTED:
        _store_state(mail, due_at)
        return due_at
    if due_at > mail.created_at + GIVE_UP_AFTER:
        mail.update_recipients(dict.fromkeys(mail.addresses_in(State.WAITING), mail.error), State.FAILED)
        finish(mail, State.SENT if mail.addresses_in(State.SENT) else State.FAILED, error)
        return None
    mail.state = State.WAITING
    _store_state(mail, due_at)
    return due_at


def hurry() -> bool:
    """Have all be sent now that only wait for the mail server, which is back; whether there are any."""
    waiting = Mail.objects.filter(state=State.WAITING, is_server_away=True)
    return bool(waiting.update(due_at=timezone.now(), is_server_away=False))


def has_overdue(seconds: float) -> bool:
    """Whether something has been due for so many seconds."""
    limit = timezone.now() - timedelta(seconds=seconds)
    return Mail.objects.filter(state__in=_DUE_STATES, due_at__lt=limit).exists()


def delete_old() -> None:
    """Delete mails that have been in the log for long enough."""
    limit = timezone.now() - timedelta(days=settings.MAIL_LOG_DAYS)
    Mail.objects.exclude(state__in=_DUE_STATES).filter(due_at__lt=limit).delete()


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=LEASE_SECONDS + 2 * settings.EMAIL_TIMEOUT)


def _store_state(mail: Mail, due_at: datetime) -> None:
    _update(
        mail,
        state=mail.state,
        due_at=due_at,
        tries=mail.tries,
        is_server_away=mail.is_server_away,
        recipients_json=mail.recipients_json,
        details_json=mail.details_json,
        sender=mail.sender[:TEXT_LENGTH],
        subject=mail.subject[:TEXT_LENGTH],
        error=mail.error,
        template_error=mail.template_error[:TEXT_LENGTH],
        sent_at=mail.sent_at,
    )


def _update(mail: Mail, **members: object) -> None:
    if not Mail.objects.filter(id=mail.id, claim_id=mail.claim_id).update(**members):
        raise LeaseLost
