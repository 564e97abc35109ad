"""What operators do with messages, one or many: done by the domain, told with what failed and why, and recorded."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages as notices
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html

from couch.client import Document
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier
from desk.audit import record as audit
from desk.kit.formats import caller_text, named_box, time_text
from desk.kit.pages import actor
from voicemail.api.raw import zip_response
from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import batches, bulk, metadata, move, restore, retention, zip_archive
from voicemail.messages.batches import Outcome

KIND = "message"
RESTORE = "restore"
ACTIONS = {
    "saved": "Put into saved",
    "new": "Put into new",
    "deleted": "Put into deleted",
    "move": "Move to the mailbox named beside",
    "copy": "Copy to the mailbox named beside",
    "remove": "Remove",
    "zip": "Download as ZIP",
}
ON_REMOVED = {RESTORE: "Restore"}
_NEEDS = {"remove": "delete_message", "zip": "listen_to_message"}
_ONE_LISTENING = timedelta(minutes=10)
_PAST = {"remove": "removed", "move": "moved", "copy": "copied", RESTORE: "restored"}
_REASONS = {
    batches.NOT_FOUND: "it isn't there any more",
    batches.CONFLICT: "somebody else changed it at the same moment",
    batches.MISSING_AUDIO: "its audio is missing",
    retention.REASON: "it is older than messages are kept: it can't be changed",
    restore.MAILBOX_GONE: "its mailbox is removed: restore that first",
    restore.MOVED: "it was moved to another mailbox, and is there",
}


def needed(action: str) -> str:
    """The permission that an action takes."""
    return _NEEDS.get(action, "change_message")


def apply(request: HttpRequest, account: Document, box_id: str, ids: Sequence[str], action: str) -> bool:
    """Do something with messages of a box, and say and record what became of them. False when nothing was tried."""
    who, details = actor(request), {}
    before = {one: doc for one, (_, doc) in batches.fetch(account["_id"], box_id, ids).items()}
    try:
        if action == RESTORE:
            outcome = restore.restore_messages(account, box_id, ids, who, request.POST.get("folder") or None)
        elif action in ("move", "copy"):
            target = _target(request, account["_id"])
            if target is None:
                return False
            details = {"to": named_box(target), "to_id": target["_id"]}
            box = mailbox_store.get(account["_id"], box_id)
            if action == "move":
                outcome = move.move_messages(account, box, ids, target, who)
            else:
                outcome = move.copy_messages(account, box, ids, [target], who)
        elif action == "remove":
            outcome = bulk.remove_messages(account, mailbox_store.get(account["_id"], box_id), ids, None, who)
        else:
            outcome = bulk.change_folder(account, mailbox_store.get(account["_id"], box_id), ids, action, who)
    except (BadIdentifier, MissingDatabase):
        outcome = Outcome(failed=[{one: restore.MAILBOX_GONE} for one in ids])
    _tell(request, account, box_id, action, ids, outcome, details, before)
    return True


def zipped(request: HttpRequest, account: Document, box_id: str, ids: Sequence[str]) -> StreamingHttpResponse:
    """The audio of messages of a box as a ZIP; recorded at each."""
    box = mailbox_store.get(account["_id"], box_id)
    pieces = zip_archive.zip_stream(account, box, ids)
    for message_id in ids:
        record(request, "downloaded", account["_id"], box, message_id)
    return zip_response(box, pieces)


def record(
    request: HttpRequest,
    action: str,
    account_id: str,
    box: Mapping[str, Any],
    message_id: str,
    details: Mapping[str, Any] | None = None,
    **states: Mapping[str, Any],
) -> None:
    """Record what was done to a message of a box; `states` are `before` and `after`."""
    audit.record(
        request,
        action,
        kind=KIND,
        account_id=account_id,
        document_id=message_id,
        name=f"in {named_box(box)}",
        details=details,
        **states,
    )


def record_listening(request: HttpRequest, account_id: str, box: Mapping[str, Any], message_id: str) -> None:
    """Record that the audio was got, to hear or to keep it: once for the parts that a player asks for in a row."""
    action = "downloaded" if request.GET.get("download") else "listened to"
    if not audit.is_recorded(request, action, message_id, _ONE_LISTENING):
        record(request, action, account_id, box, message_id)


def _target(request: HttpRequest, account_id: str) -> Document | None:
    """The mailbox that was named to move or copy to; None, said to the operator, when there is none such."""
    named = request.POST.get("target", "").strip()
    if not named:
        notices.warning(request, "Name the mailbox to move or copy to.")
        return None
    try:
        return mailbox_search.exactly(account_id, named)
    except BadIdentifier:
        notices.error(request, format_html("There is no mailbox {}: nothing was moved or copied.", named[:80]))
        return None


def _tell(
    request: HttpRequest,
    account: Document,
    box_id: str,
    action: str,
    ids: Sequence[str],
    outcome: Outcome,
    details: Mapping[str, Any],
    before: Mapping[str, Document],
) -> None:
    """Say what became of the messages, and record it at each that was changed."""
    failed = {message_id: reason for one in outcome.failed for message_id, reason in one.items()}
    done = [one for one in dict.fromkeys(ids) if one not in failed]
    past = _PAST.get(action, f"put into {action}")
    box = mailbox_store.find(account["_id"], box_id) or {"_id": box_id}
    for message_id in done:
        was, now = before.get(message_id), outcome.documents.get(message_id)
        now_in = {"folder": metadata.folder(now)} if action == RESTORE and now else {}
        states = {"before": was, "after": now} if was and now else {}
        record(request, past, account["_id"], box, message_id, {**details, **now_in}, **states)
    if done:
        notices.success(request, f"{past.capitalize()}: {len(done)}.")
    called = _called(account["_id"], list(failed))
    for message_id, reason in failed.items():
        # A record for a person: which message it is, not only what CouchDB calls it.
        text = format_html("Not {}: {}: {}.", past, called.get(message_id, message_id), _REASONS.get(reason, reason))
        notices.error(request, text)


def _called(account_id: str, ids: Sequence[str]) -> dict[str, str]:
    """Messages by time and caller, those of which anything is known."""
    found: dict[str, str] = {}
    for modb, batch in batches.by_month(account_id, ids, Outcome()):
        for message_id, doc in modb.fetch(batch).items():
            when = time_text(retention.age(doc)) or "an unknown time"
            found[message_id] = f"the message of {when} from {caller_text(metadata.of(doc))} ({message_id})"
    return found
