"""The pages of messages: the list across months, one message, its audio and its history."""

from collections.abc import Iterable, Mapping, Sequence

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import accounts
from couch.database import Database, Document
from couch.errors import MissingDatabase
from crossbar.conditions import content_disposition
from crossbar.errors import BadIdentifier
from desk.accounts.links import account_crumbs, redirect_to_accounts
from desk.audit.pages import render_history
from desk.kit.audio_response import converted_response
from desk.kit.formats import format_length, format_time
from desk.kit.live import allow_live, live_list
from desk.kit.pages import Crumb, Route, actor, next_url
from desk.kit.tables import Table
from desk.mailboxes.choice_field import mailbox_choice_field, mailbox_suggestions
from desk.mailboxes.titles import mailbox_title
from desk.messages import actions, runs
from desk.messages.filters import FOLDERS, shows_removed
from desk.messages.links import mailbox_crumb, message_list_crumbs, message_list_url, message_run_url, message_url
from desk.messages.restorable import describe_restoring, format_restorable_until
from desk.messages.row_controls import ROW_BUTTON, folder_field
from desk.messages.run_pages import RunPages, runs_url
from desk.messages.table import message_table, selected_times
from desk.messages.titles import caller_title
from desk.messages.trail import former_places, next_place
from desk.messages.uploads import UploadPages
from desk.models import Message
from storage import document_types, values
from voicemail.api.raw import audio_response
from voicemail.audio import content_types, playback, recording
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes import time_zone
from voicemail.messages import deletion, file_names, folders, metadata, restore, retention
from voicemail.messages import store as message_store
from voicemail.messages.transcription import transcription_text

PLAYBACK_SPEEDS = ("0.8", "1", "1.25", "1.5", "2")
_MESSAGE_PATH = "<str:account_id>/<str:box_id>/<path:message_id>/"


