"""Forms at the desk: made of Django's widgets, checked by the domain, whose errors come to stand at their fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib.admin.helpers import AdminForm

from crossbar.errors import ValidationFailed
from desk.kit.pages import errors_of

Fieldsets = Sequence[tuple[str | None, Mapping[str, Any]]]


def take_errors(form: forms.Form, error: ValidationFailed) -> None:
    """Put what the domain found wrong at the form's fields; what has no field of its own goes above them."""
    for path, message in errors_of(error):
        name = path.replace(".", "__")
        candidates = [name, *(name.rsplit("__", count)[0] for count in range(1, name.count("__") + 1))]
        found = next((one for one in candidates if one in form.fields), None)
        form.add_error(found, message if found else f"{path}: {message}")


def admin_form(form: forms.Form, fieldsets: Fieldsets | None = None) -> AdminForm:
    """A form as Django's admin lays its own out; without fieldsets all fields are in one."""
    sets = fieldsets or [(None, {"fields": list(form.fields)})]
    # Any form will do: only its fields are looked at.
    return AdminForm(form, [(name, dict(options)) for name, options in sets], {})  # type: ignore[arg-type]
