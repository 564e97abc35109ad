"""Form fields made from a JSON schema: one field for each property, and for each member of a nested object.

A field's value is the property's JSON value, or None for a missing property. Only what an operator changed becomes
part of a patch, so that a stored value that no widget can show stays as it is.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crossbar.errors import BadIdentifier
from crossbar.secret_names import is_secret as is_secret_name
from desk.kit.known_texts import translate
from storage import schemas, time_zones

PropertySchema = Mapping[str, Any]
SEPARATOR = "__"
"""Separates the levels in the name of a nested property's field: ``notify__callback__attempts``."""
_MAX_DEPTH = 6
_UNSET = gettext_lazy("Not set (system default)")
_LABEL_WORDS = {
    "email": "e-mail",
    "ff": "FF",
    "http": "HTTP",
    "id": "ID",
    "ms": "(ms)",
    "pin": "PIN",
    "priv": "privilege",
    "rw": "RW",
    "s": "(seconds)",
    "timezone": "time zone",
    "uri": "address",
    "vm": "VM",
    "vmbox": "mailbox",
}


class TextField(forms.CharField):
    """A one-line text. A stored number stays a number until somebody changes it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(empty_value=None, **{"widget": widgets.AdminTextInputWidget, **options})

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the text differs, apart from line ends, which a browser removes from a one-line input."""
        text = "" if initial is None else str(initial)
        return _as_submitted(text) != _as_submitted(str(data or ""))


def _as_submitted(text: str) -> str:
    """A text without what a browser's one-line input leaves out or replaces: line ends, control characters."""
    return "".join(
        character for character in text if character.isprintable() and character != "\N{REPLACEMENT CHARACTER}"
    )


class LinesField(forms.CharField):
    """A list of texts or numbers, one per line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=widgets.AdminTextareaWidget(attrs={"rows": 3}), **options)

    def prepare_value(self, value: Any) -> Any:
        """Show the list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Read the lines that aren't empty as a list."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        """Leave it to the domain."""

    def run_validators(self, value: Any) -> None:
        """Leave it to the domain."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the lines differ."""
        lines: list[str] = self.to_python(self.prepare_value(initial))
        return bool(lines != self.to_python(data))


class ChoiceField(forms.TypedChoiceField):
    """One of several values. A stored value that isn't among them can stay."""

    def __init__(self, **options: Any) -> None:
        super().__init__(empty_value=None, **options)

    def add_stored(self, stored: Any) -> None:
        """Add a stored value to the choices unless it is one of them."""
        known_values = {str(value) for value, _text in _flatten_choices(self.choices)}
        if stored is not None and str(self.prepare_value(stored)) not in known_values:
            choices: Any = self.choices
            self.choices = [*choices, (stored, _("%(stored)s (stored, but unknown)") % {"stored": str(stored)[:100]})]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another value is chosen."""
        value = self.prepare_value(initial)
        return str("" if value is None else value) != str(data or "")


class CheckField(forms.BooleanField):
    """A boolean, which old documents may hold as a text."""

    def prepare_value(self, value: Any) -> Any:
        """Show the boolean."""
        return self.to_python(value)


class YesNoField(ChoiceField):
    """A boolean, or neither."""

    def __init__(self, **options: Any) -> None:
        choices = [("", _UNSET), ("true", _("Yes")), ("false", _("No"))]
        super().__init__(
            choices=choices, coerce=lambda value: {"true": True, "false": False}.get(value, value), **options
        )

    def prepare_value(self, value: Any) -> Any:
        """Show the choice for the boolean."""
        return {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value


class JsonField(forms.JSONField):
    """Any JSON value, for properties without a field of their own kind."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=widgets.AdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}), **options)

    def prepare_value(self, value: Any) -> Any:
        """Show indented JSON, or an operator's text that isn't JSON."""
        if value is None:
            return ""
        return value if isinstance(value, forms.fields.InvalidJSONInput) else json.dumps(value, indent=2)


def can_show(field: forms.Field, value: Any) -> bool:
    """Whether a field shows a stored value, so that a browser sends the same back. One for numbers may not."""
    if not isinstance(field, forms.IntegerField) or value is None:
        return True
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    is_too_small = field.min_value is not None and value < field.min_value
    is_too_large = field.max_value is not None and value > field.max_value
    return not is_too_small and not is_too_large


def build_fields(
    schema: PropertySchema,
    exclude: frozenset[str] = frozenset(),
    factories: Mapping[str, Callable[..., forms.Field]] | None = None,
) -> dict[str, forms.Field]:
    """The fields for an object's schema by name, including those of nested objects (``media__unavailable``).

    Secrets have none, but pages of their own. `factories` make the fields of some names, and get the options that
    every field has.
    """
    return dict(_build_fields(schema, "", exclude, factories or {}, 0))


