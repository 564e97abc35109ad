"""Fields of the desk's forms, made from JSON schemas: a widget for each kind of property, objects member by member.

A field's value is the member's JSON value; None is a member that isn't there. What an operator didn't touch is never
sent, so that a stored value that no widget could hold stays what it is.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.admin import widgets
from django.utils.html import escape

from crossbar.errors import BadIdentifier
from storage import schemas

Rules = Mapping[str, Any]
SEPARATOR = "__"
"""Stands between the levels in a field's name: ``notify__callback__attempts``."""
_DEEPEST = 6
_UNSET = "Not set: as the system says"
_WORDS = {
    "email": "e-mail",
    "ff": "FF",
    "id": "ID",
    "ms": "(ms)",
    "pin": "PIN",
    "rw": "RW",
    "s": "(seconds)",
    "timezone": "time zone",
    "vm": "VM",
    "vmbox": "mailbox",
}


class TextField(forms.CharField):
    """A text in one line; where the schema takes numbers as well, a stored one stays one until it is changed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(empty_value=None, **{"widget": widgets.AdminTextInputWidget, **options})

    def has_changed(self, initial: Any, data: Any) -> bool:
        """A browser's one-line input drops line ends: that is no change."""
        shown = "" if initial is None else str(initial)
        return "".join(shown.splitlines()) != str(data or "")


class LinesField(forms.CharField):
    """A list of texts or numbers, one per line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=widgets.AdminTextareaWidget(attrs={"rows": 3}), **options)

    def prepare_value(self, value: Any) -> Any:
        """The list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The lines that hold anything, as a list."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        """The domain does that."""

    def run_validators(self, value: Any) -> None:
        """The domain does that."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the lines are others."""
        lines: list[str] = self.to_python(self.prepare_value(initial))
        return bool(lines != self.to_python(data))


class ChoiceField(forms.TypedChoiceField):
    """One of some values; a stored one that isn't among them is offered, too, as long as it is stored."""

    def __init__(self, **options: Any) -> None:
        super().__init__(empty_value=None, **options)

    def offer(self, stored: Any) -> None:
        """Let a stored value be chosen that isn't among the choices."""
        known = {str(value) for value, _ in _flat(self.choices)}
        if stored is not None and str(self.prepare_value(stored)) not in known:
            offered: Any = self.choices
            self.choices = [*offered, (stored, f"{str(stored)[:100]} (stored, but not known)")]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another one is chosen."""
        shown = self.prepare_value(initial)
        return str("" if shown is None else shown) != str(data or "")


class CheckField(forms.BooleanField):
    """A boolean; an old document may hold it as a text."""

    def prepare_value(self, value: Any) -> Any:
        """What is checked or not."""
        return self.to_python(value)


class YesNoField(ChoiceField):
    """A boolean that may be left unset."""

    def __init__(self, **options: Any) -> None:
        choices = [("", _UNSET), ("true", "Yes"), ("false", "No")]
        super().__init__(
            choices=choices, coerce=lambda value: {"true": True, "false": False}.get(value, value), **options
        )

    def prepare_value(self, value: Any) -> Any:
        """The boolean as its choice."""
        return {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value


class JsonField(forms.JSONField):
    """What no other widget is made for, as JSON."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=widgets.AdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}), **options)

    def prepare_value(self, value: Any) -> Any:
        """Indented; an operator's own writing as it is."""
        if value is None:
            return ""
        return value if isinstance(value, forms.fields.InvalidJSONInput) else json.dumps(value, indent=2)


def fields_of(
    schema: Rules,
    leave_out: frozenset[str] = frozenset(),
    special: Mapping[str, Callable[..., forms.Field]] | None = None,
) -> dict[str, forms.Field]:
    """The fields of an object schema by name, its objects' members among them (``media__unavailable``).

    `special` makes the fields of some names: each gets the options that any field has.
    """
    return dict(_members(schema, "", leave_out, special or {}, 0))


