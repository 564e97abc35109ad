"""The forms of a user of an account, and of a new password."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.utils.translation import gettext as _

from accounts import users
from desk.kit.forms import Fieldsets, make_form, sort_fields
from desk.kit.schema_fields import build_fields
from desk.kit.typed_fields import CheckedTextField, check_email
from storage import schemas

PASSWORD = "password"  # noqa: S105 - the name of a member
SECRETS = frozenset({PASSWORD, "hotdesk", "pin"})
"""Members that no page may hold, not even as part of a form's snapshot."""
_FIRST_FIELDS = (
    "username",
    PASSWORD,
    "first_name",
    "last_name",
    "email",
    "priv_level",
    "enabled",
)
_FURTHER_FIELDS = ("timezone", "language")


def creation_form(submitted: Any) -> forms.Form:
    """The form of a new user, with a field for the first password."""
    return _user_form(submitted, {}, {}, password_field(required=False))


def change_form(submitted: Any, user: Mapping[str, Any], entered: Mapping[str, Any]) -> forms.Form:
    """The form of a stored user. A password that was entered is not shown again."""
    help_text = _("Only needed for a new user name. Leave it empty to keep the password.")
    entered = {name: value for name, value in entered.items() if name != PASSWORD}
    return _user_form(submitted, user, entered, password_field(required=False, help_text=help_text))


def fieldsets(form: forms.Form) -> Fieldsets:
    """The form's fields: what is needed first, then, folded up, all others."""
    further = [name for name in form.fields if name not in _FIRST_FIELDS]
    first = [name for name in _FIRST_FIELDS if name in form.fields]
    return [(None, {"fields": first}), (_("Other settings"), {"fields": further, "classes": ["collapse"]})]


def password_form(submitted: Any) -> forms.Form:
    """The form of a new password."""
    return make_form({PASSWORD: password_field(required=True)}, submitted, {})


def password_field(*, required: bool, help_text: str = "") -> forms.Field:
    """The field of a password."""
    widget = widgets.AdminTextInputWidget(attrs={"autocomplete": "new-password", "type": "password"})
    help_text = help_text or _("It is stored only as hashes.")
    return forms.CharField(label=_("Password"), required=required, strip=False, widget=widget, help_text=help_text)


def _user_form(
    submitted: Any, user: Mapping[str, Any], entered: Mapping[str, Any], password: forms.Field
) -> forms.Form:
    factories = {"email": partial(CheckedTextField, check_email)}
    fields = build_fields(schemas.get(users.SCHEMA), frozenset({"id", PASSWORD}), factories) | {PASSWORD: password}
    return make_form(sort_fields(fields, [*_FIRST_FIELDS, *_FURTHER_FIELDS]), submitted, user, entered)
