"""The form of an account at the desk."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin import widgets

from desk.kit.schema_fields import fields_of
from storage import schemas

SCHEMA = "accounts"
SHOWN_ELSEWHERE = frozenset({"enabled"})
_FIRST = ("name", "realm", "timezone", "language")


class ParentField(forms.CharField):
    """The id of the account above."""

    def __init__(self) -> None:
        super().__init__(
            label="Parent",
            required=False,
            widget=widgets.AdminTextInputWidget,
            help_text="The id of the account above; empty for none.",
        )


def made(
    posted: Any, shown: Mapping[str, Any], typed: Mapping[str, Any] | None = None, *, is_new: bool = False
) -> forms.Form:
    """The form of an account of which `shown` is known, `typed` over it; a new one gets a parent, too."""
    found = fields_of(schemas.schema(SCHEMA), SHOWN_ELSEWHERE)
    fields = {name: found[name] for name in (*_FIRST, *sorted(set(found) - set(_FIRST))) if name in found}
    fields["realm"].required = not is_new
    if is_new:
        fields["realm"].help_text += " Left empty, one is made up."
        fields["parent"] = ParentField()
    known = {**shown, **(typed or {})}
    initial = {name: known[name] for name in fields if known.get(name) is not None}
    for name, value in initial.items():
        offer = getattr(fields[name], "offer", None)
        if offer is not None:
            offer(value)
    zones = fields.get("timezone")
    if isinstance(zones, forms.ChoiceField):
        # An account has nobody to inherit one from.
        offered: Any = zones.choices
        named = [one for one in offered if one[0] not in ("", "inherit")]
        zones.choices = [("", "Not set: as the system says"), *named]
    form: forms.Form = type("AccountForm", (forms.Form,), fields)(posted, initial=initial)
    return form
