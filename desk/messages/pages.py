"""The pages of messages: the list across months, one message, its audio and its history."""

from collections.abc import Iterable

from django.contrib import admin
from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts import accounts
from couch.client import Database, Document
from crossbar.conditions import content_disposition
from crossbar.errors import BadIdentifier
from desk.accounts.links import account_crumbs, redirect_to_accounts
from desk.audit.pages import render_history
from desk.kit.formats import format_length, format_time
from desk.kit.pages import Crumb, Route, actor
from desk.mailboxes.choice_field import mailbox_choice_field, mailbox_suggestions
from desk.mailboxes.titles import mailbox_title
from desk.messages import actions
from desk.messages.filters import FOLDERS, shows_removed
from desk.messages.links import mailbox_crumb, message_list_crumbs, message_list_url, message_url
from desk.messages.table import message_table
from desk.messages.titles import caller_title
from desk.messages.uploads import UploadPages
from desk.models import Message
from storage import values
from voicemail.api.raw import audio_response
from voicemail.audio import recording
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes import time_zone
from voicemail.messages import deletion, file_names, metadata, restore, retention
from voicemail.messages import store as message_store

_MESSAGE_PATH = "<str:account_id>/<str:box_id>/<path:message_id>/"


@admin.register(Message)
class MessageAdmin(UploadPages):
    """The pages of messages. The list is of one account, or of one of its mailboxes, which the query names."""

    def routes(self) -> Iterable[Route]:
        """All pages, and the suggestions for the mailbox to move messages to."""
        return (
            Route("", "changelist", self.list_messages, "view_message"),
            Route("<str:account_id>/mailboxes.json", "mailboxes", self.suggest_mailboxes, "change_message"),
            *self.upload_routes(_MESSAGE_PATH),
            Route(f"{_MESSAGE_PATH}audio/", "audio", self.send_audio, "listen_to_message"),
            Route(f"{_MESSAGE_PATH}history/", "history", self.show_history, "view_message"),
            Route(_MESSAGE_PATH, "detail", self.show_message, "view_message"),
        )

    # --- many messages ---

    def list_messages(self, request: HttpRequest) -> HttpResponseBase:
        """List live or removed messages, the latest first, or apply an action to the selected ones."""
        account_id, box_id = request.GET.get("account", ""), request.GET.get("box", "")
        if not account_id:
            return redirect_to_accounts(request, "messages")
        account = accounts.get(account_id)
        if request.method == "POST":
            return self._run_action(request, account)
        is_removed = shows_removed(request)
        box = _mailbox(account_id, box_id, or_removed=is_removed) if box_id else None
        title = "Removed messages" if is_removed else "Messages"
        box_crumbs: list[Crumb] = [] if box is None else [mailbox_crumb(account_id, box)]
        tools = []
        if box is not None and not is_removed:
            add_url = reverse("admin:desk_message_add_to", args=[account_id, box_id])
            tools = self.tools(request, ("add_message", "Add message", add_url))
        choices = self._action_choices(request, is_removed=is_removed)
        fields = mailbox_choice_field(account_id) if actions.MOVE in dict(choices) else SafeString()
        return self.render(
            request,
            "desk/messages/list.html",
            f"{title} of {mailbox_title(box) if box else 'all mailboxes'}",
            [*account_crumbs(account), *box_crumbs, (title, None)],
            table=message_table(request, account_id, box, choices, fields),
            tools=tools,
        )

    def _action_choices(self, request: HttpRequest, *, is_removed: bool) -> list[tuple[str, str]]:
        """The actions that the operator may use, with their labels."""
        available = actions.ON_REMOVED_MESSAGES if is_removed else actions.ON_LIVE_MESSAGES
        return [
            (name, action.label)
            for name, action in available.items()
            if self.has_permission(request, action.permission)
        ]

    def _run_action(self, request: HttpRequest, account: Document) -> HttpResponseBase:
        """Apply the action to the selected messages, mailbox by mailbox."""
        response = HttpResponseRedirect(request.get_full_path())
        name = request.POST.get("action", "")
        if name not in actions.ACTIONS:
            notices.warning(request, "Choose an action.")
            return response
        self.require_permission(request, actions.ACTIONS[name].permission)
        ids_by_box: dict[str, list[str]] = {}
        for row_id in request.POST.getlist("selected"):
            box_id, _, message_id = row_id.partition(" ")
            ids_by_box.setdefault(box_id, []).append(message_id)
        if not ids_by_box:
            notices.warning(request, "Select some messages.")
        elif name == actions.DOWNLOAD and len(ids_by_box) > 1:
            notices.warning(request, "A ZIP holds the messages of one mailbox. Select messages of one mailbox only.")
        elif name == actions.DOWNLOAD:
            ((box_id, ids),) = ids_by_box.items()
            return actions.download_zip(request, account, box_id, ids)
        else:
            for box_id, ids in ids_by_box.items():
                if not actions.run(request, account, box_id, ids, name):
                    break
        return response

    def suggest_mailboxes(self, request: HttpRequest, account_id: str) -> JsonResponse:
        """Suggest mailboxes to move or copy messages to."""
        accounts.get(account_id)
        return mailbox_suggestions(request, account_id)

    # --- one message ---

    def show_message(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """Show a message, live or removed, or apply an action to it."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        if mailbox_store.is_live(box):
            message_id = on_access.current_id(account, box, message_id, actor(request), audio_optional=True)
        if request.method == "POST":
            return self._run_action_on_one(request, account, box, message_id)
        _, doc = _find_message(account_id, box_id, message_id)
        is_removed = deletion.is_removed(doc, box_id)
        limit = retention.limit(account_id)
        message = metadata.representation(doc, limit)
        can = self.permissions(request, "listen_to_message", "change_message", "delete_message")
        return self.render(
            request,
            "desk/messages/detail.html",
            f"{'Removed message' if is_removed else 'Message'} from {caller_title(message)}",
            [*message_list_crumbs(account, box, is_removed=is_removed), ("Message", None)],
            account_id=account_id,
            box_id=box_id,
            box_title=mailbox_title(box),
            is_box_live=mailbox_store.is_live(box),
            message=message,
            message_id=message_id,
            time=format_time(message.get("timestamp")),
            length=format_length(message.get("length")),
            seconds=f"{(values.as_integer(message.get('length')) or 0) / 1000:.3f}",
            has_audio=recording.has_audio(doc),
            is_removed=is_removed,
            removed_at=format_time(doc.get("pvt_modified")),
            is_expired=retention.is_expired(doc, limit),
            folders=FOLDERS,
            restore_folder=deletion.restore_folder(doc.get(deletion.REMOVED_FROM), metadata.folder(doc)),
            mailbox_field=mailbox_choice_field(account_id) if can["change_message"] and not is_removed else "",
            can=can,
        )

    def _run_action_on_one(
        self, request: HttpRequest, account: Document, box: Document, message_id: str
    ) -> HttpResponse:
        name = request.POST.get("action", "")
        if name not in actions.ACTIONS or name == actions.DOWNLOAD:
            notices.warning(request, "Choose an action.")
            return HttpResponseRedirect(request.path)
        self.require_permission(request, actions.ACTIONS[name].permission)
        was_tried = actions.run(request, account, box["_id"], [message_id], name)
        if was_tried and name in (actions.REMOVE, actions.MOVE):
            return HttpResponseRedirect(message_list_url(account["_id"], box["_id"]))
        return HttpResponseRedirect(request.path)

    def send_audio(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponseBase:
        """Send the audio, or the part that a player asks for."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        database, doc = _find_message(account_id, box_id, message_id)
        audio = recording.locate(database, doc)
        if request.method == "GET":
            actions.record_listening(request, account_id, box, message_id)
        response = audio_response(request, audio)
        if request.GET.get("download"):
            name = file_names.audio_file_name(doc, time_zone.of_box(account, box), audio)
            response.headers["Content-Disposition"] = content_disposition(name)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def show_history(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """Show what was done to the message, even if it no longer exists."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        crumbs = [*message_list_crumbs(account, box), ("Message", message_url(account_id, box_id, message_id))]
        return render_history(self, request, message_id, "message", crumbs)


def _find_message(account_id: str, box_id: str, message_id: str) -> tuple[Database, Document]:
    """A message of a mailbox, live or removed; BadIdentifier if there is none."""
    try:
        return message_store.get(account_id, box_id, message_id)
    except BadIdentifier:
        return restore.get_removed(account_id, box_id, message_id)


def _mailbox(account_id: str, box_id: str, *, or_removed: bool) -> Document:
    """A live mailbox, or BadIdentifier; with `or_removed` also a removed one, or as much as is known of it."""
    if not or_removed:
        return mailbox_store.get(account_id, box_id)
    return mailbox_store.find(account_id, box_id) or {"_id": box_id}
