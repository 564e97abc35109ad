"""The field for the accounts that an operator or group is limited to: a checkbox for each, an input for another."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from couch.errors import CouchError
from crossbar.errors import ApiError
from desk.accounts.choice_field import account_input, find_account
from desk.kit.errors import describe_error
from desk.scope import EVERYTHING, Scope, fetch_names


class LimitInput(forms.Widget):
    """Checkboxes of the accounts by their names, and a text input with suggestions."""

    template_name = "operators/limit_input.html"
    scope: Scope = EVERYTHING
    """The accounts whose names may be shown."""

    @property
    def media(self) -> forms.Media:
        """What the text input needs."""
        return account_input().media

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Return what the template shows."""
        texts = [text for text in value or [] if text]
        names = fetch_names(filter(self._may_be_named, texts))
        context: dict[str, Any] = super().get_context(name, None, attrs)
        context["chosen"] = [(text, names.get(text, text)) for text in texts]
        context["further"] = account_input().get_context(name, "", attrs or {})["widget"]
        return context

    def _may_be_named(self, account_id: str) -> bool:
        try:
            return self.scope.covers(account_id)
        except CouchError:
            return False

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str] | None:
        """Return what is checked and entered; None if the form didn't have the field, which must not lift a limit."""
        if name not in data:
            return None
        values = data.getlist(name) if isinstance(data, MultiValueDict) else data[name]
        return list(dict.fromkeys(text.strip() for text in values if text.strip()))

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """Whether the form didn't have the field."""
        return name not in data

    def id_for_label(self, id_: str) -> str:
        """Return the id of the text input."""
        return id_


class LimitField(forms.Field):
    """Ids of accounts, which may be entered as realms or names. Those that are stored may stay, whatever they are."""

    widget = LimitInput

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=_("Accounts"),
            required=False,
            help_text=_(
                "Only these accounts and all accounts below them can be seen and worked on. Enter a name, a realm or "
                "an id; “Save and continue editing” makes room for another. Without any, everything can be seen."
            ),
            **options,
        )
        self.stored: frozenset[str] = frozenset()
        """The accounts of the limit as it is."""

    def prepare(self, stored: frozenset[str], scope: Scope) -> None:
        """Take the accounts of the limit as it is, and the scope of who fills in the form."""
        self.stored = stored
        self.widget.scope = scope

    def clean(self, value: Any) -> list[str]:
        """Find the accounts; ValidationError."""
        if value is None:
            return sorted(self.stored)
        ids, errors = set(), []
        for text in value:
            try:
                ids.add(text if text in self.stored else find_account(self.widget.scope, text))
            except ValidationError as error:
                errors.append(f"“{text[:100]}”: {' '.join(error.messages)}")
            except (ApiError, CouchError) as error:
                errors.append(describe_error(error))
        if errors:
            raise ValidationError(errors)
        return sorted(ids)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other accounts were chosen."""
        return data is not None and set(initial or ()) != set(data)
