"""The pages of an account's media: list, creation, one media, its audio, change, removal and history."""

from collections.abc import Iterable
from functools import partial

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import accounts
from couch.database import Document
from crossbar.conditions import content_disposition
from crossbar.errors import ApiError, ValidationFailed
from desk.accounts.links import redirect_to_accounts
from desk.audit import log
from desk.audit.pages import render_history
from desk.kit.audio_response import converted_response
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.errors import describe_error
from desk.kit.formats import format_time
from desk.kit.notices import undo_button
from desk.kit.pages import DocumentAdmin, Route, actor
from desk.media.form import HIDDEN, change_form, new_media_fieldsets, new_media_form
from desk.media.links import media_crumbs, media_list_crumbs, media_list_url, media_subject, media_url
from desk.media.sound_form import DEFAULT_LANGUAGE, SoundForm, sound_fieldsets, speech_error
from desk.media.table import media_table
from desk.media.titles import media_title, source_title
from desk.media.uses import format_uses, use_links
from desk.models import Media
from media import speech
from media import store as media_store
from voicemail.api.raw import audio_response
from voicemail.audio import content_types, playback, recording

HEARS_RECORDINGS = {"media-src": [SELF, "blob:"]}
"""What the policy of a page adds that plays recordings and speech before they are saved."""
SOUND_TEMPLATE = "desk/media/sound_form.html"
_MEDIA_PATH = "<str:account_id>/<str:media_id>/"


