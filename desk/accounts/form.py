"""The form of an account."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin import widgets

from accounts import accounts
from desk.kit.forms import make_form, sort_fields
from desk.kit.schema_fields import build_fields
from storage import schemas

_EXCLUDED = frozenset({"enabled"})  # it has a page of its own
_FIRST_FIELDS = ("name", "realm", "timezone", "language")


class _ParentField(forms.CharField):
    """The id of the parent account."""

    def __init__(self) -> None:
        super().__init__(
            label="Parent",
            required=False,
            widget=widgets.AdminTextInputWidget,
            help_text="The id of the account above this one. Leave it empty for none.",
        )


def change_form(submitted: Any, account: Mapping[str, Any], entered: Mapping[str, Any]) -> forms.Form:
    """The form of a stored account."""
    fields = _account_fields()
    fields["realm"].required = True
    return make_form(fields, submitted, account, entered)


def creation_form(submitted: Any, parent_id: str) -> forms.Form:
    """The form of a new account, with the field ``parent`` for the id of its parent."""
    fields = {**_account_fields(), "parent": _ParentField()}
    fields["realm"].help_text += " If you leave it empty, a realm is made up."
    return make_form(fields, submitted, {}, {"parent": parent_id})


def _account_fields() -> dict[str, forms.Field]:
    fields = sort_fields(build_fields(schemas.get(accounts.SCHEMA), _EXCLUDED), _FIRST_FIELDS)
    timezone = fields.get("timezone")
    if isinstance(timezone, forms.ChoiceField):
        # An account has no owner to inherit a time zone from.
        choices: Any = timezone.choices
        zones = [choice for choice in choices if choice[0] not in ("", "inherit")]
        timezone.choices = [("", "Not set (system default)"), *zones]
    return fields
