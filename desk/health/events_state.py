"""How those are doing that tell what changes: followers, jobs, the broker and the mail server."""

from dataclasses import dataclass
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import get_connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from desk.kit.formats import format_number
from events import state
from events.state import ConsumerState, JobCounts

_MAIL_SECONDS = 1.0
_NAMES = {
    "amqp": gettext_lazy("message broker"),
    "webhooks": gettext_lazy("webhooks"),
    "mails": gettext_lazy("mailboxes of e-mail"),
    "search": gettext_lazy("the search index"),
}


@dataclass(frozen=True)
class ToldState:
    """How far a receiver of events is behind, in words."""

    name: str
    text: str
    is_good: bool


@dataclass(frozen=True)
class EventsState:
    """What the health page shows of events."""

    told: list[ToldState]
    jobs: JobCounts
    broker: ToldState | None
    """None if there is none."""
    mail_server: ToldState | None
    """None if there is none."""


def events_state() -> EventsState:
    """Ask Django's database for followers and jobs, and the mail server whether it answers, within a second."""
    states = state.list_enabled()
    broker = next((consumer for consumer in states if consumer.consumer == "amqp"), None)
    return EventsState(
        [_told_state(consumer) for consumer in states],
        state.job_counts(),
        None if broker is None else _broker_state(broker),
        _mail_server_state() if settings.EMAIL_URL else None,
    )


def told_states() -> list[ToldState]:
    """How far each receiver of events is behind. Costs Django's database few queries, and asks nobody else."""
    return [_told_state(consumer) for consumer in state.list_enabled()]


def _told_state(consumer: ConsumerState) -> ToldState:
    return ToldState(_consumer_title(consumer), *_state_text(consumer))


def _consumer_title(consumer: ConsumerState) -> str:
    return str(_NAMES.get(consumer.consumer, consumer.consumer))


def _state_text(consumer: ConsumerState) -> tuple[str, bool]:
    if not consumer.followers:
        return _(
            "nobody follows changes: start manage.py follow_changes. What changes meanwhile is told later."
        ), False
    if not consumer.is_complete:
        return _("some accounts are followed by nobody: a new follower takes them within seconds"), False
    if consumer.is_late:
        reason = f": {consumer.error}" if consumer.error else ""
        accounts = consumer.waiting_accounts
        text = ngettext(
            "%(seconds)s seconds behind, %(accounts)s account waiting",
            "%(seconds)s seconds behind, %(accounts)s accounts waiting",
            accounts,
        )
        return text % {"seconds": format_number(consumer.seconds_behind), "accounts": accounts} + reason, False
    return _("up to date (%(seconds)s seconds)") % {"seconds": format_number(consumer.seconds_behind, 1)}, True


def _broker_state(consumer: ConsumerState) -> ToldState:
    if not consumer.followers:
        return ToldState(_("Message broker"), _("not known: nobody follows changes"), is_good=False)
    if consumer.error:
        return ToldState(_("Message broker"), consumer.error, is_good=False)
    return ToldState(_("Message broker"), _("takes what is published"), is_good=True)


def _mail_server_state() -> ToldState:
    connection = get_connection(timeout=_MAIL_SECONDS)
    try:
        connection.open()
        connection.close()
    except (OSError, SMTPException) as error:
        return ToldState(_("Mail server"), _("doesn't answer: %(error)s") % {"error": error}, is_good=False)
    return ToldState(_("Mail server"), _("answers"), is_good=True)
