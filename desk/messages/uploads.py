"""The pages that take audio from an operator: for a new message, or to replace a message's audio."""

from collections.abc import Callable, Iterable

from django import forms
from django.contrib import messages as notices
from django.contrib.admin import widgets
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import accounts
from couch.database import Document
from desk.audit import log
from desk.kit.audio_form import AudioFileForm, try_to_store
from desk.kit.errors import describe_error
from desk.kit.known_texts import translate, translate_lazy
from desk.kit.pages import Crumb, DocumentAdmin, Route, actor
from desk.mailboxes.titles import mailbox_title
from desk.messages.links import message_list_crumbs, message_list_url, message_subject, message_url
from desk.messages.titles import caller_title
from storage.private_fields import Actor
from voicemail.audio.upload import Upload
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import folders, metadata
from voicemail.messages import store as message_store

_MAX_SECONDS = 86_400


class AudioForm(AudioFileForm):
    """A file with audio, and its length."""

    length = forms.FloatField(
        label=gettext_lazy("Length"),
        required=False,
        min_value=0,
        max_value=_MAX_SECONDS,
        widget=widgets.AdminTextInputWidget(attrs={"inputmode": "decimal", "data-length-of": "id_file"}),
        help_text=gettext_lazy("In seconds. Without it, the length is measured."),
    )

    def milliseconds(self) -> int | None:
        """The length that was entered; None if there is none."""
        seconds = self.cleaned_data.get("length")
        return None if seconds is None else round(seconds * 1000)


class MessageForm(AudioForm):
    """A new message: its caller, its folder, and its audio."""

    caller_id_name = forms.CharField(
        label=gettext_lazy("Caller's name"), required=False, max_length=200, widget=widgets.AdminTextInputWidget
    )
    caller_id_number = forms.CharField(
        label=gettext_lazy("Caller's number"), required=False, max_length=100, widget=widgets.AdminTextInputWidget
    )
    folder = forms.ChoiceField(
        label=gettext_lazy("Folder"), choices=[(folder, translate_lazy(folder)) for folder in folders.FOLDERS]
    )
    field_order = ("caller_id_name", "caller_id_number", "folder", "file", "length")

    def metadata(self) -> Document:
        """The metadata that was entered."""
        entered = {name: self.cleaned_data[name] for name in ("caller_id_name", "caller_id_number", "folder")}
        length = self.milliseconds()
        return entered if length is None else {**entered, "length": length}


class UploadPages(DocumentAdmin):
    """The pages that take audio."""

    def upload_routes(self, message_path: str) -> Iterable[Route]:
        """The two pages; `message_path` is the path of a message."""
        yield Route("<str:account_id>/<str:box_id>/add/", "add_to", self.add_message, "add_message")
        yield Route(f"{message_path}upload/", "upload", self.replace_audio, "change_message")

    def add_message(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Show the form of a new message in a mailbox, or create it."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        form = MessageForm(request)
        if request.method == "POST" and form.is_valid():
            doc = _try_to_store(form, lambda: _store_message(form, account, box, actor(request)))
            if doc is not None:
                file = form.cleaned_data["file"]
                details = {"folder": metadata.folder(doc), "file": file.name, "bytes": file.size}
                log.record(request, "created", message_subject(account_id, box, doc["_id"]), details=details)
                notices.success(request, _("The message was added to %(mailbox)s.") % {"mailbox": mailbox_title(box)})
                return HttpResponseRedirect(message_url(account_id, box_id, doc["_id"]))
        return self._render_upload(
            request,
            form,
            _("Add message to %(mailbox)s") % {"mailbox": mailbox_title(box)},
            [*message_list_crumbs(account, box), (_("Add message"), None)],
            message_list_url(account_id, box_id),
        )

    def replace_audio(self, request: HttpRequest, account_id: str, box_id: str, message_id: str) -> HttpResponse:
        """Show the form for a message's audio, or replace the audio."""
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        message_id = on_access.current_id(account, box, message_id, actor(request), audio_optional=True)
        _modb, doc = message_store.get(account_id, box_id, message_id)
        url = message_url(account_id, box_id, message_id)
        form = AudioForm(request)
        if request.method == "POST" and form.is_valid():
            changed = _try_to_store(
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
                subject = message_subject(account_id, box, message_id)
                before, after = _audio_summary(doc), _audio_summary(changed)
                log.record(request, "uploaded the audio of", subject, before=before, after=after)
                notices.success(request, _("The audio of the message was replaced."))
                return HttpResponseRedirect(url)
        return self._render_upload(
            request,
            form,
            _("Audio of the message from %(caller)s") % {"caller": caller_title(metadata.of(doc))},
            [*message_list_crumbs(account, box), (_("Message"), url), (_("Upload audio"), None)],
            url,
        )

    def _render_upload(
        self, request: HttpRequest, form: AudioForm, title: str, crumbs: list[Crumb], cancel_url: str
    ) -> TemplateResponse:
        template = "desk/messages/upload.html"
        return self.render_form(
            request, form, title, crumbs, cancel_url=cancel_url, template=template, submit=_("Upload")
        )


def _try_to_store(form: AudioForm, store: Callable[[], Document]) -> Document | None:
    """Call `store` and return the document; if that fails, add the errors to the form and return None."""
    try:
        return try_to_store(form, store)
    except message_store.Refused as error:
        form.add_error("file", translate(str(error.data.get("message") or describe_error(error))))
    return None


def _store_message(form: MessageForm, account: Document, box: Document, actor: Actor) -> Document:
    upload = Upload.from_part(form.part(), account["_id"], box)
    return message_store.create(account, box, metadata.validate(form.metadata()), upload, actor)


def _audio_summary(doc: Document) -> Document:
    """What the audit log says of a message's audio."""
    attachments = doc.get("_attachments") or doc.get("pvt_attachments") or {}
    sizes = {name: attachment.get("length") for name, attachment in attachments.items()}
    return {"audio": sizes, "length": metadata.of(doc).get("length")}