@admin.register(Media)
class MediaAdmin(DocumentAdmin):
    """The pages of media. The list is of one account, which the query names."""

    def routes(self) -> Iterable[Route]:
        """All pages, and the speech of a text that is not stored."""
        return (
            Route("", "changelist", self.list_media, "view_media"),
            Route("<str:account_id>/add/", "add_to", self.add_media, "add_media"),
            Route("<str:account_id>/speech/", "speech", self.send_speech, "add_media"),
            Route(_MEDIA_PATH, "detail", self.show_media, "view_media"),
            Route(f"{_MEDIA_PATH}audio/", "audio", self.send_audio, "view_media"),
            Route(f"{_MEDIA_PATH}change/", "change", self.change_media, "change_media"),
            Route(f"{_MEDIA_PATH}upload/", "upload", self.replace_audio, "change_media"),
            Route(f"{_MEDIA_PATH}delete/", "delete", self.remove_media, "delete_media"),
            Route(f"{_MEDIA_PATH}restore/", "restore", self.restore_media, "delete_media"),
            Route(f"{_MEDIA_PATH}history/", "history", self.show_history, "view_media"),
        )

    def list_media(self, request: HttpRequest) -> HttpResponseBase:
        """List the media of an account by name, or those that a search finds."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return redirect_to_accounts(request, _("Choose an account first, then its media."))
        account = accounts.get(account_id)
        add_url = reverse("admin:desk_media_add_to", args=[account_id])
        return self.render_list(
            request,
            "media",
            _("Media"),
            [*media_list_crumbs(account)[:-1], (_("Media"), None)],
            partial(media_table, account_id=account_id),
            account_id=account_id,
            tools=self.tools(request, ("add_media", _("Add media"), add_url)),
        )

    @method_decorator(csp_update(HEARS_RECORDINGS))
    def add_media(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show the form of a new media, or create it with its audio."""
        account = accounts.get(account_id)
        form = new_media_form(request, account_id, str(account.get("language") or DEFAULT_LANGUAGE))
        if request.method == "POST" and form.is_valid():
            media = form.create(account_id, form.members(), actor(request))
            if media is not None:
                log.record(request, "created", media_subject(account_id, media), after=_without_stubs(media))
                messages.success(request, _("“%(media)s” was created.") % {"media": media_title(media)})
                return HttpResponseRedirect(media_url(account_id, media["_id"]))
        return self.render_form(
            request,
            form,
            _("Add media"),
            [*media_list_crumbs(account), (_("Add media"), None)],
            cancel_url=media_list_url(account_id),
            fieldsets=new_media_fieldsets(form),
            template=SOUND_TEMPLATE,
        )

    def send_speech(self, request: HttpRequest, account_id: str) -> HttpResponseBase:
        """Send a text as speech, to listen to before it is saved; errors as JSON."""
        accounts.get(account_id)
        if request.method != "POST":
            return HttpResponseRedirect(media_list_url(account_id))
        voice = f"{request.POST.get('voice', '')}/{request.POST.get('language', '').strip()}"
        try:
            spoken = speech.speak(request.POST.get("text", ""), voice)
        except ValidationFailed as error:
            return JsonResponse({"error": speech_error(error)}, status=400)
        except ApiError as error:
            return JsonResponse({"error": describe_error(error)}, status=error.status_code)
        with spoken.file:
            return HttpResponse(spoken.file.read(), content_type=spoken.content_type)

    def show_media(self, request: HttpRequest, account_id: str, media_id: str) -> HttpResponse:
        """Show a media: its audio, what it is, and who uses it."""
        account, media = accounts.get(account_id), media_store.get(account_id, media_id)
        audio_type = recording.stated_type(media)
        tts = media.get("tts")
        return self.render(
            request,
            "desk/media/detail.html",
            media_title(media),
            [*media_list_crumbs(account), (media_title(media), None)],
            account_id=account_id,
            media_id=media_id,
            media=media,
            source=source_title(media),
            spoken=tts if isinstance(tts, dict) and media.get("media_source") == media_store.SPEECH else {},
            has_audio=recording.has_audio(media),
            audio_type=audio_type,
            audio_length=_stated_length(media),
            is_mp3=content_types.extension(audio_type) == playback.FORMAT,
            modified=format_time(media.get("pvt_modified")),
            uses=use_links(request, account_id, [media_id]).get(media_id, []),
            can=self.permissions(request, "change_media", "delete_media"),
        )

    def send_audio(self, request: HttpRequest, account_id: str, media_id: str) -> HttpResponseBase:
        """Send the audio, or the part that a player asks for; as MP3 with ``?format=mp3``."""
        media = media_store.get(account_id, media_id)
        audio = media_store.locate_audio(account_id, media_id)
        is_converted = request.GET.get("format") == playback.FORMAT
        response = converted_response(request, audio) if is_converted else audio_response(request, audio)
        if request.GET.get("download"):
            extension = playback.FORMAT if is_converted else content_types.extension(audio.safe_type)
            name = content_types.safe_text(media_title(media)) or "media"
            response.headers["Content-Disposition"] = content_disposition(f"{name}.{extension}")
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def change_media(self, request: HttpRequest, account_id: str, media_id: str) -> HttpResponse:
        """Show the media's form, or change the media."""
        account, media = accounts.get(account_id), media_store.get(account_id, media_id)
        url = media_url(account_id, media_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return media_store.merge_members(account_id, media_id, patch, actor(request), guard)

        result = edit(request, media, HIDDEN, change_form, merge)
        if result.saved is None:
            crumbs = [*media_crumbs(account, media), (_("Change"), None)]
            return self.render_edit(
                request, result, _("Change %(media)s") % {"media": media_title(media)}, crumbs, cancel_url=url
            )
        if result.has_changes:
            subject = media_subject(account_id, result.saved)
            log.record(request, "changed", subject, before=media, after=result.saved)
        messages.success(request, _("The media was changed.") if result.has_changes else _("Nothing was changed."))
        return HttpResponseRedirect(url)

    @method_decorator(csp_update(HEARS_RECORDINGS))
    def replace_audio(self, request: HttpRequest, account_id: str, media_id: str) -> HttpResponse:
        """Show the form for a media's audio, or replace the audio."""
        account, media = accounts.get(account_id), media_store.get(account_id, media_id)
        url = media_url(account_id, media_id)
        form = SoundForm(request, account_id, initial=_sound_of(media))
        if request.method == "POST" and form.is_valid():
            changed = _replace_audio(request, form, account_id, media_id)
            if changed is not None:
                subject = media_subject(account_id, changed)
                before, after = _without_stubs(media), _without_stubs(changed)
                log.record(request, "replaced the audio of", subject, before=before, after=after)
                messages.success(
                    request, _("The audio of “%(media)s” was replaced.") % {"media": media_title(changed)}
                )
                return HttpResponseRedirect(url)
        return self.render_form(
            request,
            form,
            _("Audio of %(media)s") % {"media": media_title(media)},
            [*media_crumbs(account, media), (_("Audio"), None)],
            cancel_url=url,
            fieldsets=sound_fieldsets(form),
            template=SOUND_TEMPLATE,
            expected=_audio_digest(media),
        )

    def remove_media(self, request: HttpRequest, account_id: str, media_id: str) -> HttpResponse:
        """Ask, then remove the media. What names it has no greeting then."""
        account, media = accounts.get(account_id), media_store.get(account_id, media_id)
        if request.method == "POST":
            removed = media_store.delete(account_id, media_id, actor(request))
            log.record(request, "removed", media_subject(account_id, media), before=media, after=removed)
            undo = undo_button(request, reverse("admin:desk_media_restore", args=[account_id, media_id]))
            messages.success(
                request, format_html(_("“{media}” was removed. {undo}"), media=media_title(media), undo=undo)
            )
            return HttpResponseRedirect(media_list_url(account_id))
        uses = format_uses(use_links(request, account_id, [media_id]).get(media_id, []))
        consequence = (
            _("It is used by %(uses)s, who have no greeting then.") % {"uses": uses}
            if uses
            else _("No mailbox uses it.")
        )
        return self.render_confirmation(
            request,
            _("Remove %(media)s?") % {"media": media_title(media)},
            [*media_crumbs(account, media), (_("Remove"), None)],
            question=_("%(consequence)s The next page offers to undo it.") % {"consequence": consequence},
            submit=_("Yes, remove it"),
            cancel_url=media_url(account_id, media_id),
            is_dangerous=True,
        )

    def restore_media(self, request: HttpRequest, account_id: str, media_id: str) -> HttpResponse:
        """Restore a media that was removed: what the notice after the removal offers as its undoing."""
        accounts.get(account_id)
        if request.method != "POST":
            return HttpResponseRedirect(media_list_url(account_id))
        media = media_store.restore_media(account_id, media_id, actor(request))
        log.record(request, "restored", media_subject(account_id, media))
        messages.success(request, _("“%(media)s” was restored.") % {"media": media_title(media)})
        return HttpResponseRedirect(media_url(account_id, media_id))

    def show_history(self, request: HttpRequest, account_id: str, media_id: str) -> HttpResponse:
        """Show what was done to the media."""
        account, media = accounts.get(account_id), media_store.get(account_id, media_id)
        return render_history(self, request, [media_id], media_title(media), media_crumbs(account, media))


class _Conflict(Exception):
    """The media has other audio than the operator saw."""


def _replace_audio(request: HttpRequest, form: SoundForm, account_id: str, media_id: str) -> Document | None:
    """Replace the audio that the operator saw, and return the media; else add the error to the form, return None."""

    def guard(stored: Document) -> None:
        if _audio_digest(stored) != request.POST.get("expected"):
            raise _Conflict

    try:
        return form.replace(account_id, media_id, actor(request), guard)
    except _Conflict:
        text = _("Somebody else replaced the audio in the meantime. Listen to what is stored now, then save again.")
        form.add_error(None, text)
        return None


def _audio_digest(media: Document) -> str:
    """What tells the audio of a media from any other; empty if it has none."""
    stub: Document = next(iter((media.get("_attachments") or {}).values()), {})
    return str(stub.get("digest") or "")


def _sound_of(media: Document) -> dict[str, str]:
    """What the form for a media's audio shows at first: its language and its text."""
    tts = media.get("tts")
    spoken = tts if isinstance(tts, dict) and media.get("media_source") == media_store.SPEECH else {}
    gender = str(spoken.get("voice") or "").partition("/")[0]
    language = str(media.get("language") or DEFAULT_LANGUAGE)
    return {"language": language, "text": str(spoken.get("text") or ""), "voice": gender}


def _stated_length(media: Document) -> int:
    """The number of bytes of a media's audio."""
    stub: Document = next(iter((media.get("_attachments") or {}).values()), {})
    return int(stub.get("length") or 0)


def _without_stubs(media: Document) -> Document:
    """What the audit log says of a media: its members, and how long its audio is."""
    return {key: value for key, value in media.items() if key != "_attachments"}
