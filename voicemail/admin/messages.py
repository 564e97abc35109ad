"""Messages at the desk: listed across months, heard, put into folders, moved, copied, removed, downloaded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html

from accounts import directory, gregorian
from accounts.admin import audit
from accounts.admin.listings import Cell, Filter, Row, Table, choices, query_with
from accounts.admin.pages import Crumb, DocumentAdmin, Route, actor
from accounts.couch import Document
from crossbar.filters import Filter as Passing
from crossbar.pages import PageRequest, TimeRange
from voicemail import (
    archive,
    audio,
    audio_types,
    carrying,
    changes,
    listing,
    mailbox_listing,
    mailboxes,
    messages,
    metadata,
    retention,
)
from voicemail.admin.accounts import crumbs_to
from voicemail.legacy import touch
from voicemail.models import Message
from voicemail.selection import Outcome
from voicemail.views.raw import audio_response, disposition

KIND = "message"
_PAGE = 50
_FOLDERS = [("", "All"), ("new", "New"), ("saved", "Saved"), ("deleted", "Deleted")]
_ACTIONS = [
    ("saved", "Put into saved"),
    ("new", "Put into new"),
    ("deleted", "Put into deleted"),
    ("move", "Move to the mailbox chosen beside"),
    ("copy", "Copy to the mailbox chosen beside"),
    ("remove", "Remove"),
    ("zip", "Download as ZIP"),
]
_NEEDS = {"remove": "delete_message", "zip": "listen_to_message"}
_MOST_BOXES = 2_000


@admin.register(Message)
class MessageAdmin(DocumentAdmin):
    """The pages of messages: of one account, or of one of its mailboxes, named in the query."""

    def routes(self) -> Iterable[Route]:
        """List, one message, its audio and history."""
        return (
            Route("", "changelist", self.list, "view_message"),
            Route("<str:account_id>/<str:box_id>/<path:message_id>/audio/", "audio", self.audio, "listen_to_message"),
            Route("<str:account_id>/<str:box_id>/<path:message_id>/history/", "history", self.told, "view_message"),
            Route("<str:account_id>/<str:box_id>/<path:message_id>/", "detail", self.detail, "view_message"),
        )

    # --- many ---

    def list(self, request: HttpRequest) -> HttpResponseBase:
        """The messages, the latest first; chosen ones are changed."""
        account_id, box_id = request.GET.get("account", ""), request.GET.get("box", "")
        if not account_id:
            notices.info(request, "Choose an account, then its messages.")
            return HttpResponseRedirect(reverse("admin:accounts_account_changelist"))
        account = directory.account(account_id)
        box = mailboxes.get(account_id, box_id) if box_id else None
        if request.method == "POST":
            return self._act(request, account, box)
        crumbs: list[Crumb] = [*crumbs_to(account)]
        if box is not None:
            crumbs.append((_named(box), reverse("admin:voicemail_mailbox_detail", args=[account_id, box_id])))
        title = f"Messages of {_named(box)}" if box else "Messages of all mailboxes"
        table = self._table(request, account_id, box)
        return self.rendered(request, "desk/list.html", title, [*crumbs, ("Messages", None)], table=table)

    def _table(self, request: HttpRequest, account_id: str, box: Document | None) -> Table:
        query = request.GET
        start_key = query.get("start_key")
        wanted = PageRequest.from_query({"start_key": start_key} if start_key else {}, _PAGE)
        now = gregorian.now()
        time = TimeRange(retention.limit(account_id, now), now, is_open=True)
        text = query.get("q", "").strip()
        page = listing.page(account_id, box, wanted, time, _of_caller(text), query.get("folder") or None)
        in_box = [] if box is None else [("box", box["_id"])]
        return Table(
            columns=("Time (UTC)", "From", "Name", "Folder", "Length", "Text", *(() if box else ("Mailbox",))),
            rows=[_row(account_id, entry, with_box=box is None) for entry in page.entries],
            caption="Messages, the latest first",
            search=text,
            search_help="A part of the caller's number or name.",
            filters=[Filter("folder", choices(request, "folder", _FOLDERS))],
            actions=[one for one in _ACTIONS if self.allows(request, _NEEDS.get(one[0], "change_message"))],
            action_fields=_box_picker(account_id),
            next_query=query_with(request, start_key=page.next_start_key) if page.next_start_key else None,
            is_first=not start_key,
            first_query=query_with(request),
            empty="There are no such messages within the retention.",
            kept=[("account", account_id), *in_box, *([("folder", query["folder"])] if query.get("folder") else [])],
        )

    def _act(self, request: HttpRequest, account: Document, box: Document | None) -> HttpResponseBase:
        """Do with the chosen messages what was asked for; each box's in one go."""
        action = request.POST.get("action", "")
        if action not in dict(_ACTIONS):
            notices.warning(request, "Choose an action.")
            return HttpResponseRedirect(request.get_full_path())
        self.require(request, _NEEDS.get(action, "change_message"))
        chosen: dict[str, list[str]] = {}
        for one in request.POST.getlist("chosen"):
            box_id, _, message_id = one.partition(" ")
            chosen.setdefault(box_id, []).append(message_id)
        if not chosen:
            notices.warning(request, "Choose some messages.")
        elif action == "zip":
            return self._zip(request, account, chosen)
        for box_id, ids in chosen.items():
            self._apply(request, account, mailboxes.get(account["_id"], box_id), ids, action)
        return HttpResponseRedirect(request.get_full_path())

    def _apply(self, request: HttpRequest, account: Document, box: Document, ids: Sequence[str], action: str) -> None:
        target = request.POST.get("target", "")
        who = actor(request)
        if action in ("move", "copy") and not target:
            notices.warning(request, "Choose the mailbox to move or copy to.")
            return
        if action == "remove":
            outcome = changes.remove(account, box, ids, None, who)
        elif action == "move":
            outcome = carrying.move(account, box, ids, mailboxes.get(account["_id"], target), who)
        elif action == "copy":
            outcome = carrying.copy(account, box, ids, [mailboxes.get(account["_id"], target)], who)
        else:
            outcome = changes.change_folder(account, box, ids, action, who)
        self._tell(request, account, box, action, ids, outcome, {"to": target} if target else {})

    def _tell(
        self,
        request: HttpRequest,
        account: Document,
        box: Document,
        action: str,
        ids: Sequence[str],
        outcome: Outcome,
        details: Mapping[str, Any],
    ) -> None:
        """Say what became of the messages, and record it at each that was changed."""
        failed = {message_id: reason for one in outcome.failed for message_id, reason in one.items()}
        done = [one for one in ids if one not in failed]
        for message_id in done:
            self._record(request, _PAST.get(action, f"put into {action}"), account, box, message_id, details)
        if done:
            notices.success(request, f"{_PAST.get(action, f'Put into {action}').capitalize()}: {len(done)}.")
        for message_id, reason in failed.items():
            notices.error(request, format_html("{}: {}", message_id, _REASONS.get(reason, reason)))

    def _zip(self, request: HttpRequest, account: Document, chosen: Mapping[str, Sequence[str]]) -> HttpResponseBase:
        if len(chosen) > 1:
            notices.warning(request, "A ZIP holds the messages of one mailbox: choose those of one.")
            return HttpResponseRedirect(request.get_full_path())
        ((box_id, ids),) = chosen.items()
        box = mailboxes.get(account["_id"], box_id)
        pieces = archive.zip_stream(account, box, ids)
        for message_id in ids:
            self._record(request, "downloaded", account, box, message_id, {})
        response = StreamingHttpResponse(pieces, content_type="application/zip")
        number = audio_types.safe(mailboxes.number(box)) or box_id
        response.headers["Content-Disposition"] = disposition(f"voicemail_{number}.zip")
        return response

    # --- one ---

    def detail(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """One message: what is known of it, its audio, and what can be done with it."""
        account, box = directory.account(account_id), mailboxes.get(account_id, box_id)
        message_id = touch.current_id(account, box, message_id, actor(request), silent=True)
        if request.method == "POST":
            return self._act_on_one(request, account, box, message_id)
        _, doc = messages.find(account_id, box_id, message_id)
        shown = metadata.shown(doc, retention.limit(account_id))
        can_change = self.allows(request, "change_message")
        return self.rendered(
            request,
            "desk/message.html",
            f"Message from {str(shown.get('caller_id_name') or shown.get('caller_id_number'))[:80]}",
            [*_crumbs(account, box), ("Message", None)],
            account=account,
            account_id=account_id,
            box=box,
            box_id=box_id,
            box_name=_named(box),
            message=shown,
            message_id=message_id,
            time=_time(shown.get("timestamp")),
            seconds=_seconds(shown.get("length")),
            has_audio=audio.has_audio(doc),
            can_listen=self.allows(request, "listen_to_message"),
            can_change=can_change,
            can_remove=self.allows(request, "delete_message"),
            folders=[one for one in _FOLDERS if one[0]],
            picker=_box_picker(account_id) if can_change else "",
        )

    def _act_on_one(self, request: HttpRequest, account: Document, box: Document, message_id: str) -> HttpResponse:
        action = request.POST.get("action", "")
        if action not in dict(_ACTIONS) or action == "zip":
            notices.warning(request, "Choose an action.")
            return HttpResponseRedirect(request.path)
        self.require(request, _NEEDS.get(action, "change_message"))
        self._apply(request, account, box, [message_id], action)
        gone = action in ("remove", "move")
        return HttpResponseRedirect(_list_url(account["_id"], box["_id"]) if gone else request.path)

    def audio(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponseBase:
        """The audio, or the part of it that the player asks for. That it was opened is recorded, each part is not."""
        account, box = directory.account(account_id), mailboxes.get(account_id, box_id)
        database, doc = messages.find(account_id, box_id, message_id)
        found = audio.recording(database, doc)
        if request.headers.get("Range", "bytes=0-").startswith("bytes=0-") and request.method == "GET":
            self._record(request, "listened to", account, box, message_id, {})
        response = audio_response(request, found)
        if request.GET.get("download"):
            name = audio.download_name(doc, mailboxes.zone(account, box), found)
            response.headers["Content-Disposition"] = disposition(name)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def told(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """What was done to the message."""
        account, box = directory.account(account_id), mailboxes.get(account_id, box_id)
        crumbs = [*_crumbs(account, box), ("Message", _url(account_id, box_id, message_id))]
        return self.history(request, message_id, "message", crumbs)

    def _record(
        self,
        request: HttpRequest,
        action: str,
        account: Document,
        box: Document,
        message_id: str,
        details: Mapping[str, Any],
    ) -> None:
        audit.record(
            request,
            action,
            kind=KIND,
            account_id=account["_id"],
            document_id=message_id,
            name=f"in {_named(box)}",
            details=details,
        )


_PAST = {"remove": "removed", "move": "moved", "copy": "copied"}
_REASONS = {
    "not_found": "it isn't there any more",
    "conflict": "somebody else changed it at the same moment",
    "missing_audio": "its audio is missing",
    retention.REASON: "it is older than messages are kept: it can't be changed",
}


def _of_caller(text: str) -> Passing:
    """Lets pass the summaries whose caller has a text in its number or name."""

    def matches(doc: Mapping[str, Any]) -> bool:
        told = f"{doc.get('caller_id_number')} {doc.get('caller_id_name')} {doc.get('from')}"
        return text.lower() in told.lower()

    return Passing([matches] if text else [])


def _row(account_id: str, entry: listing.Entry, *, with_box: bool) -> Row:
    said = entry.summary
    message_id = str(said["media_id"])
    cells = [
        Cell(_time(said.get("timestamp")) or "—", _url(account_id, entry.box_id, message_id)),
        Cell(str(said.get("caller_id_number") or "")[:80]),
        Cell(str(said.get("caller_id_name") or "")[:80]),
        Cell(said.get("folder") or ""),
        Cell(_seconds(said.get("length")), style="number"),
        Cell("yes" if said.get("transcribed") else ""),
    ]
    if with_box:
        cells.append(Cell("open", reverse("admin:voicemail_mailbox_detail", args=[account_id, entry.box_id])))
    return Row(cells, f"{entry.box_id} {message_id}")


def _box_picker(account_id: str) -> Any:
    """A field with the account's mailboxes, by name."""
    page = mailbox_listing.summaries(account_id, _MOST_BOXES)
    options = [("", "---------"), *((one["id"], f"{one.get('mailbox')} {one.get('name')}"[:100]) for one in page)]
    select = forms.Select(choices=options, attrs={"aria-label": "Mailbox to move or copy to"})
    return select.render("target", "")


def _crumbs(account: Document, box: Document) -> list[Crumb]:
    detail = reverse("admin:voicemail_mailbox_detail", args=[account["_id"], box["_id"]])
    return [*crumbs_to(account), (_named(box), detail), ("Messages", _list_url(account["_id"], box["_id"]))]


def _list_url(account_id: str, box_id: str) -> str:
    return f"{reverse('admin:voicemail_message_changelist')}?account={account_id}&box={box_id}"


def _url(account_id: str, box_id: str, message_id: str) -> str:
    return reverse("admin:voicemail_message_detail", args=[account_id, box_id, message_id])


def _named(box: Mapping[str, Any]) -> str:
    return f"{mailboxes.number(box)} {box.get('name') or ''}".strip()[:100] or str(box["_id"])


def _time(seconds: object) -> str:
    found = retention.as_number(seconds)
    try:
        return "" if found is None else f"{gregorian.to_datetime(found):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return ""


def _seconds(milliseconds: object) -> str:
    found = retention.as_number(milliseconds)
    return "" if found is None else f"{found / 1000:.1f} s"