@admin.register(Message)
class MessageAdmin(UploadPages, RunPages):
    """The pages of messages. The list is of one account, or of one of its mailboxes, which the query names."""

    def routes(self) -> Iterable[Route]:
        """All pages, and the suggestions for the mailbox to move messages to."""
        return (
            Route("", "changelist", self.list_messages, "view_message"),
            Route("<str:account_id>/mailboxes.json", "mailboxes", self.suggest_mailboxes, "change_message"),
            *self.run_routes(),
            *self.upload_routes(_MESSAGE_PATH),
            Route(f"{_MESSAGE_PATH}audio/", "audio", self.send_audio, "listen_to_message"),
            Route(f"{_MESSAGE_PATH}history/", "history", self.show_history, "view_message"),
            Route(_MESSAGE_PATH, "detail", self.show_message, "view_message"),
        )

    # --- many messages ---

    def list_messages(self, request: HttpRequest) -> HttpResponseBase:
        """List live or removed messages, the latest first, or apply an action to the selected ones."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return redirect_to_accounts(request, _("Choose an account first, then its messages."))
        account = accounts.get(account_id)
        if request.method != "POST":
            return self._render_list(request, account, actions.ActionForm())
        try:
            if request.POST.get(ROW_BUTTON):
                return self._change_folder_of_row(request, account)
            return self._run_action(request, account)
        except actions.Refused as refusal:
            return self._render_list(request, account, actions.ActionForm.after(request, refusal))

    def _render_list(self, request: HttpRequest, account: Document, form: actions.ActionForm) -> HttpResponseBase:
        account_id, box_id, is_removed = account["_id"], request.GET.get("box", ""), shows_removed(request)
        box = _mailbox(account_id, box_id, or_removed=is_removed) if box_id else None
        title = _("Removed messages") if is_removed else _("Messages")
        box_crumbs: list[Crumb] = [] if box is None else [mailbox_crumb(account_id, box)]
        tools = self.tools(request, ("view_message", _("Actions on many messages"), runs_url(account_id)))
        if box is not None and not is_removed:
            add_url = reverse("admin:desk_message_add_to", args=[account_id, box_id])
            tools += self.tools(request, ("add_message", _("Add message"), add_url))
        choices = self._action_choices(request, is_removed=is_removed)
        live = live_list(request, account_id, document_types.MESSAGE)

        def make_table(list_request: HttpRequest) -> Table:
            return message_table(list_request, account_id, box, choices, form)

        def page() -> HttpResponseBase:
            return self.render_list(
                request,
                "removed-messages" if is_removed else "messages",
                _list_title(box, is_removed=is_removed),
                [*account_crumbs(account), *box_crumbs, (title, None)],
                make_table,
                account_id=account_id,
                template="desk/messages/list.html",
                speeds=PLAYBACK_SPEEDS,
                tools=tools,
                live=live,
            )

        return allow_live(page, request, live)

    def _action_choices(self, request: HttpRequest, *, is_removed: bool) -> list[tuple[str, str]]:
        """The actions that the operator may use, with their labels."""
        available = actions.ON_REMOVED_MESSAGES if is_removed else actions.ON_LIVE_MESSAGES
        return [
            (name, action.label)
            for name, action in available.items()
            if self.has_permission(request, action.permission)
        ]

    def _run_action(self, request: HttpRequest, account: Document) -> HttpResponseBase:
        """Apply the action to the selected messages, mailbox by mailbox; raises Refused."""
        name = request.POST.get("action", "")
        if name not in actions.ACTIONS:
            raise actions.Refused(_("Choose an action."))
        self.require_permission(request, actions.ACTIONS[name].permission)
        selection = actions.read_selection(request)
        is_all = request.POST.get("all") == "yes"
        if is_all or sum(map(len, selection.values())) > actions.MAX_AT_ONCE:
            return self._start_run(request, account, name, {} if is_all else selection)
        if not selection:
            raise actions.Refused(_("Select some messages."))
        if name == actions.DOWNLOAD:
            if len(selection) > 1:
                text = _("A ZIP holds the messages of one mailbox. Select messages of one mailbox only.")
                raise actions.Refused(text)
            ((box_id, ids),) = selection.items()
            return actions.download_zip(request, account, box_id, ids)
        if name == actions.REMOVE and actions.CONFIRMED not in request.POST:
            return self._confirm_removal(request, account, selection, [(_("Remove"), None)], request.get_full_path())
        actions.run(request, account, selection, name)
        return HttpResponseRedirect(next_url(request, request.get_full_path()))

    def _change_folder_of_row(self, request: HttpRequest, account: Document) -> HttpResponse:
        """Put the message of a row into the folder that is chosen there; tell a script of it as JSON."""
        self.require_permission(request, "change_message")
        row_id = request.POST[ROW_BUTTON]
        folder = request.POST.get(folder_field(row_id), "")
        if folder not in folders.FOLDERS:
            raise actions.Refused(_("Choose a folder."))
        box_id, _separator, message_id = row_id.partition(" ")
        selection = {box_id: [message_id]}
        if request.headers.get("Accept") != "application/json":
            actions.run(request, account, selection, folder)
            return HttpResponseRedirect(request.get_full_path())
        report = actions.apply_and_record(request, account, selection, folder)
        if failures := report.failures():
            return JsonResponse({"error": failures[0]}, status=409)
        current_id = " ".join(report.changed[0])
        return JsonResponse({"row": current_id, "text": report.action.describe(1)})

    def _start_run(
        self, request: HttpRequest, account: Document, name: str, selection: Mapping[str, Sequence[str]]
    ) -> HttpResponse:
        """Have a worker apply an action to many messages, or to all of the list if none are selected."""
        if name == actions.DOWNLOAD:
            raise actions.Refused(_("A ZIP holds the messages that are selected on one page."))
        time_range = selected_times(request, account["_id"])
        if time_range is None and not selection:
            raise actions.Refused(_("Correct the dates first."))
        target = None
        if name in (actions.MOVE, actions.COPY):
            box_ids = selection or {request.GET.get("box", ""): ()}
            target = actions.find_target(request, account["_id"], box_ids)
        if name == actions.REMOVE and actions.CONFIRMED not in request.POST:
            return self._confirm_removal(request, account, selection, [(_("Remove"), None)], request.get_full_path())
        if time_range is None or selection:
            run = runs.start(request, account["_id"], name, target, selection)
        else:
            run = runs.start_for_list(request, account["_id"], name, target, time_range)
        return HttpResponseRedirect(message_run_url(run))

    def _confirm_removal(
        self,
        request: HttpRequest,
        account: Document,
        selection: Mapping[str, Sequence[str]],
        crumbs: Sequence[Crumb],
        cancel_url: str,
    ) -> HttpResponse:
        """Ask whether messages are to be removed, or all of the list, and say how long they can be restored."""
        if not selection:
            return self._confirm_removal_of_all(request, account, crumbs, cancel_url)
        count = sum(map(len, selection.values()))
        selected = [("selected", f"{box_id} {message_id}") for box_id, ids in selection.items() for message_id in ids]
        return self.render_confirmation(
            request,
            ngettext("Remove %(count)s message?", "Remove %(count)s messages?", count) % {"count": count},
            [*account_crumbs(account), *crumbs],
            question=" ".join(
                [
                    ngettext("Clients don't see it any more.", "Clients don't see them any more.", count),
                    describe_restoring(account["_id"], selection),
                ]
            ),
            submit=_("Yes, remove it") if count == 1 else _("Yes, remove them"),
            cancel_url=cancel_url,
            is_dangerous=True,
            hidden_fields=[("action", actions.REMOVE), (actions.CONFIRMED, "yes"), *selected],
        )

    def _confirm_removal_of_all(
        self, request: HttpRequest, account: Document, crumbs: Sequence[Crumb], cancel_url: str
    ) -> HttpResponse:
        days = retention.duration_days(account["_id"])
        return self.render_confirmation(
            request,
            _("Remove all messages of this list?"),
            [*account_crumbs(account), *crumbs],
            question=_(
                "All messages that the list shows, on every page, are removed: clients don't see them any more. "
                "Under “Removed”, each can be restored for %(days)s days after it was left."
            )
            % {"days": days},
            submit=_("Yes, remove them all"),
            cancel_url=cancel_url,
            is_dangerous=True,
            hidden_fields=[("action", actions.REMOVE), (actions.CONFIRMED, "yes"), ("all", "yes")],
        )

    def suggest_mailboxes(self, request: HttpRequest, account_id: str) -> JsonResponse:
        """Suggest mailboxes to move or copy messages to."""
        accounts.get(account_id)
        return mailbox_suggestions(request, account_id)

    # --- one message ---

    def show_message(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """Show a message, live or removed or moved away, or apply an action to it."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        if mailbox_store.is_live(box):
            message_id = on_access.current_id(account, box, message_id, actor(request), audio_optional=True)
        if request.method != "POST":
            return self._render_message(request, account, box, message_id, actions.ActionForm())
        try:
            return self._run_action_on_one(request, account, box, message_id)
        except actions.Refused as refusal:
            form = actions.ActionForm.after(request, refusal)
            return self._render_message(request, account, box, message_id, form)

    def _render_message(
        self, request: HttpRequest, account: Document, box: Document, message_id: str, form: actions.ActionForm
    ) -> HttpResponse:
        account_id, box_id = account["_id"], box["_id"]
        doc = _find_message(account_id, box_id, message_id)[1]
        is_removed = deletion.is_removed(doc, box_id)
        limit = retention.limit(account_id)
        message = metadata.representation(doc, limit)
        audio_type = recording.stated_type(doc)
        can = self.permissions(request, "listen_to_message", "change_message", "delete_message")
        if message.get("transcription") and can["listen_to_message"]:
            actions.record_reading(request, account_id, box, message_id)
        may_move = can["change_message"] and not is_removed
        is_moved = is_removed and bool(doc.get(deletion.MOVED_TO))
        kind = _("Message from %(caller)s")
        if is_removed:
            kind = _("Moved message from %(caller)s") if is_moved else _("Removed message from %(caller)s")
        return self.render(
            request,
            "desk/messages/detail.html",
            kind % {"caller": caller_title(message)},
            [*message_list_crumbs(account, box, is_removed=is_removed), (_("Message"), None)],
            account_id=account_id,
            box_id=box_id,
            box_title=mailbox_title(box),
            is_box_live=mailbox_store.is_live(box),
            message=message,
            transcription=transcription_text(message.get("transcription")),
            message_id=message_id,
            time=format_time(message.get("timestamp")),
            length=format_length(message.get("length")),
            seconds=f"{(values.as_integer(message.get('length')) or 0) / 1000:.3f}",
            has_audio=recording.has_audio(doc),
            audio_type=audio_type,
            is_mp3=content_types.extension(audio_type) == playback.FORMAT,
            is_removed=is_removed,
            is_moved=is_moved,
            next_place=next_place(account_id, doc),
            former_places=former_places(account_id, doc),
            removed_at=format_time(doc.get("pvt_modified")),
            restorable_until=format_restorable_until(account_id, [doc]),
            is_expired=retention.is_expired(doc, limit),
            folders=FOLDERS,
            restore_folder=deletion.restore_folder(doc.get(deletion.REMOVED_FROM), metadata.folder(doc)),
            mailbox_field=mailbox_choice_field(account_id, form.target, form.target_error) if may_move else "",
            can=can,
        )

    def _run_action_on_one(
        self, request: HttpRequest, account: Document, box: Document, message_id: str
    ) -> HttpResponse:
        name = request.POST.get("action", "")
        if name not in actions.ACTIONS or name == actions.DOWNLOAD:
            raise actions.Refused(_("Choose an action."))
        self.require_permission(request, actions.ACTIONS[name].permission)
        selection = {box["_id"]: [message_id]}
        if name == actions.REMOVE and actions.CONFIRMED not in request.POST:
            crumbs: list[Crumb] = [
                mailbox_crumb(account["_id"], box),
                (_("Message"), request.path),
                (_("Remove"), None),
            ]
            return self._confirm_removal(request, account, selection, crumbs, request.path)
        actions.run(request, account, selection, name)
        if name in (actions.REMOVE, actions.MOVE):
            return HttpResponseRedirect(message_list_url(account["_id"], box["_id"]))
        return HttpResponseRedirect(request.path)

    def send_audio(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponseBase:
        """Send the audio, or the part that a player asks for; as MP3 with ``?format=mp3``."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        database, doc = _find_message(account_id, box_id, message_id)
        audio = recording.locate(database, doc)
        if request.method == "GET":
            actions.record_listening(request, account_id, box, message_id)
        is_converted = request.GET.get("format") == playback.FORMAT
        response = converted_response(request, audio) if is_converted else audio_response(request, audio)
        if request.GET.get("download"):
            name = file_names.audio_file_name(doc, time_zone.of_box(account, box), audio)
            name = f"{name.rpartition('.')[0]}.{playback.FORMAT}" if is_converted else name
            response.headers["Content-Disposition"] = content_disposition(name)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def show_history(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """Show what was done to the message, also before it was moved, even if it no longer exists."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        crumbs = [*message_list_crumbs(account, box), (_("Message"), message_url(account_id, box_id, message_id))]
        try:
            former_ids = deletion.former_ids(_find_message(account_id, box_id, message_id)[1])
        except (BadIdentifier, MissingDatabase):
            former_ids = []
        return render_history(self, request, [*former_ids, message_id], "message", crumbs)


def _find_message(account_id: str, box_id: str, message_id: str) -> tuple[Database, Document]:
    """A message of a mailbox, live, removed or moved away; BadIdentifier if there is none."""
    try:
        return message_store.get(account_id, box_id, message_id)
    except BadIdentifier:
        return restore.get_removed(account_id, box_id, message_id, or_moved=True)


def _mailbox(account_id: str, box_id: str, *, or_removed: bool) -> Document:
    """A live mailbox, or BadIdentifier; with `or_removed` also a removed one, or as much as is known of it."""
    if not or_removed:
        return mailbox_store.get(account_id, box_id)
    return mailbox_store.find(account_id, box_id) or {"_id": box_id}


def _list_title(box: Document | None, *, is_removed: bool) -> str:
    if box is None:
        return _("Removed messages of all mailboxes") if is_removed else _("Messages of all mailboxes")
    text = _("Removed messages of %(mailbox)s") if is_removed else _("Messages of %(mailbox)s")
    return text % {"mailbox": mailbox_title(box)}
