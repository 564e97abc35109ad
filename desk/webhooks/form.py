"""The form of a webhook. Its key and headers are credentials: they can be replaced, but are never shown."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from couch.database import Document
from desk.kit.forms import make_form, sort_fields
from desk.kit.schema_fields import ChoiceField, JsonField, build_fields
from desk.kit.typed_fields import CheckedTextField
from storage import schemas
from webhooks import hooks, request_rules, store

HEADERS, KEY = "custom_request_headers", "security_settings__sha256_key"
SECRETS = frozenset({HEADERS, "security_settings"})
"""Members that no page may hold, not even as part of a form's snapshot."""
_FIRST_FIELDS = ("name", "hook", "uri", "enabled", "http_verb", "format", "custom_data", HEADERS, "version", KEY)
_EVENTS_HELP = gettext_lazy(
    'Members that are added to what is sent, as JSON. Two choose the events instead: "type" is one '
    'of {types}; "action", for documents, is one of {actions}.'
)


def creation_form(submitted: Any) -> forms.Form:
    """The form of a new webhook."""
    return _webhook_form(submitted, {}, {})


def change_form(submitted: Any, hook: Mapping[str, Any], entered: Mapping[str, Any]) -> forms.Form:
    """The form of a stored webhook. Credentials that were entered are not shown again."""
    shown = {name: value for name, value in hook.items() if name not in SECRETS}
    entered = {name: value for name, value in entered.items() if name not in (HEADERS, KEY)}
    return _webhook_form(submitted, shown, entered, keeps=_("Leave it empty to keep what is stored. "))


def replace_headers(patch: Document, stored: Document) -> Document:
    """Return a patch whose headers take the place of the stored ones, instead of being merged into them."""
    headers, stored_headers = patch.get(HEADERS), stored.get(HEADERS)
    if not isinstance(headers, dict) or not isinstance(stored_headers, dict):
        return patch
    return {**patch, HEADERS: {**dict.fromkeys(stored_headers), **headers}}


def _webhook_form(
    submitted: Any, hook: Mapping[str, Any], entered: Mapping[str, Any], *, keeps: str = ""
) -> forms.Form:
    choices = [(hook_["id"], hook_["name"]) for hook_ in hooks.list_hooks()]
    factories: dict[str, Callable[..., forms.Field]] = {
        "uri": partial(CheckedTextField, _check_address),
        "hook": partial(ChoiceField, choices=choices),
        "custom_data": _custom_data_field,
        HEADERS: partial(_headers_field, keeps),
        KEY: partial(_key_field, keeps),
    }
    fields = build_fields(schemas.get(store.SCHEMA), frozenset({"id"}), factories)
    fields[KEY] = _key_field(keeps)
    return make_form(sort_fields(fields, _FIRST_FIELDS), submitted, hook, entered)


def _check_address(text: str) -> None:
    if not request_rules.is_http_address(text):
        raise ValidationError(_("“%(text)s” is not an http or https address.") % {"text": text[:100]})


def _custom_data_field(**options: Any) -> forms.Field:
    types = ", ".join((*hooks.NOTIFICATION_TYPES, *hooks.OBJECT_TYPES, "all"))
    help_text = _EVENTS_HELP.format(types=types, actions=", ".join((*hooks.OBJECT_ACTIONS, "all")))
    return JsonField(**{**options, "help_text": help_text, "label": _("Custom data")})


def _headers_field(keeps: str, **options: Any) -> forms.Field:
    help_text = _('%(keeps)sAs JSON: {"Authorization": "Bearer …"}. They are never shown again.') % {"keeps": keeps}
    return JsonField(**{**options, "help_text": help_text, "label": _("Custom request headers")})


def _key_field(keeps: str, **options: Any) -> forms.Field:
    widget = widgets.AdminTextInputWidget(attrs={"autocomplete": "new-password", "type": "password"})
    help_text = _("%(keeps)sIt signs payloads of version v2, and is never shown again.") % {"keeps": keeps}
    return forms.CharField(label=_("Key"), required=False, strip=False, widget=widget, help_text=help_text)
