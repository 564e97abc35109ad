"""What operators do with messages, one or many at once: done by the domain, recorded, and reported on the page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages as notices
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from couch.database import Document
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier
from desk.audit import log
from desk.kit.pages import actor
from desk.mailboxes.titles import mailbox_title
from desk.messages.links import all_messages_url, message_subject
from desk.messages.reports import Action, Report, UndoingForm
from storage.private_fields import Actor
from voicemail.api.raw import zip_response
from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import batches, bulk, move, restore, zip_archive
from voicemail.messages.batches import Outcome
from voicemail.messages.folders import FOLDERS

RESTORE, MOVE, COPY, REMOVE, DOWNLOAD = "restore", "move", "copy", "remove", "zip"
ON_LIVE_MESSAGES = {
    "saved": Action(
        gettext_lazy("Put into saved"),
        "put",
        " into saved",
        done=ngettext_lazy("Put %(count)s message into saved.", "Put %(count)s messages into saved.", "number"),
        not_done=gettext_lazy("%(message)s was not put into saved: %(reason)s."),
        none_done=gettext_lazy("%(count)s messages were not put into saved."),
    ),
    "new": Action(
        gettext_lazy("Put into new"),
        "put",
        " into new",
        done=ngettext_lazy("Put %(count)s message into new.", "Put %(count)s messages into new.", "number"),
        not_done=gettext_lazy("%(message)s was not put into new: %(reason)s."),
        none_done=gettext_lazy("%(count)s messages were not put into new."),
    ),
    "deleted": Action(
        gettext_lazy("Put into deleted"),
        "put",
        " into deleted",
        done=ngettext_lazy("Put %(count)s message into deleted.", "Put %(count)s messages into deleted.", "number"),
        not_done=gettext_lazy("%(message)s was not put into deleted: %(reason)s."),
        none_done=gettext_lazy("%(count)s messages were not put into deleted."),
    ),
    MOVE: Action(
        gettext_lazy("Move to mailbox"),
        "moved",
        done=ngettext_lazy("Moved %(count)s message.", "Moved %(count)s messages.", "number"),
        done_to=ngettext_lazy(
            "Moved %(count)s message to %(target)s.", "Moved %(count)s messages to %(target)s.", "number"
        ),
        not_done=gettext_lazy("%(message)s was not moved: %(reason)s."),
        none_done=gettext_lazy("%(count)s messages were not moved."),
    ),
    COPY: Action(
        gettext_lazy("Copy to mailbox"),
        "copied",
        done=ngettext_lazy("Copied %(count)s message.", "Copied %(count)s messages.", "number"),
        done_to=ngettext_lazy(
            "Copied %(count)s message to %(target)s.", "Copied %(count)s messages to %(target)s.", "number"
        ),
        not_done=gettext_lazy("%(message)s was not copied: %(reason)s."),
        none_done=gettext_lazy("%(count)s messages were not copied."),
    ),
    REMOVE: Action(
        gettext_lazy("Remove"),
        "removed",
        done=ngettext_lazy("Removed %(count)s message.", "Removed %(count)s messages.", "number"),
        not_done=gettext_lazy("%(message)s was not removed: %(reason)s."),
        none_done=gettext_lazy("%(count)s messages were not removed."),
        permission="delete_message",
    ),
    DOWNLOAD: Action(gettext_lazy("Download as ZIP"), "downloaded", permission="listen_to_message"),
}
ON_REMOVED_MESSAGES = {
    RESTORE: Action(
        gettext_lazy("Restore"),
        "restored",
        done=ngettext_lazy("Restored %(count)s message.", "Restored %(count)s messages.", "number"),
        not_done=gettext_lazy("%(message)s was not restored: %(reason)s."),
        none_done=gettext_lazy("%(count)s messages were not restored."),
        is_restore=True,
    ),
}
ACTIONS = ON_LIVE_MESSAGES | ON_REMOVED_MESSAGES
PUT_BACK = "put_back"
"""Undoes that messages were put into a folder."""
RUN_ACTIONS = ACTIONS | {
    PUT_BACK: Action(
        gettext_lazy("Put back"),
        "put",
        " back into the folders they were in",
        done=ngettext_lazy(
            "Put %(count)s message back into the folder it was in.",
            "Put %(count)s messages back into the folders they were in.",
            "number",
        ),
        not_done=gettext_lazy("%(message)s was not put back: %(reason)s."),
        none_done=gettext_lazy("%(count)s messages were not put back."),
    ),
}

CONFIRMED = "confirmed"
"""The field of the form that sends a removal again, after the operator was asked."""
MAX_AT_ONCE = 50
"""More messages than these are left to a worker."""
_MAX_TARGET_LENGTH = 200
_SAME_LISTENING = timedelta(minutes=10)


class Refused(Exception):
    """An action can't be tried as it was requested; the text says why."""

    def __init__(self, text: str, *, is_about_target: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.is_about_target = is_about_target
        """Whether the text belongs to the field of the mailbox to move or copy to."""


@dataclass(frozen=True)
class ActionForm:
    """What the form of an action shows again after a refusal."""

    action: str = ""
    selected: frozenset[str] = frozenset()
    target: str = ""
    target_error: str = ""

    @classmethod
    def after(cls, request: HttpRequest, refusal: Refused) -> "ActionForm":
        """What the operator submitted; a refusal that belongs to no field becomes a notice."""
        if not refusal.is_about_target:
            notices.warning(request, refusal.text)
        return cls(
            action=request.POST.get("action", ""),
            selected=frozenset(request.POST.getlist("selected")),
            target=request.POST.get("target", "").strip()[:_MAX_TARGET_LENGTH],
            target_error=refusal.text if refusal.is_about_target else "",
        )


def read_selection(request: HttpRequest) -> dict[str, list[str]]:
    """The ids of the selected messages by the ids of their mailboxes."""
    selection: dict[str, list[str]] = {}
    for row_id in request.POST.getlist("selected"):
        box_id, _space, message_id = row_id.partition(" ")
        selection.setdefault(box_id, []).append(message_id)
    return selection


def run(request: HttpRequest, account: Document, selection: Mapping[str, Sequence[str]], name: str) -> None:
    """Apply an action to messages, record it, and tell the operator what became of each message.

    `selection` holds the messages' ids by the ids of their mailboxes. Raises Refused before anything is done.
    """
    report = apply_and_record(request, account, selection, name)
    report.send(_undoing_form(report, name) if request.user.has_perm("desk.change_message") else None)


def _undoing_form(report: Report, name: str) -> UndoingForm | None:
    """The form that undoes an action on a few messages; None if one form can't, or if nothing was changed."""
    account_id, box_ids = report.account_id, {box_id for box_id, _message_id in report.changed}
    if name == REMOVE:
        return UndoingForm(all_messages_url(account_id, is_removed=True), RESTORE, report.changed)
    if name == MOVE and report.target is not None and len(box_ids) == 1:
        target_id, (box_id,) = report.target["_id"], box_ids
        moved = [(target_id, new_id) for new_id in report.new_ids.values()]
        return UndoingForm(all_messages_url(account_id), MOVE, moved, target=box_id)
    if name in FOLDERS and len(report.former_folders) == 1:
        (folder,) = report.former_folders
        return UndoingForm(all_messages_url(account_id), folder, report.changed) if folder in FOLDERS else None
    return None


def apply_and_record(
    request: HttpRequest, account: Document, selection: Mapping[str, Sequence[str]], name: str
) -> Report:
    """Apply an action to messages and record it, as `run` does; the report of what became of each."""
    target = find_target(request, account["_id"], selection) if name in (MOVE, COPY) else None
    folder = request.POST.get("folder") or None
    report = Report(request, account["_id"], ACTIONS[name], target)
    for box_id, ids in selection.items():
        before = {message_id: doc for message_id, (_modb, doc) in batches.fetch(account["_id"], box_id, ids).items()}
        try:
            outcome = apply(account, box_id, ids, name, target, folder, actor(request))
        except (BadIdentifier, MissingDatabase):
            outcome = Outcome(failed=[{message_id: restore.MAILBOX_GONE} for message_id in ids])
        report.add(box_id, ids, outcome, before)
    return report


def find_target(request: HttpRequest, account_id: str, selection: Collection[str]) -> Document:
    """The mailbox to move or copy to; raises Refused if it is missing, or one of those that hold the messages.

    `selection` has the ids of these.
    """
    number = request.POST.get("target", "").strip()
    if not number:
        raise Refused(_("Enter the mailbox to move or copy to."), is_about_target=True)
    try:
        target = mailbox_search.find_exact(account_id, number)
    except BadIdentifier:
        text = _("There is no mailbox %(number)s. Nothing was moved or copied.") % {"number": number[:80]}
        raise Refused(text, is_about_target=True) from None
    if target["_id"] in selection:
        text = _("The messages are in %(mailbox)s already. Choose another mailbox.")
        if len(selection) > 1:
            text = _("Some of the messages are in %(mailbox)s already. Choose another mailbox.")
        raise Refused(text % {"mailbox": mailbox_title(target)}, is_about_target=True)
    return target


def apply(
    account: Document,
    box_id: str,
    ids: Sequence[str],
    action_name: str,
    target: Document | None,
    folder: str | None,
    actor: Actor,
    *,
    key: str = "",
) -> Outcome:
    """Apply an action to messages of a mailbox; raises BadIdentifier, MissingDatabase.

    `folder` is the one to restore to, `key` that of copies which may be made twice (`move.copy_messages`).
    """
    if action_name == RESTORE:
        return restore.restore_messages(account, box_id, ids, actor, folder)
    box = mailbox_store.get(account["_id"], box_id)
    if action_name == MOVE and target is not None:
        return move.move_messages(account, box, ids, target, actor, keeps_time=True)
    if action_name == COPY and target is not None:
        return move.copy_messages(account, box, ids, [target], actor, keeps_time=True, key=key)
    if action_name == REMOVE:
        return bulk.remove_messages(account, box, ids, None, actor)
    return bulk.change_folder(account, box, ids, action_name, actor)


def download_zip(request: HttpRequest, account: Document, box_id: str, ids: Sequence[str]) -> StreamingHttpResponse:
    """The audio of messages of a mailbox as a ZIP; recorded at each message. Raises Refused if there is none."""
    box = mailbox_store.get(account["_id"], box_id)
    try:
        pieces = zip_archive.zip_stream(account, box, ids)
    except BadIdentifier:
        raise Refused(_("The selected messages have no audio.")) from None
    for message_id in ids:
        log.record(request, "downloaded", message_subject(account["_id"], box, message_id))
    return zip_response(box, pieces)


def record_listening(request: HttpRequest, account_id: str, box: Mapping[str, Any], message_id: str) -> None:
    """Record that the operator heard or downloaded a message.

    A player asks for one recording in several parts: these are recorded once.
    """
    _record_once(request, account_id, box, message_id, "downloaded" if request.GET.get("download") else "listened to")


def record_reading(request: HttpRequest, account_id: str, box: Mapping[str, Any], message_id: str) -> None:
    """Record that the operator read a message's transcription; several times in a row once."""
    _record_once(request, account_id, box, message_id, "read the transcription of")


def _record_once(request: HttpRequest, account_id: str, box: Mapping[str, Any], message_id: str, action: str) -> None:
    subject = message_subject(account_id, box, message_id)
    if not log.is_recorded(request, action, subject, _SAME_LISTENING):
        log.record(request, action, subject)
