"""The greetings of a mailbox: what its page shows of them, and the pages that set and remove them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from csp.decorators import csp_update
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import accounts, users
from couch.database import Document
from crossbar.errors import BadIdentifier, ValidationFailed
from desk.audit import log
from desk.kit.errors import describe_error
from desk.kit.notices import undo_button
from desk.kit.pages import DocumentAdmin, Route, actor
from desk.mailboxes.greeting_form import GreetingForm, greeting_fieldsets
from desk.mailboxes.links import mailbox_crumbs, mailbox_subject, mailbox_url
from desk.mailboxes.titles import mailbox_title
from desk.media.links import audio_url, media_subject, media_url
from desk.media.pages import HEARS_RECORDINGS
from desk.media.titles import VIEW_MEDIA, media_title
from desk.users.links import user_subject
from desk.users.titles import VIEW_USERS, user_title
from media import greetings
from media import store as media_store
from media.greetings import Greeting
from voicemail.audio import recording
from voicemail.mailboxes import store as mailbox_store

OWNERS_NAME = "owner"
"""The greeting, in URLs, that is the recorded name of the mailbox's owner."""
TITLES = {
    greetings.UNAVAILABLE: gettext_lazy("Unavailable"),
    greetings.TEMPORARY: gettext_lazy("Temporarily unavailable"),
    greetings.NAME: gettext_lazy("Recorded name"),
    OWNERS_NAME: gettext_lazy("Recorded name of the owner"),
}
IN_SENTENCES = {
    greetings.UNAVAILABLE: gettext_lazy("unavailable"),
    greetings.TEMPORARY: gettext_lazy("temporarily unavailable"),
    greetings.NAME: gettext_lazy("recorded name"),
    OWNERS_NAME: gettext_lazy("recorded name of the owner"),
}
_GREETING_PATH = "<str:account_id>/<str:box_id>/greetings/<slug:kind>/"
_CHANGE_USERS = "change_accountuser"
_CONFLICT = gettext_lazy(
    "Somebody else changed this greeting in the meantime. Look at what callers hear now, then save again."
)


@dataclass(frozen=True)
class GreetingView:
    """What a page shows of a greeting."""

    kind: str
    title: str
    explanation: str
    media_id: str
    media_title: str
    """Empty if there is no greeting, or its media is missing."""
    media_url: str
    audio_url: str
    """Empty if there is no audio, or the operator may not hear it."""
    audio_type: str
    may_change: bool


class _Conflict(Exception):
    """The greeting is another one than the operator saw."""


@dataclass(frozen=True)
class _Target:
    """The greeting that a page is about: the document that holds it, which is a mailbox or its owner."""

    account_id: str
    box: Document
    kind: str
    owner: Document | None

    @property
    def greeting(self) -> Greeting:
        """The greeting as it is stored."""
        if self.owner is not None:
            return greetings.owners_name(self.account_id, self.owner)
        all_greetings = greetings.list_greetings(self.account_id, self.box)
        return next(greeting for greeting in all_greetings if greeting.kind == self.kind)

    def assign(self, request: HttpRequest, media_id: str | None, expected_id: str) -> Document:
        """Set or remove the greeting, and record that; raises _Conflict if it is another than the expected one."""
        member = greetings.OWNERS_NAME if self.owner is not None else self.kind

        def guard(stored: Document) -> None:
            if greetings.stored_id(stored, member) != expected_id:
                raise _Conflict

        if self.owner is not None:
            before, subject = self.owner, user_subject(self.account_id, self.owner)
            saved = greetings.assign_owners_name(self.account_id, before["_id"], media_id, actor(request), guard)
        else:
            before, subject = self.box, mailbox_subject(self.account_id, self.box)
            saved = greetings.assign(self.account_id, before["_id"], self.kind, media_id, actor(request), guard)
        log.record(request, "changed a greeting of", subject, before=before, after=saved)
        return saved


