"""One mail: composed, sent, and then what its mailbox wants done with the message."""

import json
import logging
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from accounts.accounts import LazyAccount
from couch.errors import CouchError
from crossbar.errors import ApiError, BadIdentifier
from notifications import composing, templates
from notifications.composing import Letter, NothingToSend
from notifications.models import TEXT_LENGTH, Mail, State
from notifications.sending import queue, transmission
from notifications.sending.queue import LeaseLost
from notifications.sending.transmission import Outcome, Steps
from storage import values
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, folders, metadata
from voicemail.messages import store as message_store

logger = logging.getLogger(__name__)

DELETED_REASON = "delete_after_notify"


def attempt(mail: Mail) -> datetime | None:
    """Send a mail that the caller has claimed, and return when it is due again; None if it is done."""
    try:
        due_at = _attempt_once(mail)
    except LeaseLost:
        return None
    except Exception as error:  # an odd document must not have the mail tried without a pause
        logger.exception("Mail %s could not be sent", mail, extra={"account_id": mail.account_id})
        due_at = _repeat_after_fault(mail, error)
    _log(mail)
    return due_at


def _repeat_after_fault(mail: Mail, error: Exception) -> datetime | None:
    """Schedule a mail again after an error that nobody expected, unless the mail server may have it already."""
    if mail.state == State.ENDING:
        return None
    try:
        return queue.repeat_later(mail, f"{type(error).__name__}: {error}")
    except LeaseLost:
        return None


def _attempt_once(mail: Mail) -> datetime | None:
    if mail.state == State.UNCONFIRMED:
        queue.finish(mail, State.UNCONFIRMED, mail.error)
        return None
    if mail.state == State.ACCEPTED:
        return _finish_accepted(mail)
    try:
        letter = composing.compose(mail)
    except NothingToSend as reason:
        queue.finish(mail, State.SKIPPED, str(reason))
        return None
    except CouchError as error:
        return queue.repeat_later(mail, f"CouchDB fails: {type(error).__name__}")
    return _send(mail, letter)


def _send(mail: Mail, letter: Letter) -> datetime | None:
    mail.subject, mail.sender, mail.template_error = (
        letter.subject,
        letter.sender,
        letter.template_error[:TEXT_LENGTH],
    )
    if not mail.recipients:
        mail.update_recipients(dict.fromkeys(letter.addresses, ""), State.WAITING)
    due_at: list[datetime | None] = []

    def begin_end(addresses: Iterable[str]) -> None:
        queue.begin_end(mail, addresses)

    transmission.send(
        letter.content,
        letter.sender,
        mail.addresses_in(State.WAITING),
        Steps(partial(queue.renew, mail), begin_end),
        lambda outcome: due_at.append(_record_delivery(mail, letter, outcome)),
    )
    return due_at[0]


def _record_delivery(mail: Mail, letter: Letter, outcome: Outcome) -> datetime | None:
    """Store what became of a mail, and return when it is due again."""
    if outcome.error:
        mail.update_recipients(dict.fromkeys(mail.addresses_in(State.ENDING), ""), State.WAITING)
        return queue.repeat_later(mail, outcome.error, is_server_away=outcome.is_server_away)
    if outcome.is_too_large and letter.has_recording:
        mail.details_json = json.dumps({**mail.details, composing.WITHOUT_RECORDING: True})
        outcome.deferred |= outcome.refused
        outcome.refused = {}
    mail.update_recipients(outcome.accepted, State.SENT)
    mail.update_recipients(outcome.refused, State.FAILED)
    mail.update_recipients(outcome.deferred, State.WAITING)
    replies = [*outcome.deferred.values(), *outcome.refused.values()]
    if mail.addresses_in(State.WAITING):
        return queue.repeat_later(mail, replies[0] if replies else "")
    if not mail.addresses_in(State.SENT):
        is_unknown = bool(mail.addresses_in(State.UNCONFIRMED))
        queue.finish(mail, State.UNCONFIRMED if is_unknown else State.FAILED, replies[0] if replies else mail.error)
        return None
    queue.accept(mail)
    return _finish_accepted(mail)


def _finish_accepted(mail: Mail) -> datetime | None:
    """Do with the message what its mailbox wants after a mail; if CouchDB fails, again later."""
    try:
        if mail.template == templates.TO_EMAIL and not mail.is_by_hand:
            _file_message(mail)
    except CouchError as error:
        return queue.repeat_later(mail, f"CouchDB fails: {type(error).__name__}")
    except ApiError:  # the mailbox or the message is gone
        pass
    refused = [recipient["reply"] for recipient in mail.recipients.values() if recipient["state"] == State.FAILED]
    queue.finish(mail, State.SENT, refused[0] if refused else "")
    return None


def _file_message(mail: Mail) -> None:
    """Put a message that is still new into the folder that its mailbox says."""
    box = mailbox_store.get(mail.account_id, mail.mailbox_id)
    if values.is_true(box.get("save_after_notify")):
        folder, reason = folders.SAVED, None
    elif values.is_true(box.get("delete_after_notify")):
        folder, reason = folders.DELETED, DELETED_REASON
    else:
        return
    _, message = message_store.get(mail.account_id, mail.mailbox_id, mail.message_id)
    if metadata.folder(message) in (None, folders.NEW):
        account = LazyAccount(mail.account_id)
        outcome = bulk.change_folder(account, box, [mail.message_id], folder, None, reason)
        if not outcome.succeeded:
            raise BadIdentifier(mail.message_id)


def _log(mail: Mail) -> None:
    counts = {str(state): len(mail.addresses_in(state)) for state in State if mail.addresses_in(state)}
    extra = {"account_id": mail.account_id, "event_id": mail.event_id, "recipients": counts, "reason": mail.error}
    is_good = mail.state in (State.SENT, State.SKIPPED) and not mail.error
    logger.log(logging.INFO if is_good else logging.WARNING, "Mail %s is %s", mail, mail.state, extra=extra)
    if mail.template_error:
        logger.warning("A template is broken, ours was used: %s", mail.template_error, extra=extra)
