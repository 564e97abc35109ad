"""A form with a file of audio, checked as the API checks it, whose errors are at the field."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from couch.database import Document
from couch.errors import TooLarge
from crossbar.body import media_type_of
from crossbar.errors import RequestTooLarge, UnsupportedMediaType, ValidationFailed
from crossbar.form_uploads import fields_with_too_large_files
from crossbar.multipart import Part
from desk.kit.errors import describe_error
from desk.kit.forms import add_errors
from voicemail.audio import content_types
from voicemail.audio.upload import detect_content_type

NOT_AUDIO = gettext_lazy("This isn't audio. Choose an MP3, WAV, OGG, M4A or another recording.")


class AudioFileForm(forms.Form):
    """A file with audio."""

    file = forms.FileField(
        label=gettext_lazy("Audio"),
        error_messages={"required": gettext_lazy("Choose a file.")},
        widget=forms.FileInput(attrs={"accept": "audio/*,.mp3,.wav,.amr,.awb,.gsm,.caf"}),
    )

    def __init__(self, request: HttpRequest, **options: Any) -> None:
        is_submitted = request.method == "POST"
        super().__init__(request.POST if is_submitted else None, request.FILES if is_submitted else None, **options)
        self._is_too_large = "file" in fields_with_too_large_files(request)
        self._max_size = filesizeformat(settings.MAX_UPLOAD_BYTES)
        self.fields["file"].help_text = _("A recording of at most %(max_size)s.") % {"max_size": self._max_size}

    def clean(self) -> dict[str, Any]:
        """Refuse a file that is too large, or that isn't audio."""
        if self._is_too_large:
            self.errors.pop("file", None)
            self.add_error("file", _("This is larger than %(max_size)s.") % {"max_size": self._max_size})
        elif self.cleaned_data.get("file") is not None and not _has_audio(self.part()):
            self.add_error("file", NOT_AUDIO)
        return self.cleaned_data

    def part(self) -> Part:
        """The file as a part of a request's body, as the API gets it."""
        file = self.cleaned_data["file"]
        content_type = media_type_of(file.content_type) or content_types.OCTETS
        return Part(content_type, filename=file.name, name="file", file=file.file, length=file.size)


def try_to_store(form: AudioFileForm, store: Callable[[], Document]) -> Document | None:
    """Call `store` and return the document; if the audio is refused, add the errors to the form and return None."""
    try:
        return store()
    except ValidationFailed as error:
        add_errors(form, error)
    except UnsupportedMediaType:
        form.add_error("file", NOT_AUDIO)
    except (RequestTooLarge, TooLarge) as error:
        form.add_error("file", describe_error(error))
    return None


def _has_audio(part: Part) -> bool:
    """Whether a file's content type, name or bytes are those of audio. The domain refuses an empty one."""
    try:
        return detect_content_type(part) != content_types.OCTETS
    except UnsupportedMediaType:
        return False
    except ValidationFailed:
        return True
