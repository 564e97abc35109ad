"""The form of an account at the desk, and changing one that others change, too."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin import widgets

from accounts import changes, schemas
from accounts.admin.based_forms import Base
from accounts.admin.schema_fields import fields_of
from accounts.couch import Document
from accounts.private import Actor

SCHEMA = "accounts"
SHOWN_ELSEWHERE = frozenset({"enabled"})
_FIRST = ("name", "realm", "timezone", "language")
NO_SECRETS: frozenset[str] = frozenset()


class ChangedMeanwhile(Exception):
    """The account is no longer what the form was made from."""

    def __init__(self, stored: Document) -> None:
        super().__init__()
        self.stored = stored


class ParentField(forms.CharField):
    """The id of the account above."""

    def __init__(self) -> None:
        super().__init__(
            label="Parent",
            required=False,
            widget=widgets.AdminTextInputWidget,
            help_text="The id of the account above; empty for none.",
        )


def made(posted: Any, shown: Mapping[str, Any], *, is_new: bool = False) -> forms.Form:
    """The form of an account of which `shown` is known; a new one gets a parent, too."""
    found = fields_of(schemas.schema(SCHEMA), SHOWN_ELSEWHERE)
    fields = {name: found[name] for name in (*_FIRST, *sorted(set(found) - set(_FIRST))) if name in found}
    fields["realm"].required = not is_new
    if is_new:
        fields["realm"].help_text += " Left empty, one is made up."
        fields["parent"] = ParentField()
    initial = {name: shown[name] for name in fields if shown.get(name) is not None}
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


def merge(account_id: str, base: Base | None, patch: Mapping[str, Any], actor: Actor) -> Document:
    """Merge what a form says into an account that looks as it did when the form was made; ChangedMeanwhile."""

    def guard(stored: Document) -> None:
        if base is None or Base.of(stored, NO_SECRETS) != base:
            raise ChangedMeanwhile(stored)

    return changes.merge(account_id, patch, actor, guard)
