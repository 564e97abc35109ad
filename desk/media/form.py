"""The forms of a media's members: of a new one with its audio, and of a stored one."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from desk.kit.forms import Fieldsets, make_form, sort_fields
from desk.kit.schema_fields import build_fields
from desk.media.sound_form import SoundForm, sound_fieldsets
from media import store as media_store
from storage import schemas

HIDDEN = frozenset({"id", "content_type", "content_length", "media_source", "source_id", "source_type", "tts"})
"""Members that the form neither shows nor holds: they tell of the audio, which has pages of its own."""
_FIRST_FIELDS = ("name", "description", "language")
_MEMBERS = ("name", "description", "language")


class NewMediaForm(SoundForm):
    """A new media: its name, and its audio."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=128, widget=widgets.AdminTextInputWidget)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=128, widget=widgets.AdminTextInputWidget
    )

    def members(self) -> dict[str, Any]:
        """The members that were entered."""
        return {name: self.cleaned_data[name] for name in _MEMBERS if self.cleaned_data.get(name)}


def new_media_form(request: HttpRequest, account_id: str, language: str) -> NewMediaForm:
    """The form of a new media."""
    return NewMediaForm(request, account_id, initial={"language": language})


def new_media_fieldsets(form: forms.Form) -> Fieldsets:
    """The fields of a new media: its members, then its audio by source."""
    sound = [
        (title, {"fields": [name for name in options["fields"] if name != "language"]})
        for title, options in sound_fieldsets(form)
    ]
    return [(None, {"fields": list(_FIRST_FIELDS)}), *sound]


def change_form(submitted: Any, media: Mapping[str, Any], entered: Mapping[str, Any]) -> forms.Form:
    """The form of a stored media; `entered` has values to show instead of the media's."""
    fields = build_fields(schemas.get(media_store.SCHEMA), HIDDEN | {"tts__text", "tts__voice"})
    return make_form(sort_fields(fields, _FIRST_FIELDS), submitted, media, entered)
