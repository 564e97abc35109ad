"""Fields that check what operators type: numbers that can be dialled, PINs, e-mail addresses.

The API takes what Kazoo takes. Here a slip is an error at its field, entry by entry. What is stored already may stay.
"""

import re
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from desk.kit.schema_fields import LinesField, TextField

_NUMBER = re.compile(r"\+?[0-9*#]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_SEPARATORS = re.compile(r"[,;\s]+")

Check = Callable[[str], None]


def check_number(text: str) -> None:
    """Raise ValidationError for a number that can't be dialled."""
    if not _NUMBER.fullmatch(text):
        raise ValidationError(
            _("“%(text)s” can't be dialled: use the digits 0 to 9, * and # only.") % {"text": text[:60]}
        )


def check_pin(text: str) -> None:
    """Raise ValidationError for a PIN that can't be dialled."""
    if not _DIGITS.fullmatch(text):
        raise ValidationError(_("A PIN consists of the digits 0 to 9 only."))


def check_email(text: str) -> None:
    """Raise ValidationError for a text that isn't an e-mail address."""
    try:
        validate_email(text)
    except ValidationError:
        raise ValidationError(_("“%(text)s” is not an e-mail address.") % {"text": text[:100]}) from None


class CheckedTextField(TextField):
    """A text that is checked."""

    def __init__(self, check: Check, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(check)


class CheckedLinesField(LinesField):
    """A list of texts that are checked one by one; those in `stored` may stay as they are."""

    def __init__(self, check: Check, **options: Any) -> None:
        help_text = " ".join(filter(None, (options.pop("help_text", ""), _("One per line."))))
        super().__init__(help_text=help_text, **options)
        self._check = check
        self.stored: frozenset[str] = frozenset()

    def clean(self, value: Any) -> list[str]:
        """The entries; a ValidationError names all faulty ones."""
        entries: list[str] = super().clean(value)
        errors = []
        for entry in entries:
            try:
                if entry not in self.stored:
                    self._check(entry)
            except ValidationError as error:
                errors.append(error)
        if errors:
            raise ValidationError(errors)
        return entries


class EmailsField(CheckedLinesField):
    """E-mail addresses, one per line or with commas or blanks between them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(check_email, **options)

    def to_python(self, value: Any) -> Any:
        """Read the addresses as a list."""
        return [address for line in super().to_python(value) for address in _SEPARATORS.split(line) if address]