def _members(
    schema: Rules,
    prefix: str,
    leave_out: frozenset[str],
    special: Mapping[str, Callable[..., forms.Field]],
    depth: int,
) -> Iterator[tuple[str, forms.Field]]:
    required = schema.get("required")
    for key, rules in schema.get("properties", {}).items():
        name, resolved = prefix + key, resolve(rules)
        if name in leave_out:
            continue
        if resolved.get("type") == "object" and resolved.get("properties") and depth < _DEEPEST:
            yield from _members(resolved, name + SEPARATOR, leave_out, special, depth + 1)
            continue
        options = _options(key, resolved, is_required=not prefix and isinstance(required, list) and key in required)
        yield name, special[name](**options) if name in special else _field(key, resolved, options)


def resolve(rules: Rules) -> Rules:
    """The rules of a property, those that it refers to included; what refers to nothing is empty."""
    ref = rules.get("$ref")
    if not isinstance(ref, str):
        return rules
    try:
        return {**schemas.schema(ref), **{key: value for key, value in rules.items() if key != "$ref"}}
    except BadIdentifier:
        return rules


def _options(key: str, rules: Rules, *, is_required: bool) -> dict[str, Any]:
    words = [_WORDS.get(word, word) for word in key.split("_")]
    label = " ".join(words)
    told = [str(rules["description"])] if rules.get("description") else []
    default = rules.get("default")
    if default not in (None, [], {}):
        told.append(f"Default: {_spelled(default)}")
    # The admin's templates take help texts for HTML, and a schema may come from CouchDB.
    help_text = escape(". ".join(told) + "." if told else "")
    options = {"label": label[:1].upper() + label[1:], "help_text": help_text, "required": is_required}
    return options | ({"initial": default} if default is not None else {})


def _spelled(default: Any) -> str:
    return {True: "yes", False: "no"}[default] if isinstance(default, bool) else str(default)


def _field(key: str, rules: Rules, options: dict[str, Any]) -> forms.Field:
    """The field for a property's rules."""
    kind = rules.get("type")
    if key == "timezone" or rules.get("format") == "timezone":
        return ChoiceField(choices=_zones(), **options)
    if isinstance(rules.get("enum"), list):
        unset = [] if "default" in rules else [("", _UNSET)]
        return ChoiceField(choices=unset + [(one, str(one).replace("_", " ")) for one in rules["enum"]], **options)
    if kind == "boolean":
        return CheckField(**options) if "default" in rules else YesNoField(**options)
    if kind == "integer":
        limits: dict[str, Any] = {"min_value": rules.get("minimum"), "max_value": rules.get("maximum")}
        return forms.IntegerField(widget=widgets.AdminIntegerFieldWidget, **limits, **options)
    if kind == "array" and resolve(rules.get("items") or {}).get("type") in ("string", "integer"):
        options["help_text"] = f"{options['help_text']} One per line.".strip()
        return LinesField(**options)
    if kind == "string" or (isinstance(kind, list) and "string" in kind):
        return TextField(max_length=rules.get("maxLength"), **options)
    options["help_text"] = f"{options['help_text']} As JSON.".strip()
    return JsonField(**options)


@cache
def _zones() -> list[Any]:
    """The time zones by their regions; those without one first."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(available_timezones()):
        region, slash, _ = zone.partition("/")
        regions.setdefault(region if slash else "Others", []).append((zone, zone))
    inherit = [
        ("", "Not set: the owner's, else the account's"),
        ("inherit", "inherit: the owner's, else the account's"),
    ]
    return [*inherit, *regions.items()]


def _flat(choices: Any) -> Iterator[tuple[Any, Any]]:
    for value, text in choices:
        if isinstance(text, list | tuple):
            yield from text
        else:
            yield value, text


def member(doc: Mapping[str, Any], name: str) -> Any:
    """The value of a document that a field shows; None where there is none."""
    value: Any = doc
    for step in name.split(SEPARATOR):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def sent(form: forms.Form) -> dict[str, Any]:
    """What the operator changed in a valid form, as a client of the API would PATCH it: null for an emptied field."""
    patch: dict[str, Any] = {}
    for name in form.changed_data:
        *above, last = name.split(SEPARATOR)
        inner = patch
        for step in above:
            inner = inner.setdefault(step, {})
        inner[last] = form.cleaned_data[name]
    return patch
