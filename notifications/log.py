"""The log of mails: what was sent to whom, and what waits."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from couch.database import Document
from crossbar.errors import BadIdentifier
from crossbar.pages import InvalidStartKey, Page, PageRequest, encode_start_key
from notifications.models import Mail, State
from storage import gregorian

_ALL = 10_000


def list_mails(account_id: str | None, request: PageRequest) -> Page[Mail]:
    """Return a page of the mails of an account, of all accounts if it is None; raises InvalidStartKey.

    Events that made no mail since nobody would get it are left out.
    """
    mails = Mail.objects.exclude(state=State.SKIPPED, subject="")
    if account_id is not None:
        mails = mails.filter(account_id=account_id)
    if request.start_key is not None:
        if not isinstance(request.start_key, int) or abs(request.start_key) > 2**62:
            raise InvalidStartKey()
        side = "id__lte" if request.descending else "id__gte"
        mails = mails.filter(**{side: request.start_key})
    size = request.size or _ALL
    entries = list(mails.order_by("-id" if request.descending else "id")[: size + 1])
    return Page(entries[:size], encode_start_key(entries[size].id) if len(entries) > size else None)


def list_failed(since: datetime, account_ids: Collection[str] | None = None) -> QuerySet[Mail]:
    """Return the mails that ended since a time and weren't taken, as far as is known: of all accounts or of some."""
    mails = Mail.objects.filter(state__in=(State.FAILED, State.UNCONFIRMED), due_at__gte=since)
    return _of_accounts(mails, account_ids)


def list_retried(account_ids: Collection[str] | None = None) -> QuerySet[Mail]:
    """Return the mails that could not be sent yet, and are sent again: of all accounts or of some."""
    return _of_accounts(Mail.objects.filter(state=State.WAITING, tries__gt=0), account_ids)


def _of_accounts(mails: QuerySet[Mail], account_ids: Collection[str] | None) -> QuerySet[Mail]:
    return mails if account_ids is None else mails.filter(account_id__in=account_ids)


def get(account_id: str | None, event_id: str) -> Mail:
    """Return a mail of an account, of any if it is None; raises BadIdentifier."""
    mails = Mail.objects.filter(event_id=event_id)
    mail = mails.first() if account_id is None else mails.filter(account_id=account_id).first()
    if mail is None:
        raise BadIdentifier(event_id)
    return mail


def mail_summary(mail: Mail) -> Document:
    """Return what listings show of a mail."""
    members: dict[str, Any] = {
        "id": mail.event_id,
        "account_id": mail.account_id,
        "template_id": mail.template,
        "state": mail.state,
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "created": gregorian.from_datetime(mail.created_at),
    }
    return {**members, "error": mail.error} if mail.error else members


def public_mail(mail: Mail) -> Document:
    """Return a mail as the API shows it: who got it, and what the mail server said."""
    members = {
        **mail_summary(mail),
        "vmbox_id": mail.mailbox_id,
        "message_id": mail.message_id,
        "recipients": mail.recipients,
        "tries": mail.tries,
    }
    if mail.sent_at is not None:
        members["sent"] = gregorian.from_datetime(mail.sent_at)
    return {**members, "template_error": mail.template_error} if mail.template_error else members
