"""The form of an API key. Its text is in no form: it is shown once, when the key is made."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.api_keys import store
from accounts.api_keys.scopes import Scope
from desk.kit.forms import make_form, sort_fields
from desk.kit.schema_fields import LinesField, build_fields
from storage import gregorian, schemas

SECRETS = frozenset({store.SECRET})
SCOPE_NAMES: Mapping[str, Any] = {
    Scope.READ: gettext_lazy("See messages"),
    Scope.HEAR: gettext_lazy("Hear recordings"),
    Scope.WRITE: gettext_lazy("Change messages and mailboxes"),
    Scope.ADMINISTER: gettext_lazy("Administer"),
}
_SCOPE_LABELS = (
    (Scope.READ.value, gettext_lazy("See mailboxes and messages with their transcriptions, but no PINs")),
    (Scope.HEAR.value, gettext_lazy("Hear recordings")),
    (Scope.WRITE.value, gettext_lazy("Create, change and delete messages and mailboxes")),
    (Scope.ADMINISTER.value, gettext_lazy("Administer: everything that the owner may do")),
)
_FIRST_FIELDS = ("name", "scopes", "expires", "networks")


class ExpiryField(forms.DateField):
    """The last day of a key, in UTC. Its value is the end of that day in Gregorian seconds."""

    def prepare_value(self, value: Any) -> Any:
        """Show stored seconds as a date."""
        if not isinstance(value, int):
            return value
        try:
            return gregorian.to_datetime(value).date().isoformat()
        except ValueError:  # something else than this service stored it
            return ""

    def clean(self, value: Any) -> int | None:
        """The last second of the day; None without one."""
        day = super().clean(value)
        return _end_of(day) if isinstance(day, date) else None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the day differs: a stored time within it stays."""
        return (self.prepare_value(initial) or "") != (data or "")


def key_form(submitted: Any, key: Mapping[str, Any], entered: Mapping[str, Any]) -> forms.Form:
    """The form of a key, new or stored."""
    factories = {"scopes": _scopes_field, "expires": _expiry_field, "networks": _networks_field}
    fields = build_fields(schemas.get(store.SCHEMA), frozenset({"id", "owner_id"}), factories)
    return make_form(sort_fields(fields, _FIRST_FIELDS), submitted, key, entered)


def describe_scopes(key: Mapping[str, Any]) -> str:
    """What a key may do, in words."""
    return ", ".join(str(SCOPE_NAMES.get(scope, scope)) for scope in store.list_member(key, "scopes"))


def _scopes_field(**options: Any) -> forms.Field:
    return forms.MultipleChoiceField(
        label=_("Allowed"), choices=_SCOPE_LABELS, widget=forms.CheckboxSelectMultiple, required=True
    )


def _expiry_field(**options: Any) -> forms.Field:
    widget = forms.DateInput(
        attrs={
            "type": "date",
            "class": "vTextField",
            "min": (datetime.now(UTC) + timedelta(days=1)).date().isoformat(),
        }
    )
    help_text = _("The last day (UTC) on which it works. Leave it empty for a key that never ends.")
    return ExpiryField(label=_("Expires"), help_text=help_text, required=False, widget=widget)


def _networks_field(**options: Any) -> forms.Field:
    help_text = _("Addresses or networks, such as 192.0.2.0/24, one per line. Leave it empty for everywhere.")
    return LinesField(label=_("Only from these networks"), help_text=help_text, required=False)


def _end_of(day: date) -> int:
    return gregorian.from_datetime(datetime.combine(day, time(23, 59, 59), UTC))
