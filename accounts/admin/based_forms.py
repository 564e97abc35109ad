"""Forms that know the document they were made from, so that an operator sees what others did to it meanwhile.

A form carries its document as it was then, signed and without secrets. When the stored one is another by the time
the form is sent, the operator is shown what changed meanwhile, and sends again what was typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core import signing

from accounts import private
from accounts.admin import audit
from accounts.couch import Document

FIELD = "desk_base"
"""The name of the hidden field that holds what a form was made from."""
_SALT = "desk.form.base"
_LONGEST = 300


@dataclass(frozen=True)
class Base:
    """What may be shown of a document, as it was when a form was made from it."""

    shown: Document

    @classmethod
    def of(cls, doc: Mapping[str, Any], secrets: frozenset[str]) -> "Base":
        """The base that a document is; members of these names stay out of it."""
        return cls({key: value for key, value in private.without_private(doc).items() if key not in secrets})

    @classmethod
    def read(cls, sent: Mapping[str, Any]) -> "Base | None":
        """The base that a sent form carries; None when it carries none of ours, or from before the key changed."""
        try:
            return cls(signing.loads(str(sent.get(FIELD, "")), salt=_SALT))
        except signing.BadSignature:
            return None

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