class GreetingPages(DocumentAdmin):
    """The pages of a mailbox's greetings."""

    def greeting_routes(self) -> Iterable[Route]:
        """The pages."""
        yield Route(_GREETING_PATH, "greeting", self.change_greeting, "change_mailbox")
        yield Route(f"{_GREETING_PATH}remove/", "remove_greeting", self.remove_greeting, "change_mailbox")

    def greeting_views(self, request: HttpRequest, account_id: str, box: Document) -> list[GreetingView]:
        """What a mailbox's page shows of its greetings, the owner's recorded name among them."""
        stored = greetings.list_greetings(account_id, box)
        views = [self._greeting_view(request, account_id, box, greeting, greeting.kind) for greeting in stored]
        owner = _owner(account_id, box)
        if owner is not None and request.user.has_perm(VIEW_USERS):
            name = greetings.owners_name(account_id, owner)
            views.append(self._greeting_view(request, account_id, box, name, OWNERS_NAME, owner))
        return views

    def _greeting_view(
        self,
        request: HttpRequest,
        account_id: str,
        box: Document,
        greeting: Greeting,
        kind: str,
        owner: Document | None = None,
    ) -> GreetingView:
        media, may_see = greeting.media, request.user.has_perm(VIEW_MEDIA)
        has_audio = media is not None and recording.has_audio(media)
        return GreetingView(
            kind=kind,
            title=str(TITLES[kind]),
            explanation=_explanation(kind, owner),
            media_id=greeting.media_id,
            media_title="" if media is None else media_title(media),
            media_url=media_url(account_id, greeting.media_id) if media is not None and may_see else "",
            audio_url=audio_url(account_id, greeting.media_id) if has_audio and may_see else "",
            audio_type="" if media is None else recording.stated_type(media),
            may_change=self._may_change(request, kind) and mailbox_store.is_live(box),
        )

    def _may_change(self, request: HttpRequest, kind: str) -> bool:
        return self.has_permission(request, "change_mailbox") and (
            kind != OWNERS_NAME or self.has_permission(request, _CHANGE_USERS)
        )

    @method_decorator(csp_update(HEARS_RECORDINGS))
    def change_greeting(self, request: HttpRequest, account_id: str, box_id: str, kind: str) -> HttpResponse:
        """Show the form of a greeting; or record, upload, speak or choose it."""
        account, target = accounts.get(account_id), self._target(request, account_id, box_id, kind)
        box, greeting = target.box, target.greeting
        form = GreetingForm(
            request,
            account_id,
            greeting.media_id,
            may_add=self.has_permission(request, "add_media"),
            language=str(account.get("language") or ""),
        )
        if request.method == "POST" and form.is_valid() and self._set_greeting(request, form, target):
            messages.success(
                request,
                _("Callers of %(mailbox)s hear the new greeting (%(greeting)s).")
                % {"mailbox": mailbox_title(box), "greeting": IN_SENTENCES[kind]},
            )
            return HttpResponseRedirect(mailbox_url(account_id, box_id))
        return self.render_form(
            request,
            form,
            _("Greeting of %(mailbox)s: %(greeting)s")
            % {"mailbox": mailbox_title(box), "greeting": IN_SENTENCES[kind]},
            [*mailbox_crumbs(account, box), (_("Greeting: %(greeting)s") % {"greeting": IN_SENTENCES[kind]}, None)],
            cancel_url=mailbox_url(account_id, box_id),
            fieldsets=greeting_fieldsets(form),
            template="desk/mailboxes/greeting.html",
            greeting=self._greeting_view(request, account_id, box, greeting, kind, target.owner),
            expected=greeting.media_id,
            remove_url=reverse("admin:desk_mailbox_remove_greeting", args=[account_id, box_id, kind]),
        )

    def _set_greeting(self, request: HttpRequest, form: GreetingForm, target: _Target) -> bool:
        """Make what is in a valid form the greeting; if that fails, add the errors to the form and return False."""
        account_id, expected_id = target.account_id, request.POST.get("expected", "")
        if target.greeting.media_id != expected_id:
            form.add_error(None, _CONFLICT)
            return False
        media_id = form.existing_id()
        if not media_id:
            media = form.create(account_id, _members_of_new_media(target), actor(request))
            if media is None:
                return False
            log.record(
                request, "created", media_subject(account_id, media), details={"for": mailbox_title(target.box)}
            )
            media_id = media["_id"]
        try:
            target.assign(request, media_id, expected_id)
        except _Conflict:
            form.add_error(None, _CONFLICT)
        except ValidationFailed as error:
            form.add_error(None, describe_error(error))
        return form.is_valid()

    def remove_greeting(self, request: HttpRequest, account_id: str, box_id: str, kind: str) -> HttpResponse:
        """Remove a greeting, whose media stays; what the notice offers as its undoing sets it again."""
        target = self._target(request, account_id, box_id, kind)
        url = mailbox_url(account_id, box_id)
        if request.method != "POST":
            return HttpResponseRedirect(url)
        expected_id, previous_id = request.POST.get("expected", ""), request.POST.get("previous", "")
        try:
            if previous_id:
                media_store.get(account_id, previous_id)
            target.assign(request, previous_id or None, expected_id)
        except (_Conflict, BadIdentifier):
            messages.error(request, _("The greeting was changed in the meantime. Nothing was saved."))
            return HttpResponseRedirect(url)
        if previous_id:
            messages.success(
                request, _("The greeting is there again (%(greeting)s).") % {"greeting": IN_SENTENCES[kind]}
            )
        else:
            undo = undo_button(request, request.path, [("expected", ""), ("previous", expected_id)])
            title = IN_SENTENCES[kind]
            messages.success(
                request, format_html(_("The greeting was removed ({title}). {undo}"), title=title, undo=undo)
            )
        return HttpResponseRedirect(url)

    def _target(self, request: HttpRequest, account_id: str, box_id: str, kind: str) -> _Target:
        """The greeting that a request is about; raises BadIdentifier, Http404, PermissionDenied."""
        if kind not in TITLES:
            raise Http404
        box = mailbox_store.get(account_id, box_id)
        if kind != OWNERS_NAME:
            return _Target(account_id, box, kind, None)
        self.require_permission(request, _CHANGE_USERS)
        owner = _owner(account_id, box)
        if owner is None:
            raise BadIdentifier(str(box.get("owner_id")))
        return _Target(account_id, box, kind, owner)


def _owner(account_id: str, box: Mapping[str, Any]) -> Document | None:
    owner_id = box.get("owner_id")
    return users.find(account_id, owner_id) if isinstance(owner_id, str) else None


def _explanation(kind: str, owner: Document | None) -> str:
    if owner is not None:
        return _("Of %(user)s. It counts before the mailbox's own.") % {"user": user_title(owner)}
    return {
        greetings.UNAVAILABLE: _("What callers hear before they leave a message."),
        greetings.TEMPORARY: _("While it is set, callers hear it instead of the other one."),
        greetings.NAME: _("The name that callers hear in the system's greeting."),
    }[kind]


def _members_of_new_media(target: _Target) -> Document:
    name = f"{TITLES[target.kind]}: {mailbox_title(target.box)}"[:128]
    return {"name": name, "source_type": "voicemail", "source_id": target.box["_id"]}
