"""Editing of a document in a form, with detection of changes that somebody else made in the meantime.

A form carries a snapshot of its document, signed and without secrets. If the stored document differs from it when
the form is sent, nothing is saved: the operator sees what was changed, and sends the form again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core import signing
from django.http import HttpRequest

from audit.differences import differences
from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.kit.formats import format_value
from desk.kit.forms import Explain, add_errors, patch_from
from storage import private_fields, secret_members

Guard = Callable[[Document], None]
"""Gets the stored document before each attempt to change it, and raises if it must not be changed."""
FormFactory = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], forms.Form]
"""Makes a form from the submitted data or None, the document that it shows, and values to show instead."""
Merge = Callable[[Document, Guard], Document]
"""Merges a patch into the stored document unless the guard raises, and returns the new document."""

ExplainForm = Callable[[forms.Form], Explain]
"""Returns, for a form, what `add_errors` explains errors with."""

SNAPSHOT_FIELD = "desk_snapshot"
"""The name of the hidden form field with the snapshot."""
_SALT = "desk.form.snapshot"
_MAX_LENGTH = 300


class EditConflict(Exception):
    """The document is no longer as the form's snapshot has it."""

    def __init__(self, stored: Document) -> None:
        super().__init__()
        self.stored = stored


@dataclass(frozen=True)
class Snapshot:
    """The members of a document that an operator may see, as they were when a form was made."""

    members: Document

    @classmethod
    def of(cls, doc: Mapping[str, Any], secrets: frozenset[str]) -> "Snapshot":
        """The snapshot of a document, without secrets such as PINs and those members that are named in `secrets`."""
        public = secret_members.remove(private_fields.without_private(doc))
        return cls({key: value for key, value in public.items() if key not in secrets})

    @classmethod
    def load(cls, submitted: Mapping[str, Any]) -> "Snapshot | None":
        """The snapshot in a submitted form; None if its signature is missing or not valid."""
        try:
            return cls(signing.loads(str(submitted.get(SNAPSHOT_FIELD, "")), salt=_SALT))
        except signing.BadSignature:
            return None

    def dump(self) -> str:
        """The signed snapshot, for the hidden field."""
        return signing.dumps(self.members, salt=_SALT, compress=True)

    def guard(self, secrets: frozenset[str]) -> Guard:
        """A guard that raises EditConflict for a document with another snapshot."""

        def check(stored: Document) -> None:
            if Snapshot.of(stored, secrets) != self:
                raise EditConflict(stored)

        return check


@dataclass(frozen=True)
class ForeignChange:
    """A change that somebody else made, and whether saving the form would overwrite it."""

    path: str
    before: str
    after: str
    is_overwritten: bool


@dataclass(frozen=True)
class Edit:
    """The state of an edit: the form to show, or the saved document."""

    form: forms.Form
    snapshot: Snapshot
    foreign_changes: Sequence[ForeignChange] | None = None
    """None if there was no conflict."""
    saved: Document | None = None
    """The document as it is stored now; None if nothing was saved yet."""
    has_changes: bool = False
    """Whether the operator changed anything."""

    def context(self) -> dict[str, Any]:
        """What the template ``desk/kit/edit_form.html`` needs beside the form."""
        return {
            "snapshot_field": SNAPSHOT_FIELD,
            "snapshot": self.snapshot.dump(),
            "foreign_changes": self.foreign_changes,
        }


def edit(
    request: HttpRequest,
    doc: Document,
    secrets: frozenset[str],
    make_form: FormFactory,
    merge: Merge,
    explain: ExplainForm = lambda form: lambda path, message, value: None,
) -> Edit:
    """Show a document's form, or merge what an operator submitted unless there is a conflict.

    Changes of members that no form shows (those named in `secrets`, and private ones) are no conflict. A form without
    a valid snapshot always is one.
    """
    if request.method != "POST":
        return Edit(make_form(None, doc, {}), Snapshot.of(doc, secrets))
    snapshot = Snapshot.load(request.POST)
    form = make_form(request.POST, snapshot.members if snapshot else doc, {})
    unsaved = Edit(form, snapshot or Snapshot.of(doc, secrets))
    if not form.is_valid():
        return unsaved
    patch = patch_from(form)
    try:
        if snapshot is None:
            raise EditConflict(doc)
        guard = snapshot.guard(secrets)
        guard(doc)
        saved = merge(patch, guard) if patch else doc
    except ValidationFailed as error:
        add_errors(form, error, explain(form))
        return unsaved
    except EditConflict as conflict:
        current = Snapshot.of(conflict.stored, secrets)
        changes = _foreign_changes(snapshot, current, patch) if snapshot else []
        return Edit(make_form(None, conflict.stored, _entered_values(form)), current, changes)
    return Edit(form, snapshot, saved=saved, has_changes=bool(patch))


def _foreign_changes(before: Snapshot, after: Snapshot, patch: Mapping[str, Any]) -> list[ForeignChange]:
    patched_paths = _paths(patch)
    return [
        ForeignChange(path, _format(old), _format(new), any(_overlap(path, patched) for patched in patched_paths))
        for path, (old, new) in differences(before.members, after.members).items()
    ]


def _entered_values(form: forms.Form) -> dict[str, Any]:
    """The values that the operator changed in a valid form."""
    return {name: form.cleaned_data[name] for name in form.changed_data}


def _paths(patch: Mapping[str, Any], prefix: str = "") -> list[str]:
    paths: list[str] = []
    for key, value in patch.items():
        paths += _paths(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else [f"{prefix}{key}"]
    return paths


def _overlap(path: str, other_path: str) -> bool:
    """Whether one of the paths leads to the other's member or into it."""
    return f"{path}.".startswith(f"{other_path}.") or f"{other_path}.".startswith(f"{path}.")


def _format(value: Any) -> str:
    text = format_value(value)
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + " ..."
