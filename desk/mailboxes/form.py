"""The form of a mailbox, made from its JSON schema and divided by subject."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext as _

from desk.kit.forms import Fieldsets, make_form, sort_fields
from desk.kit.known_texts import translate
from desk.kit.schema_fields import SEPARATOR, build_fields, resolve_reference
from desk.kit.typed_fields import CheckedLinesField, CheckedTextField, EmailsField, check_number
from desk.mailboxes.labels import LABELS, object_title
from desk.mailboxes.owner_field import owner_field_factory
from desk.mailboxes.pin import pin_field
from desk.mailboxes.topics import MAIN_FIELDS, TOPICS
from storage import schemas
from voicemail.mailboxes import store as mailbox_store

SECRETS = frozenset({"pin", "messages", "id"})
"""Members that the form neither shows nor holds: a secret, and those that operators don't change."""
_CHECKED_FIELDS: Mapping[str, Callable[..., forms.Field]] = {
    "mailbox": partial(CheckedTextField, check_number),
    "aliases": partial(CheckedLinesField, check_number),
    "notify_email_addresses": EmailsField,
}
PIN = "pin"
_OWN_FIELDS = frozenset({"mailbox", "name", "aliases"})


def creation_form(
    account_id: str, submitted: Any, proposal: Mapping[str, Any], *, shows_users: bool, shows_pin: bool
) -> forms.Form:
    """The form of a new mailbox that shows a proposal.

    It has the field of the owner if it `shows_users`, and that of the PIN if it `shows_pin`.
    """
    fields = _mailbox_fields(account_id, None, shows_users=shows_users)
    if shows_pin:
        fields[PIN] = pin_field(_("PIN"))
    return make_form(_sort(fields), submitted, {}, proposal)


def mailbox_form(
    account_id: str, submitted: Any, box: Mapping[str, Any], entered: Mapping[str, Any], *, shows_users: bool
) -> forms.Form:
    """The form of a mailbox; `entered` has values to show instead of the mailbox's.

    The field of the owner offers the account's users, and is there if the form `shows_users`.
    """
    fields = _mailbox_fields(account_id, box.get("owner_id"), shows_users=shows_users)
    return make_form(_sort(fields), submitted, box, entered)


def shared_fields(account_id: str, *, shows_users: bool) -> dict[str, forms.Field]:
    """The fields of the settings that several mailboxes may have the same values of, in the form's order."""
    fields = _sort(_mailbox_fields(account_id, None, shows_users=shows_users))
    for field in fields.values():
        field.required = False
    return {name: field for name, field in fields.items() if name not in _OWN_FIELDS}


def _mailbox_fields(account_id: str, stored_owner_id: Any, *, shows_users: bool) -> dict[str, forms.Field]:
    schema = schemas.get(mailbox_store.SCHEMA)
    if shows_users:
        factories = {"owner_id": owner_field_factory(account_id, stored_owner_id), **_CHECKED_FIELDS}
        fields = build_fields(schema, SECRETS, factories)
    else:
        fields = build_fields(schema, SECRETS | {"owner_id"}, _CHECKED_FIELDS)
    for name, field in fields.items():
        if name in LABELS:
            field.label = LABELS[name]
    return fields


def _sort(fields: Mapping[str, forms.Field]) -> dict[str, forms.Field]:
    return sort_fields(fields, [*MAIN_FIELDS, *(name for _title, names in TOPICS for name in names)])


def fieldsets(form: forms.Form) -> Fieldsets:
    """The form's fields: what is needed first, then by topic, those of each further object of the schema, all others.

    All but the first are folded up.
    """
    sets: list[tuple[str | None, dict[str, Any]]] = [(None, {"fields": MAIN_FIELDS})]
    sets += [(title, {"fields": names}) for title, names in TOPICS]
    placed_names = {name for _title, options in sets for name in options["fields"]}
    remaining: dict[str, list[str]] = {}
    for name in form.fields:
        if name not in placed_names:
            remaining.setdefault(name.rpartition(SEPARATOR)[0], []).append(name)
    top_level = remaining.pop("", [])
    sets += [
        (object_title(path), {"fields": names, "description": _description(path)})
        for path, names in remaining.items()
    ]
    sets.append((_("Other settings"), {"fields": top_level}))
    existing = [
        (title, {**options, "fields": [name for name in options["fields"] if name in form.fields]})
        for title, options in sets
    ]
    return [
        (title, {**options, "classes": ["collapse"] if title else []})
        for title, options in existing
        if options["fields"]
    ]


def _description(path: str) -> str:
    """The schema's description of an object, as HTML."""
    schema: Mapping[str, Any] = schemas.get(mailbox_store.SCHEMA)
    for key in path.split(SEPARATOR):
        schema = resolve_reference(schema["properties"][key])
    return escape(translate(schema.get("description", "")))
