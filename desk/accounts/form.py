"""The form of an account."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from accounts import accounts
from desk.accounts.choice_field import AccountField
from desk.kit.forms import make_form, sort_fields
from desk.kit.schema_fields import build_fields
from desk.scope import Scope
from storage import schemas

_EXCLUDED = frozenset({"enabled"})  # it has a page of its own
_FIRST_FIELDS = ("name", "realm", "timezone", "language")


def change_form(submitted: Any, account: Mapping[str, Any], entered: Mapping[str, Any]) -> forms.Form:
    """The form of a stored account."""
    fields = _account_fields()
    fields["realm"].required = True
    return make_form(fields, submitted, account, entered)


def creation_form(submitted: Any, parent_id: str, scope: Scope) -> forms.Form:
    """The form of a new account, with the field ``parent``: operators who don't see everything have to choose one."""
    is_required = not scope.is_everything
    help_text = _("The account above this one: its id, realm or name.")
    if not is_required:
        help_text = _("The account above this one: its id, realm or name. Leave it empty for none.")
    fields = {
        **_account_fields(),
        "parent": AccountField(scope, label=_("Parent"), required=is_required, help_text=help_text),
    }
    if is_required and not parent_id and len(top_ids := scope.top_ids()) == 1:
        parent_id = top_ids[0]
    fields["realm"].help_text += " " + _("If you leave it empty, a realm is made up.")
    return make_form(fields, submitted, {}, {"parent": parent_id})


def _account_fields() -> dict[str, forms.Field]:
    fields = sort_fields(build_fields(schemas.get(accounts.SCHEMA), _EXCLUDED), _FIRST_FIELDS)
    timezone = fields.get("timezone")
    if isinstance(timezone, forms.ChoiceField):
        # An account has no owner to inherit a time zone from.
        choices: Any = timezone.choices
        zones = [choice for choice in choices if choice[0] not in ("", "inherit")]
        timezone.choices = [("", _("Not set (system default)")), *zones]
    return fields
