"""The form of a template of mails."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.utils.translation import gettext_lazy

from notifications.store import Place, text
from notifications.templates import HTML, PLAIN, Template

_REVISION = "revision"
_TEXT_FIELDS = {HTML: "html", PLAIN: "plain"}


class TemplateForm(forms.Form):
    """Subject, sender, and texts."""

    enabled = forms.BooleanField(label=gettext_lazy("Mails are sent"), required=False)
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=200, widget=widgets.AdminTextInputWidget())
    sender = forms.CharField(
        label=gettext_lazy("From"),
        max_length=320,
        required=False,
        widget=widgets.AdminTextInputWidget(),
        help_text=gettext_lazy("An address."),
    )
    html = forms.CharField(
        label=gettext_lazy("HTML"),
        widget=widgets.AdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false"}),
        strip=False,
    )
    plain = forms.CharField(
        label=gettext_lazy("Text"),
        widget=widgets.AdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false"}),
        strip=False,
    )
    revision = forms.CharField(required=False, widget=forms.HiddenInput())

    @property
    def texts(self) -> dict[str, str]:
        """The texts that were entered, by content type, with the ends of lines as templates have them."""
        return {kind: self.cleaned_data[name].replace("\r\n", "\n") for kind, name in _TEXT_FIELDS.items()}

    def members(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """The members of a template, with those that were entered in place of its own."""
        entered = {"subject": self.cleaned_data["subject"], "enabled": self.cleaned_data["enabled"]}
        sender = self.cleaned_data["sender"]
        members = {**stored, **entered, "from": sender}
        return members if sender else {name: member for name, member in members.items() if name != "from"}


def template_form(submitted: Any, place: Place, template: Template) -> TemplateForm:
    """The form of a template as it is used now."""
    members = template.members
    initial = {
        "enabled": template.is_enabled,
        "subject": members.get("subject"),
        "sender": members.get("from"),
        _REVISION: revision_of(place, template),
        **{name: text(template, kind) for kind, name in _TEXT_FIELDS.items() if kind in _kinds(template)},
    }
    return TemplateForm(submitted, initial=initial)


def revision_of(place: Place, template: Template) -> str:
    """The revision of an account's own template; empty for a default."""
    return str(template.members.get("_rev") or "") if place.has_own(template) else ""


def _kinds(template: Template) -> frozenset[str]:
    return frozenset(template.texts or _TEXT_FIELDS)
