"""The form of a mailbox, made from its JSON schema and laid out by what the settings are about."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import escape

from accounts import users
from desk.kit.forms import Fieldsets
from desk.kit.schema_fields import SEPARATOR, ChoiceField, TextField, fields_of, member, resolve
from desk.users import choices as user_choices
from storage import schemas
from voicemail.mailboxes import store as mailbox_store

NEVER_HERE = frozenset({"pin", "messages", "id"})
"""What the form neither shows nor carries: a secret, and what is no operator's."""
_MAIN = ("mailbox", "name", "owner_id", "aliases", "timezone")
# What isn't named here has a place at the end: a schema may come from CouchDB.
_TOPICS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Notification",
        (
            "notify_email_addresses",
            "include_message_on_notify",
            "transcribe",
            "include_transcription_on_notify",
            "save_after_notify",
            "delete_after_notify",
        ),
    ),
    (
        "Callers",
        (
            "media__unavailable",
            "skip_greeting",
            "skip_instructions",
            "announcement_only",
            "operator_number",
            "media_extension",
            "silence_threshold",
            "silence_hits",
        ),
    ),
    (
        "Listening",
        (
            "require_pin",
            "check_if_owner",
            "is_setup",
            "skip_envelope",
            "envelope_type",
            "oldest_message_first",
            "is_voicemail_ff_rw_enabled",
            "seek_duration_ms",
            "after_forward_action",
            "vm_message_forward_type",
        ),
    ),
    ("Sharing", ("shared_vmbox", "shared_vmbox_notify_owner_email", "members")),
)


def made(account_id: str, posted: Any, box: Mapping[str, Any], typed: Mapping[str, Any] | None = None) -> forms.Form:
    """A mailbox's form: `posted` is what was sent or None, `box` the document that it was or is made from.

    `typed` has the values of fields that are to show those, whatever the box says.
    """
    schema = schemas.schema(mailbox_store.SCHEMA)
    owner = _owner_field(account_id, box.get("owner_id"))
    fields = fields_of(schema, NEVER_HERE, {"owner_id": owner})
    ordered = {name: fields[name] for name in sorted(fields, key=_place)}
    for _, names in _TOPICS:
        for name in names:
            if SEPARATOR in name and name in ordered:
                ordered[name].label = _title(name)
    initial = {**_stored(ordered, box), **(typed or {})}
    for name, value in initial.items():
        field = ordered[name]
        if isinstance(field, ChoiceField):
            field.offer(value)
    form: forms.Form = type("MailboxForm", (forms.Form,), ordered)(posted, initial=initial)
    return form


def fieldsets(form: forms.Form) -> Fieldsets:
    """The form's fields by topics, and each object of the schema that no topic has taken apart by itself."""
    sets: list[tuple[str | None, dict[str, Any]]] = [(None, {"fields": _MAIN})]
    sets += [(title, {"fields": names}) for title, names in _TOPICS]
    placed = {name for _, options in sets for name in options["fields"]}
    others: dict[str, list[str]] = {}
    for name in form.fields:
        if name not in placed:
            others.setdefault(name.rpartition(SEPARATOR)[0], []).append(name)
    sets += [
        (_title(above), {"fields": others[above], "description": _description(above)}) for above in others if above
    ]
    sets.append(("Other settings", {"fields": others.get("", [])}))
    there = [
        (title, {**options, "fields": [one for one in options["fields"] if one in form.fields]})
        for title, options in sets
    ]
    return [(title, options) for title, options in there if options["fields"]]


def _place(name: str) -> tuple[int, str]:
    known = [*_MAIN, *(one for _, names in _TOPICS for one in names)]
    return (known.index(name) if name in known else len(known), name)


def _stored(fields: Mapping[str, forms.Field], box: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name in fields if (value := member(box, name)) is not None}


def _title(path: str) -> str:
    return ", ".join(step.replace("_", " ") for step in path.split(SEPARATOR)).capitalize()


def _description(path: str) -> str:
    """What the schema says of an object; the admin's templates take it for HTML."""
    rules: Mapping[str, Any] = schemas.schema(mailbox_store.SCHEMA)
    for step in path.split(SEPARATOR):
        rules = resolve(rules["properties"][step])
    return escape(rules.get("description", ""))


# --- the owner ---


class _OwnerInput(widgets.AdminTextInputWidget):
    """A text that the server suggests users for."""

    class Media:
        js = (forms.Script("desk/kit/suggestions.js", defer=True),)


class _OwnerNameField(TextField):
    """An owner by user name or id, where there are too many users for a list."""

    def __init__(self, account_id: str, stored: Any, **options: Any) -> None:
        super().__init__(**options)
        self._account_id = account_id
        self._stored = stored

    def clean(self, value: Any) -> Any:
        """The id of the user that is meant; what is stored may stay, whether there is such a user or not."""
        text = super().clean(value)
        if text is None or text == self._stored:
            return text
        found = users.find(self._account_id, text) or user_choices.of_username(self._account_id, text)
        if found is None:
            raise ValidationError("There is no user of that name or id in this account.", code="unknown")
        return found["_id"]


def _owner_field(account_id: str, stored: Any) -> Any:
    """Makes the field of the owner: a list of the account's users, or a text where they are too many."""
    choices = user_choices.some(account_id, user_choices.MOST + 1)

    def make(**options: Any) -> forms.Field:
        options |= {"label": "Owner", "help_text": "The user whose mailbox this is."}
        if len(choices) > user_choices.MOST:
            found = users.find(account_id, stored) if isinstance(stored, str) else None
            now = f" Now: {escape(user_choices.name_of(found))}." if found else ""
            options["help_text"] = f"The user whose mailbox this is: a user name, or a user's id.{now}"
            url = reverse("admin:desk_mailbox_owners", args=[account_id])
            attributes = {"list": "owners", "autocomplete": "off", "data-suggestions": url}
            return _OwnerNameField(account_id, stored, widget=_OwnerInput(attributes), **options)
        named = sorted(
            ((user["_id"], user_choices.name_of(user)) for user in choices), key=lambda one: one[1].lower()
        )
        return ChoiceField(choices=[("", "Nobody"), *named], **options)

    return make
