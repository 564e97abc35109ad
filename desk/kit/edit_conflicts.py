"""Forms that know the document they were made from, so that an operator sees what others did to it meanwhile.

A form carries its document as it was then, signed and without secrets. When the stored one is another by the time
the form is sent, the operator is shown what changed meanwhile, and sends again what was typed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core import signing
from django.http import HttpRequest

from couch.client import Document
from crossbar.errors import ValidationFailed
from desk.audit import record as audit
from desk.kit.forms import take_errors
from desk.kit.schema_fields import sent
from storage import private_fields

Guard = Callable[[Document], None]
"""Looks at the stored document before each attempt to change it, and raises if it must not be changed."""
Make = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], forms.Form]
"""Makes a form: of what was sent or None, of the document that it shows, and of values that were typed over it."""
Merge = Callable[[Document, Guard], Document]
"""Merges a patch into the stored document, if the guard lets it, and returns the document as it is then."""

FIELD = "desk_base"
"""The name of the hidden field that holds what a form was made from."""
_SALT = "desk.form.base"
_LONGEST = 300


class ChangedMeanwhile(Exception):
    """A document isn't any more what the form was made from; `stored` is what it is now."""

    def __init__(self, stored: Document) -> None:
        super().__init__()
        self.stored = stored


@dataclass(frozen=True)
class Base:
    """What may be shown of a document, as it was when a form was made from it."""

    shown: Document

    @classmethod
    def of(cls, doc: Mapping[str, Any], secrets: frozenset[str]) -> "Base":
        """The base that a document is; members of these names stay out of it."""
        return cls({key: value for key, value in private_fields.without_private(doc).items() if key not in secrets})

    @classmethod
    def read(cls, sent: Mapping[str, Any]) -> "Base | None":
        """The base that a sent form carries; None when it carries none of ours, or from before the key changed."""
        try:
            return cls(signing.loads(str(sent.get(FIELD, "")), salt=_SALT))
        except signing.BadSignature:
            return None

    def guard(self, secrets: frozenset[str]) -> Guard:
        """Lets a document be changed that still looks like this; ChangedMeanwhile otherwise."""

        def look(stored: Document) -> None:
            if Base.of(stored, secrets) != self:
                raise ChangedMeanwhile(stored)

        return look

    def signed(self) -> str:
        """The base as the hidden field holds it."""
        return signing.dumps(self.shown, salt=_SALT, compress=True)


@dataclass(frozen=True)
class Change:
    """What somebody else did to a member meanwhile, and whether the operator means to change it as well."""

    path: str
    before: str
    after: str
    typed: bool


@dataclass(frozen=True)
class Edit:
    """A form over a document: to be shown (again), or done with."""

    form: forms.Form
    base: Base
    changes: Sequence[Change] | None = None
    """What others did meanwhile; None when nobody did anything."""
    changed: Document | None = None
    """The document as it is stored now; None until it could be."""
    has_changes: bool = False
    """Whether the operator changed anything."""

    def context(self) -> dict[str, Any]:
        """What the template ``desk/kit/edit_form.html`` takes."""
        return {"form": self.form, "base_field": FIELD, "base": self.base.signed(), "changes": self.changes}


def edit(request: HttpRequest, doc: Document, secrets: frozenset[str], make: Make, merge: Merge) -> Edit:
    """Show a document's form, or take what an operator sent and merge it, if nobody changed what it was made from.

    Of what nobody sees in a form (members named in `secrets`, private ones), changes don't matter. A form that was
    sent without a base of ours is never merged at once.
    """
    if request.method != "POST":
        return Edit(make(None, doc, {}), Base.of(doc, secrets))
    base = Base.read(request.POST)
    form = make(request.POST, base.shown if base else doc, {})
    failed = Edit(form, base or Base.of(doc, secrets))
    if not form.is_valid():
        return failed
    patch = sent(form)
    try:
        if base is None:
            raise ChangedMeanwhile(doc)
        guard = base.guard(secrets)
        guard(doc)
        changed = merge(patch, guard) if patch else doc
    except ValidationFailed as error:
        take_errors(form, error)
        return failed
    except ChangedMeanwhile as meanwhile:
        now = Base.of(meanwhile.stored, secrets)
        seen = changes_since(base, now, patch) if base else []
        return Edit(make(None, meanwhile.stored, typed_values(form)), now, seen)
    return Edit(form, base, changed=changed, has_changes=bool(patch))


def changes_since(base: Base, now: Base, typed: Mapping[str, Any]) -> list[Change]:
    """What became of the document since the form was made from it; `typed` is what the form would merge into it."""
    own = set(_paths(typed))
    return [
        Change(path, _short(before), _short(after), any(_overlap(path, one) for one in own))
        for path, (before, after) in audit.difference(base.shown, now.shown).items()
    ]


def typed_values(form: forms.Form) -> dict[str, Any]:
    """The values of the fields that the operator touched in a valid form, to fill a fresh one with."""
    return {name: form.cleaned_data[name] for name in form.changed_data}


def _paths(patch: Mapping[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for key, value in patch.items():
        found += _paths(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else [f"{prefix}{key}"]
    return found


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "—" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
