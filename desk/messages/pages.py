"""Messages at the desk: listed across months, heard, put into folders, moved, copied, removed, restored."""

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
from desk.accounts.pages import crumbs_to
from desk.kit.formats import caller_text, length_text, named_box, time_text
from desk.kit.pages import Crumb, Route, actor
from desk.mailboxes import choice_field as mailbox_choice
from desk.messages import actions as message_actions
from desk.messages import table as message_table
from desk.messages.actions import ACTIONS, ON_REMOVED
from desk.messages.links import box_crumb, crumbs, list_url, message_url
from desk.messages.uploads import UploadPages
from desk.models import Message
from storage import values
from voicemail.api.raw import audio_response
from voicemail.audio import recording
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import deletion, metadata, restore, retention
from voicemail.messages import store as message_store
from voicemail.messages.deletion import REMOVED_FROM

_OF_ONE = "<str:account_id>/<str:box_id>/<path:message_id>/"


@admin.register(Message)
class MessageAdmin(UploadPages):
    """The pages of messages: of one account, or of one of its mailboxes, named in the query."""

    def routes(self) -> Iterable[Route]:
        """List, one message, its audio and history, uploads; the mailboxes that one may go to."""
        return (
            Route("", "changelist", self.list, "view_message"),
            Route("<str:account_id>/mailboxes.json", "mailboxes", self.mailboxes, "change_message"),
            Route("<str:account_id>/<str:box_id>/add/", "add_to", self.add, "add_message"),
            Route(f"{_OF_ONE}upload/", "upload", self.upload, "change_message"),
            Route(f"{_OF_ONE}audio/", "audio", self.audio, "listen_to_message"),
            Route(f"{_OF_ONE}history/", "history", self.told, "view_message"),
            Route(_OF_ONE, "detail", self.detail, "view_message"),
        )

    # --- many ---

    def list(self, request: HttpRequest) -> HttpResponseBase:
        """The messages, the latest first, or the removed ones; chosen ones are changed."""
        account_id, box_id = request.GET.get("account", ""), request.GET.get("box", "")
        if not account_id:
            notices.info(request, "Choose an account, then its messages.")
            return HttpResponseRedirect(reverse("admin:desk_account_changelist"))
        account = accounts.get(account_id)
        if request.method == "POST":
            return self._act(request, account)
        removed = message_table.is_of_removed(request)
        box = _mailbox(account_id, box_id, or_removed=removed) if box_id else None
        way: list[Crumb] = [*crumbs_to(account)]
        if box is not None:
            way.append(box_crumb(account_id, box))
        title = f"{'Removed messages' if removed else 'Messages'} of {named_box(box) if box else 'all mailboxes'}"
        offered = ON_REMOVED if removed else ACTIONS
        actions = [one for one in offered.items() if self.allows(request, message_actions.needed(one[0]))]
        fields = mailbox_choice.field(account_id) if "move" in dict(actions) else SafeString()
        table = message_table.table(request, account_id, box, actions, fields)
        can_add = box is not None and not removed and self.allows(request, "add_message")
        tools = [("Add message", reverse("admin:desk_message_add_to", args=[account_id, box_id]))] if can_add else []
        way.append(("Removed messages" if removed else "Messages", None))
        return self.rendered(request, "desk/messages/list.html", title, way, table=table, tools=tools)

    def _act(self, request: HttpRequest, account: Document) -> HttpResponseBase:
        """Do with the chosen messages what was asked for; each box's in one go."""
        here = HttpResponseRedirect(request.get_full_path())
        action = request.POST.get("action", "")
        if action not in ACTIONS and action not in ON_REMOVED:
            notices.warning(request, "Choose an action.")
            return here
        self.require(request, message_actions.needed(action))
        chosen: dict[str, list[str]] = {}
        for one in request.POST.getlist("chosen"):
            box_id, _, message_id = one.partition(" ")
            chosen.setdefault(box_id, []).append(message_id)
        if not chosen:
            notices.warning(request, "Choose some messages.")
        elif action == "zip" and len(chosen) > 1:
            notices.warning(request, "A ZIP holds the messages of one mailbox: choose those of one.")
        elif action == "zip":
            ((box_id, ids),) = chosen.items()
            return message_actions.zipped(request, account, box_id, ids)
        else:
            for box_id, ids in chosen.items():
                if not message_actions.apply(request, account, box_id, ids, action):
                    break
        return here

    def mailboxes(self, request: HttpRequest, account_id: str) -> JsonResponse:
        """Some mailboxes that messages can be moved or copied to."""
        accounts.get(account_id)
        return mailbox_choice.choices(request, account_id)

    # --- one ---

    def detail(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """One message, removed or not: what is known of it, its audio, and what can be done with it."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        if mailbox_store.is_live(box):
            message_id = on_access.current_id(account, box, message_id, actor(request), audio_optional=True)
        if request.method == "POST":
            return self._act_on_one(request, account, box, message_id)
        _, doc = _find(account_id, box_id, message_id)
        removed = deletion.is_removed(doc, box_id)
        limit = retention.limit(account_id)
        shown = metadata.representation(doc, limit)
        can_change = self.allows(request, "change_message")
        return self.rendered(
            request,
            "desk/messages/detail.html",
            f"{'Removed message' if removed else 'Message'} from {caller_text(shown)}",
            [*crumbs(account, box, removed=removed), ("Message", None)],
            account_id=account_id,
            box_id=box_id,
            box_name=named_box(box),
            message=shown,
            message_id=message_id,
            time=time_text(shown.get("timestamp")),
            seconds=length_text(shown.get("length")),
            length=f"{(values.as_integer(shown.get('length')) or 0) / 1000:.3f}",
            has_audio=recording.has_audio(doc),
            can_listen=self.allows(request, "listen_to_message"),
            can_change=can_change,
            can_remove=self.allows(request, "delete_message"),
            folders=[one for one in message_table.FOLDERS if one[0]],
            picker=mailbox_choice.field(account_id) if can_change and not removed else "",
            removed=removed,
            removed_at=time_text(doc.get("pvt_modified")),
            back=deletion.restore_folder(doc.get(REMOVED_FROM), metadata.folder(doc)),
            is_there=mailbox_store.is_live(box),
            expired=retention.is_expired(doc, limit),
        )

    def _act_on_one(self, request: HttpRequest, account: Document, box: Document, message_id: str) -> HttpResponse:
        action = request.POST.get("action", "")
        if action not in (ACTIONS.keys() | ON_REMOVED.keys()) - {"zip"}:
            notices.warning(request, "Choose an action.")
            return HttpResponseRedirect(request.path)
        self.require(request, message_actions.needed(action))
        done = message_actions.apply(request, account, box["_id"], [message_id], action)
        gone = done and action in ("remove", "move")
        return HttpResponseRedirect(list_url(account["_id"], box["_id"]) if gone else request.path)

    def audio(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponseBase:
        """The audio, or the part that the player asks for. That it is listened to is recorded, not each part."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        database, doc = _find(account_id, box_id, message_id)
        found = recording.recording(database, doc)
        if request.method == "GET":
            message_actions.record_listening(request, account_id, box, message_id)
        response = audio_response(request, found)
        if request.GET.get("download"):
            name = recording.download_name(doc, mailbox_store.zone(account, box), found)
            response.headers["Content-Disposition"] = content_disposition(name)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def told(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """What was done to the message, also when it is gone."""
        account, box = accounts.get(account_id), _mailbox(account_id, box_id, or_removed=True)
        way = [*crumbs(account, box), ("Message", message_url(account_id, box_id, message_id))]
        return self.history(request, message_id, "message", way)


def _find(account_id: str, box_id: str, message_id: str) -> tuple[Database, Document]:
    """A message of a box, or a removed one; BadIdentifier."""
    try:
        return message_store.get(account_id, box_id, message_id)
    except BadIdentifier:
        return restore.get_removed(account_id, box_id, message_id)


def _mailbox(account_id: str, box_id: str, *, or_removed: bool) -> Document:
    if not or_removed:
        return mailbox_store.get(account_id, box_id)
    return mailbox_store.find(account_id, box_id) or {"_id": box_id}