def _build_fields(
    schema: PropertySchema,
    prefix: str,
    exclude: frozenset[str],
    factories: Mapping[str, Callable[..., forms.Field]],
    depth: int,
) -> Iterator[tuple[str, forms.Field]]:
    required = schema.get("required")
    for key, reference in schema.get("properties", {}).items():
        name, property_schema = prefix + key, resolve_reference(reference)
        is_secret = is_secret_name(key) and property_schema.get("type") != "boolean"
        if name in exclude or is_secret:
            continue
        if property_schema.get("type") == "object" and property_schema.get("properties") and depth < _MAX_DEPTH:
            yield from _build_fields(property_schema, name + SEPARATOR, exclude, factories, depth + 1)
            continue
        is_required = not prefix and isinstance(required, list) and key in required
        options = _field_options(key, property_schema, is_required=is_required)
        make_field = factories.get(name)
        yield name, make_field(**options) if make_field else _build_field(key, property_schema, options)


def resolve_reference(schema: PropertySchema) -> PropertySchema:
    """A property's schema with the schema that its ``$ref`` names; an unknown name is ignored."""
    name = schema.get("$ref")
    if not isinstance(name, str):
        return schema
    try:
        return {**schemas.get(name), **{key: value for key, value in schema.items() if key != "$ref"}}
    except BadIdentifier:
        return schema


def property_label(key: str) -> str:
    """What a property is called in a form, in English."""
    label = " ".join(_LABEL_WORDS.get(word, word) for word in key.split("_"))
    return label[:1].upper() + label[1:]


def choice_label(value: Any) -> str:
    """What a value of an enumeration is called, in English."""
    return str(value).replace("_", " ")


def _field_options(key: str, schema: PropertySchema, *, is_required: bool) -> dict[str, Any]:
    sentences = [translate(str(schema["description"]))] if schema.get("description") else []
    default = schema.get("default")
    if default not in (None, [], {}):
        sentences.append(_("Default: %(default)s") % {"default": _format_default(default)})
    # The admin's templates take help texts for HTML, and a schema may come from CouchDB.
    help_text = escape(". ".join(sentences) + "." if sentences else "")
    options = {"label": translate(property_label(key)), "help_text": help_text, "required": is_required}
    return options | ({"initial": default} if default is not None else {})


def _format_default(default: Any) -> str:
    return {True: _("yes"), False: _("no")}[default] if isinstance(default, bool) else str(default)


def _build_field(key: str, schema: PropertySchema, options: dict[str, Any]) -> forms.Field:
    """The field for a property."""
    kind = schema.get("type")
    if key == "timezone" or schema.get("format") == "timezone":
        return ChoiceField(choices=_time_zone_choices(), **options)
    if isinstance(schema.get("enum"), list):
        unset = [] if "default" in schema else [("", _UNSET)]
        return ChoiceField(
            choices=unset + [(value, translate(choice_label(value))) for value in schema["enum"]], **options
        )
    if kind == "boolean":
        return CheckField(**options) if "default" in schema else YesNoField(**options)
    if kind == "integer":
        limits: dict[str, Any] = {"min_value": schema.get("minimum"), "max_value": schema.get("maximum")}
        return forms.IntegerField(widget=widgets.AdminIntegerFieldWidget, **limits, **options)
    if kind == "array" and resolve_reference(schema.get("items") or {}).get("type") in ("string", "integer"):
        options["help_text"] = " ".join(filter(None, (options["help_text"], _("One per line."))))
        return LinesField(**options)
    if kind == "string" or (isinstance(kind, list) and "string" in kind):
        return TextField(max_length=schema.get("maxLength"), **options)
    options["help_text"] = " ".join(filter(None, (options["help_text"], _("As JSON."))))
    return JsonField(**options)


@cache
def _time_zone_choices() -> list[Any]:
    """The time zones grouped by region."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(time_zones.list_names()):
        region, slash, _city = zone.partition("/")
        regions.setdefault(region if slash else "", []).append((zone, zone))
    inherited = [
        ("", gettext_lazy("Not set (the owner's, otherwise the account's)")),
        (time_zones.INHERIT, gettext_lazy("inherit (the owner's, otherwise the account's)")),
    ]
    return [*inherited, *((region or gettext_lazy("Other"), zones) for region, zones in regions.items())]


def _flatten_choices(choices: Any) -> Iterator[tuple[Any, Any]]:
    for value, text in choices:
        if isinstance(text, list | tuple):
            yield from text
        else:
            yield value, text
