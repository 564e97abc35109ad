"""Audio that operators send: of a new message, or in place of what a message has. The rules are those of the API."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages as notices
from django.contrib.admin import widgets
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat

from accounts import accounts
from accounts.api.exception_handler import api_error
from couch.client import Document
from couch.errors import TooLarge
from crossbar.body import media_type_of
from crossbar.errors import RequestTooLarge, UnsupportedMediaType, ValidationFailed
from crossbar.multipart import Part
from desk.kit.formats import caller_text, named_box
from desk.kit.forms import admin_form, take_errors
from desk.kit.pages import Crumb, DocumentAdmin, actor, explained
from desk.kit.uploads import too_large
from desk.messages import actions as message_actions
from desk.messages.links import crumbs, list_url, message_url
from storage.private_fields import Actor
from voicemail.audio import content_types
from voicemail.audio.upload import Upload, detect_content_type
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import folders, metadata
from voicemail.messages import store as message_store

_NOT_AUDIO = "This is no audio: send an MP3, WAV, OGG, M4A or another recording."


class _AudioForm(forms.Form):
    """A file of audio, and how long it plays."""

    file = forms.FileField(
        label="Audio",
        error_messages={"required": "Choose a file."},
        widget=forms.FileInput(attrs={"accept": "audio/*,.mp3,.wav,.amr"}),
    )
    length = forms.FloatField(
        label="Length",
        required=False,
        min_value=0,
        max_value=86_400,
        widget=widgets.AdminTextInputWidget(attrs={"inputmode": "decimal", "data-length-of": "id_file"}),
        help_text="In seconds. Empty: left as it is, or measured where audio is converted.",
    )

    def __init__(self, request: HttpRequest, **options: Any) -> None:
        posted = request.method == "POST"
        super().__init__(request.POST if posted else None, request.FILES if posted else None, **options)
        self._too_large = too_large(request)
        self.fields["file"].help_text = f"A recording of at most {filesizeformat(settings.MAX_UPLOAD_BYTES)}."

    def clean(self) -> dict[str, Any]:
        """Refuse what is too large, or no audio."""
        sent = self.cleaned_data.get("file")
        if "file" in self._too_large:
            self.errors.pop("file", None)
            self.add_error("file", f"This is larger than {filesizeformat(settings.MAX_UPLOAD_BYTES)}.")
        elif sent is not None and not _is_audio(self.part()):
            self.add_error("file", _NOT_AUDIO)
        return self.cleaned_data

    def part(self) -> Part:
        """The file as an upload to the API is."""
        sent = self.cleaned_data["file"]
        kind = media_type_of(sent.content_type) or content_types.OCTETS
        return Part(kind, filename=sent.name, name="file", file=sent.file, length=sent.size)

    def milliseconds(self) -> int | None:
        """How long the audio plays; None where nobody says."""
        seconds = self.cleaned_data.get("length")
        return None if seconds is None else round(seconds * 1000)


class _MessageForm(_AudioForm):
    """A new message: who left it, where it goes, and its audio."""

    caller_id_name = forms.CharField(
        label="Caller's name", required=False, max_length=200, widget=widgets.AdminTextInputWidget
    )
    caller_id_number = forms.CharField(
        label="Caller's number", required=False, max_length=100, widget=widgets.AdminTextInputWidget
    )
    folder = forms.ChoiceField(choices=[(one, one) for one in folders.FOLDERS])
    field_order = ("caller_id_name", "caller_id_number", "folder", "file", "length")


class UploadPages(DocumentAdmin):
    """The two pages with a file to send."""

    def add(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """A form for a new message in a mailbox."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        form = _MessageForm(request)
        if request.method == "POST" and form.is_valid():
            made = self._taken(form, lambda: _create(form, account, box, actor(request)))
            if made is not None:
                details = {"folder": metadata.folder(made), **_details(form)}
                message_actions.record(request, "created", account_id, box, made["_id"], details)
                notices.success(request, f"The message was left in {named_box(box)}.")
                return HttpResponseRedirect(message_url(account_id, box_id, made["_id"]))
        title = f"Add message to {named_box(box)}"
        way = [*crumbs(account, box), ("Add message", None)]
        return self._rendered(request, form, title, way, list_url(account_id, box_id))

    def upload(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """A form for the audio of a message, in place of what it has."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        message_id = on_access.current_id(account, box, message_id, actor(request), audio_optional=True)
        _, before = message_store.get(account_id, box_id, message_id)
        here = message_url(account_id, box_id, message_id)
        form = _AudioForm(request)
        if request.method == "POST" and form.is_valid():
            changed = self._taken(
                form,
                lambda: message_store.replace_audio(
                    account_id,
                    box_id,
                    message_id,
                    Upload.from_part(form.part(), account_id, box),
                    length=form.milliseconds(),
                    actor=actor(request),
                ),
            )
            if changed is not None:
                told = {"before": _audio_of(before), "after": _audio_of(changed)}
                message_actions.record(request, "uploaded the audio of", account_id, box, message_id, **told)
                notices.success(request, "The message has this audio now.")
                return HttpResponseRedirect(here)
        title = f"Audio of the message from {caller_text(metadata.of(before))}"
        way = [*crumbs(account, box), ("Message", here), ("Upload audio", None)]
        return self._rendered(request, form, title, way, here)

    def _taken(self, form: forms.Form, store: Any) -> Document | None:
        """What was stored; None when something is wrong with what was sent, which then stands at its field."""
        try:
            stored: Document = store()
        except ValidationFailed as error:
            take_errors(form, error)
        except UnsupportedMediaType:
            form.add_error("file", _NOT_AUDIO)
        except message_store.Refused as error:
            form.add_error("file", str(error.data.get("message") or explained(error)))
        except (RequestTooLarge, TooLarge) as error:
            form.add_error("file", explained(api_error(error)))
        else:
            return stored
        return None

    def _rendered(
        self, request: HttpRequest, form: forms.Form, title: str, way: list[Crumb], cancel_url: str
    ) -> HttpResponse:
        context = {"form": form, "adminform": admin_form(form), "cancel_url": cancel_url, "submit": "Upload"}
        return self.rendered(request, "desk/messages/upload.html", title, way, **context)


def _is_audio(media: Part) -> bool:
    """Whether an upload says that it is audio, or its bytes or name do; an empty one is told so by who stores it."""
    try:
        return detect_content_type(media) != content_types.OCTETS
    except UnsupportedMediaType:
        return False
    except ValidationFailed:
        return True


def _create(form: _MessageForm, account: Document, box: Document, actor: Actor) -> Document:
    """Store the new message."""
    fields = metadata.validate(_sent(form))
    upload = Upload.from_part(form.part(), account["_id"], box)
    return message_store.create(account, box, fields, upload, actor)


def _sent(form: _MessageForm) -> Document:
    """The metadata that an operator gave."""
    told = {key: form.cleaned_data[key] for key in ("caller_id_name", "caller_id_number", "folder")}
    length = form.milliseconds()
    return told if length is None else {**told, "length": length}


def _details(form: _AudioForm) -> Document:
    sent = form.cleaned_data["file"]
    return {"file": sent.name, "bytes": sent.size}


def _audio_of(doc: Document) -> Document:
    """What a record tells of a message's audio."""
    stubs = doc.get("_attachments") or doc.get("pvt_attachments") or {}
    length = metadata.of(doc).get("length")
    return {"audio": {name: stub.get("length") for name, stub in stubs.items()}, "length": length}
