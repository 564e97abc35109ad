"""What operators do with messages, one or many at once: done by the domain, recorded, and reported on the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages as notices
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html

from couch.client import Document
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier
from desk.audit import log
from desk.kit.pages import actor
from desk.mailboxes.titles import mailbox_title
from desk.messages.links import message_subject
from desk.messages.titles import message_titles
from storage.private_fields import Actor
from voicemail.api.raw import zip_response
from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import batches, bulk, metadata, move, restore, retention, zip_archive
from voicemail.messages.batches import Outcome


@dataclass(frozen=True)
class Action:
    """Something that can be done with messages."""

    label: str
    verb: str
    """Its verb in the past tense."""
    destination: str = ""
    """What follows the verb and its object."""
    permission: str = "change_message"

    @property
    def past(self) -> str:
        """What was done, for the audit log."""
        return f"{self.verb}{self.destination}"


RESTORE, MOVE, COPY, REMOVE, DOWNLOAD = "restore", "move", "copy", "remove", "zip"
ON_LIVE_MESSAGES = {
    "saved": Action("Put into saved", "put", " into saved"),
    "new": Action("Put into new", "put", " into new"),
    "deleted": Action("Put into deleted", "put", " into deleted"),
    MOVE: Action("Move to mailbox", "moved"),
    COPY: Action("Copy to mailbox", "copied"),
    REMOVE: Action("Remove", "removed", permission="delete_message"),
    DOWNLOAD: Action("Download as ZIP", "downloaded", permission="listen_to_message"),
}
ON_REMOVED_MESSAGES = {RESTORE: Action("Restore", "restored")}
ACTIONS = ON_LIVE_MESSAGES | ON_REMOVED_MESSAGES

_SAME_LISTENING = timedelta(minutes=10)
_REASONS = {
    batches.NOT_FOUND: "it no longer exists",
    batches.CONFLICT: "somebody else changed it at the same moment",
    batches.MISSING_AUDIO: "its audio is missing",
    retention.REASON: "it is older than messages are kept, and can't be changed",
    restore.MAILBOX_GONE: "its mailbox is removed. Restore the mailbox first",
    restore.MOVED: "it was moved to another mailbox, and is there",
}


def run(request: HttpRequest, account: Document, box_id: str, ids: Sequence[str], action_name: str) -> bool:
    """Apply an action to messages of a mailbox, record it, and tell the operator what became of each message.

    False if nothing was tried, since the mailbox to move or copy to is missing.
    """
    target = None
    if action_name in (MOVE, COPY):
        target = _target_mailbox(request, account["_id"])
        if target is None:
            return False
    before = {message_id: doc for message_id, (_, doc) in batches.fetch(account["_id"], box_id, ids).items()}
    folder = request.POST.get("folder") or None
    try:
        outcome = _apply(account, box_id, ids, action_name, target, folder, actor(request))
    except (BadIdentifier, MissingDatabase):
        outcome = Outcome(failed=[{message_id: restore.MAILBOX_GONE} for message_id in ids])
    _report(request, account["_id"], box_id, ids, action_name, target, outcome, before)
    return True


def _target_mailbox(request: HttpRequest, account_id: str) -> Document | None:
    """The mailbox to move or copy to; None, after telling the operator, if it is missing."""
    number = request.POST.get("target", "").strip()
    if not number:
        notices.warning(request, "Enter the mailbox to move or copy to.")
        return None
    try:
        return mailbox_search.find_exact(account_id, number)
    except BadIdentifier:
        notices.error(request, format_html("There is no mailbox {}. Nothing was moved or copied.", number[:80]))
        return None


def _apply(
    account: Document,
    box_id: str,
    ids: Sequence[str],
    action_name: str,
    target: Document | None,
    folder: str | None,
    actor: Actor,
) -> Outcome:
    if action_name == RESTORE:
        return restore.restore_messages(account, box_id, ids, actor, folder)
    box = mailbox_store.get(account["_id"], box_id)
    if action_name == MOVE and target is not None:
        return move.move_messages(account, box, ids, target, actor)
    if action_name == COPY and target is not None:
        return move.copy_messages(account, box, ids, [target], actor)
    if action_name == REMOVE:
        return bulk.remove_messages(account, box, ids, None, actor)
    return bulk.change_folder(account, box, ids, action_name, actor)


def _report(
    request: HttpRequest,
    account_id: str,
    box_id: str,
    ids: Sequence[str],
    action_name: str,
    target: Document | None,
    outcome: Outcome,
    before: Mapping[str, Document],
) -> None:
    """Record the action at each changed message, and tell the operator about changed and failed ones."""
    action, box = ACTIONS[action_name], mailbox_store.find(account_id, box_id) or {"_id": box_id}
    reasons = {message_id: reason for failed in outcome.failed for message_id, reason in failed.items()}
    changed_ids = [message_id for message_id in dict.fromkeys(ids) if message_id not in reasons]
    details = {"to": mailbox_title(target), "to_id": target["_id"]} if target else {}
    for message_id in changed_ids:
        old, new = before.get(message_id), outcome.documents.get(message_id)
        restored_to = {"folder": metadata.folder(new)} if action_name == RESTORE and new else {}
        states = {"before": old, "after": new} if old and new else {}
        subject = message_subject(account_id, box, message_id)
        log.record(request, action.past, subject, details={**details, **restored_to}, **states)
    if changed_ids:
        count = f"{len(changed_ids)} message{'' if len(changed_ids) == 1 else 's'}"
        destination = f" to {mailbox_title(target)}" if target else action.destination
        notices.success(request, f"{action.verb.capitalize()} {count}{destination}.")
    titles = message_titles(account_id, list(reasons))
    for message_id, reason in reasons.items():
        notices.error(request, f"{titles[message_id]} was not {action.past}: {_REASONS.get(reason, reason)}.")


def download_zip(request: HttpRequest, account: Document, box_id: str, ids: Sequence[str]) -> StreamingHttpResponse:
    """The audio of messages of a mailbox as a ZIP; recorded at each message."""
    box = mailbox_store.get(account["_id"], box_id)
    pieces = zip_archive.zip_stream(account, box, ids)
    for message_id in ids:
        log.record(request, "downloaded", message_subject(account["_id"], box, message_id))
    return zip_response(box, pieces)


def record_listening(request: HttpRequest, account_id: str, box: Mapping[str, Any], message_id: str) -> None:
    """Record that the operator heard or downloaded a message.

    A player asks for one recording in several parts: these are recorded once.
    """
    action = "downloaded" if request.GET.get("download") else "listened to"
    subject = message_subject(account_id, box, message_id)
    if not log.is_recorded(request, action, subject, _SAME_LISTENING):
        log.record(request, action, subject)
