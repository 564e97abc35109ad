"""Forms for documents: their fields show a document's members, and what an operator changed becomes a patch.

The domain validates; its errors appear at the fields. What is stored and stays as it is can't fail, here as there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib.admin.helpers import AdminForm

from crossbar.errors import ValidationFailed
from desk.kit.errors import field_errors
from desk.kit.schema_fields import SEPARATOR, ChoiceField, LinesField, TextField, can_show
from desk.kit.typed_fields import CheckedLinesField

Explain = Callable[[str, str, str], tuple[str, str] | None]
"""Returns the field and the text, or HTML, of an error, for its path, its message, and the value that is taken."""
Fieldsets = Sequence[tuple[str | None, Mapping[str, Any]]]


class StoredForm(forms.Form):
    """The form of a stored document. A field that nobody changed has no error, whatever its value is."""

    def clean(self) -> dict[str, Any]:
        """Drop the errors of unchanged fields."""
        for name in self.errors.keys() - set(self.changed_data):
            del self.errors[name]
        return self.cleaned_data


def sort_fields(fields: Mapping[str, forms.Field], first_names: Sequence[str]) -> dict[str, forms.Field]:
    """The fields with those of some names first, in that order, and the others by name."""
    names = [*(name for name in first_names if name in fields), *sorted(fields.keys() - set(first_names))]
    return {name: fields[name] for name in names}


def make_form(
    fields: Mapping[str, forms.Field],
    submitted: Any,
    doc: Mapping[str, Any],
    entered: Mapping[str, Any] | None = None,
) -> forms.Form:
    """A form that shows a document's members.

    `submitted` is the submitted data, or None. `entered` has values, by field, to show instead of the document's.
    """
    stored = {name: value for name in fields if (value := _member(doc, name)) is not None}
    initial = stored | dict(entered or {})
    fitting = {name: _fit_field(field, stored.get(name), initial.get(name), doc) for name, field in fields.items()}
    form: forms.Form = type("DocumentForm", (StoredForm if doc else forms.Form,), fitting)(submitted, initial=initial)
    return form


def _fit_field(field: forms.Field, stored: Any, value: Any, doc: Mapping[str, Any]) -> forms.Field:
    """The field, or one in its place, that can show a value and give it back unchanged."""
    if doc and stored is None:
        field.required = False  # a browser would not send the form without it
    if isinstance(field, ChoiceField):
        field.add_stored(value)
    if isinstance(field, CheckedLinesField) and isinstance(stored, list):
        field.stored = frozenset(map(str, stored))
    if not can_show(field, value):
        return TextField(label=field.label, help_text=field.help_text, required=field.required)
    return field


def _member(doc: Mapping[str, Any], field_name: str) -> Any:
    """The document's value for a field; None if it has none."""
    value: Any = doc
    for key in field_name.split(SEPARATOR):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def patch_from(form: forms.Form) -> dict[str, Any]:
    """The operator's changes in a valid form, as a PATCH of the API has them: null for an emptied field."""
    patch: dict[str, Any] = {}
    for name in form.changed_data:
        *parents, key = name.split(SEPARATOR)
        target = patch
        for parent in parents:
            target = target.setdefault(parent, {})
        target[key] = form.cleaned_data[name]
        if isinstance(form.fields[name], LinesField):
            target[key] = _keep_entries(form.initial.get(name), target[key])
    return patch


def _keep_entries(stored: Any, lines: list[str]) -> list[Any]:
    """The entries of a list that an operator edited as lines: the stored ones as they are stored."""
    entries = {str(entry): entry for entry in stored} if isinstance(stored, list) else {}
    return [entries.get(line, line) for line in lines]


def members_from(form: forms.Form) -> dict[str, Any]:
    """The members of a new document in a valid form; emptied fields are left out."""
    return _without_empty(patch_from(form))


def _without_empty(patch: Mapping[str, Any]) -> dict[str, Any]:
    members = {key: _without_empty(value) if isinstance(value, Mapping) else value for key, value in patch.items()}
    return {key: value for key, value in members.items() if value not in (None, {}, [])}


def add_errors(
    form: forms.Form, error: ValidationFailed, explain: Explain = lambda path, message, value: None
) -> None:
    """Add the domain's errors to the form's fields; an error without a field goes above them.

    `explain` returns where to say what of an error about a value that another document has, if there is more to say
    than the domain does.
    """
    for path, message, value in field_errors(error):
        if value is not None and (explanation := explain(path, message, value)):
            form.add_error(*explanation)
            continue
        name = path.replace(".", SEPARATOR)
        # A field may hold a whole object, whose members' errors are then the field's.
        levels = range(name.count(SEPARATOR) + 1)
        candidates = [name.rsplit(SEPARATOR, level)[0] for level in levels]
        field = next((candidate for candidate in candidates if candidate in form.fields), None)
        form.add_error(field, message if field else f"{path}: {message}")


def admin_form(form: forms.Form, fieldsets: Fieldsets | None = None) -> AdminForm:
    """The form in the layout of Django's admin; without fieldsets, all fields are in one."""
    sets = fieldsets or [(None, {"fields": list(form.fields)})]
    # AdminForm only looks at the fields, so that any form will do.
    return AdminForm(form, [(title, dict(options)) for title, options in sets], {})  # type: ignore[arg-type]
