"""The form of a mailbox's greeting: one of the account's media, or new audio."""

from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crossbar.errors import BadIdentifier
from crossbar.pages import PageRequest
from desk.kit.forms import Fieldsets
from desk.media.sound_form import DEFAULT_LANGUAGE, SoundForm, sound_fieldsets
from desk.media.titles import media_title
from media import store as media_store

_MAX_CHOICES = 200


class GreetingForm(SoundForm):
    """A greeting from one of four sources. Who may not add media can choose one."""

    existing = forms.CharField(label=gettext_lazy("Media"), required=False)
    source_fields: tuple[str, ...] = ("file", "text", "existing")
    source_needed = gettext_lazy("Record something, choose a file, type a text, or choose one of the media.")

    def __init__(
        self, request: HttpRequest, account_id: str, current_id: str, *, may_add: bool, language: str
    ) -> None:
        super().__init__(request, account_id, initial={"language": language or DEFAULT_LANGUAGE})
        self._account_id = account_id
        self.fields["existing"] = _choice_field(account_id, current_id)
        if not may_add:
            for name in ("file", "recorded", "text", "voice", "language"):
                self.fields.pop(name, None)
            self.source_fields, self.source_needed = ("existing",), gettext_lazy("Choose one of the media.")

    def clean_existing(self) -> str:
        """Return the id of the media that was chosen; empty if none was."""
        media_id: str = self.cleaned_data["existing"].strip()
        if media_id:
            try:
                media_store.get(self._account_id, media_id)
            except BadIdentifier:
                raise ValidationError(_("There is no media with this id in this account.")) from None
        return media_id

    def existing_id(self) -> str:
        """The id of the media that was chosen; empty if none was."""
        return str(self.cleaned_data.get("existing") or "")


def greeting_fieldsets(form: forms.Form) -> Fieldsets:
    """The fields of a greeting, by source."""
    sound = list(sound_fieldsets(form)) if "file" in form.fields else []
    title = _("Or one of the account's media") if sound else _("One of the account's media")
    return [*sound, (title, {"fields": ["existing"]})]


def _choice_field(account_id: str, current_id: str) -> forms.Field:
    """A list of the account's media, or a text field for an id if the list would be too long."""
    media = media_store.list_media(account_id, PageRequest(_MAX_CHOICES + 1)).entries
    options: dict[str, Any] = {"label": _("Media"), "required": False}
    if len(media) > _MAX_CHOICES:
        help_text = _("The id of a media, which its page shows.")
        return forms.CharField(max_length=200, widget=widgets.AdminTextInputWidget, help_text=help_text, **options)
    choices = [(entry["_id"], media_title(entry)) for entry in media if entry["_id"] != current_id]
    return forms.ChoiceField(choices=[("", "---------"), *choices], **options)
