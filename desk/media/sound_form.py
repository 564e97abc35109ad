"""A form for the audio of a media or greeting: a recording, a file, or a text that is spoken."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.kit.audio_form import AudioFileForm, try_to_store
from desk.kit.formats import format_number
from desk.kit.forms import Fieldsets
from desk.kit.known_texts import translate
from media import phone_audio, speech
from media import store as media_store
from storage.documents import Guard
from storage.private_fields import Actor

_VOICES = [("female", gettext_lazy("Female")), ("male", gettext_lazy("Male"))]
_FIELDS_OF_PATHS = {"tts.text": "text", "tts.voice": "language"}
DEFAULT_LANGUAGE = "en-us"


class LanguageInput(widgets.AdminTextInputWidget):
    """A text input that suggests the languages that can be spoken."""

    template_name = "desk/media/language_input.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Return what the template shows."""
        context: dict[str, Any] = super().get_context(name, value, {**(attrs or {}), "list": "languages"})
        return {**context, "languages": speech.languages()}


class SoundForm(AudioFileForm):
    """Audio from one of three sources. Where nothing can be spoken, there are only two."""

    recorded = forms.CharField(required=False, widget=forms.HiddenInput)
    language = forms.CharField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=40,
        widget=LanguageInput,
        help_text=gettext_lazy("The language that is spoken, as in en-us."),
    )
    text = forms.CharField(label=gettext_lazy("Text"), required=False, max_length=speech.MAX_TEXT)
    voice = forms.ChoiceField(label=gettext_lazy("Voice"), required=False, choices=_VOICES)
    source_fields: tuple[str, ...] = ("file", "text")
    """The fields of which one has to be filled in."""
    source_needed = gettext_lazy("Record something, choose a file, or type a text.")

    def __init__(self, request: HttpRequest, account_id: str, **options: Any) -> None:
        super().__init__(request, **options)
        file = self.fields["file"]
        file.required = False
        file.widget.attrs["data-recorder"] = "id_recorded"
        file.help_text = _("%(help_text)s What telephones don't play is converted to MP3.") % {
            "help_text": file.help_text
        }
        if speech.is_installed():
            url = reverse("admin:desk_media_speech", args=[account_id])
            self.fields["text"].widget = widgets.AdminTextareaWidget({"rows": 3, "data-speech": url})
            self.fields["text"].help_text = _("At most %(max_text)s characters, which espeak-ng speaks.") % {
                "max_text": format_number(speech.MAX_TEXT)
            }
        else:
            del self.fields["text"], self.fields["voice"]

    def clean(self) -> dict[str, Any]:
        """Refuse a form without audio, or with audio from two sources."""
        if "file" in self.fields:
            super().clean()
        sources = [name for name in self.source_fields if self.cleaned_data.get(name)]
        if not sources and not self.errors:
            self.add_error(self.source_fields[0], self.source_needed)
        elif len(sources) > 1:
            self.add_error(sources[-1], _("Only one of these can be heard: leave the others empty."))
        return self.cleaned_data

    def create(self, account_id: str, members: Mapping[str, Any], actor: Actor) -> Document | None:
        """Store a new media and return it; if its audio is refused, add the errors to the form and return None."""

        def store() -> Document:
            if self.cleaned_data.get("text"):
                return media_store.create(account_id, {**members, **self._speech_members()}, actor)
            upload = phone_audio.upload_for_phones(self.part(), account_id, is_recording=self._is_recording())
            return media_store.create(account_id, {**members, "media_source": self._source()}, actor, upload)

        return try_to_store(self, lambda: _with_paths_of_fields(store))

    def replace(self, account_id: str, media_id: str, actor: Actor, guard: Guard) -> Document | None:
        """Replace the audio of a media and return it, unless the guard raises; else as `create`."""

        def store() -> Document:
            if self.cleaned_data.get("text"):
                return media_store.merge_members(account_id, media_id, self._speech_members(), actor, guard)
            upload = phone_audio.upload_for_phones(self.part(), account_id, is_recording=self._is_recording())
            return media_store.put_audio(account_id, media_id, upload, actor, guard, self._source())

        return try_to_store(self, lambda: _with_paths_of_fields(store))

    def _is_recording(self) -> bool:
        return bool(self.cleaned_data.get("recorded"))

    def _source(self) -> str:
        return media_store.RECORDING if self._is_recording() else media_store.UPLOAD

    def _speech_members(self) -> Document:
        language = self.cleaned_data["language"] or DEFAULT_LANGUAGE
        voice = f"{self.cleaned_data.get('voice') or _VOICES[0][0]}/{language}"
        tts = {"text": self.cleaned_data["text"], "voice": voice}
        return {"media_source": media_store.SPEECH, "language": language, "tts": tts}


def sound_fieldsets(form: forms.Form) -> Fieldsets:
    """The fields of a `SoundForm`, by source."""
    sets: list[tuple[str | None, dict[str, Any]]] = [(_("Recording or file"), {"fields": ["file", "recorded"]})]
    if "text" in form.fields:
        sets.append((_("Or a text that is spoken"), {"fields": ["text", "language", "voice"]}))
    return sets


def speech_error(error: ValidationFailed) -> str:
    """What is wrong with a text that can't be spoken, in a sentence."""
    return " ".join(translate(str(rule["message"])) for rules in error.data.values() for rule in rules.values()) + "."


def _with_paths_of_fields(store: Any) -> Document:
    """Call `store`, and name the form's fields in its errors."""
    try:
        document: Document = store()
    except ValidationFailed as error:
        raise ValidationFailed(
            {_FIELDS_OF_PATHS.get(path, path): rules for path, rules in error.data.items()}
        ) from error
    return document
