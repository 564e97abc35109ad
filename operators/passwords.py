"""Rules of operators' passwords beyond Django's own."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class NewPasswordValidator:
    """Refuses the password that the operator has at present."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError if it is the operator's present password."""
        if user is not None and user.pk and user.check_password(password):
            raise ValidationError(_("This is the present password. Choose another one."), code="password_unchanged")

    def get_help_text(self) -> str:
        """Tell the rule in a list of all rules."""
        return _("Your password must not be your present one.")
