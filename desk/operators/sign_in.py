"""The form that operators sign in with, throttled as the API's sign-ins are."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from accounts.auth import login_throttle
from accounts.auth.authentication import client_address
from accounts.auth.login_throttle import Attempt
from crossbar.errors import InvalidCredentials, TooManyRequests


class SignInForm(AdminAuthenticationForm):
    """Django's form, which refuses an operator's name after too many wrong passwords."""

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Authenticate the operator; raises ValidationError."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name is None or not password or self.request is None:
            return self.cleaned_data

        def check(names: Sequence[str]) -> tuple[str, Any] | None:
            user = authenticate(self.request, username=name, password=password)
            return None if user is None else (names[0], user)

        attempt = Attempt("operator", [name.lower()], client_address(self.request), password)
        try:
            user: User = login_throttle.sign_in(attempt, check)
        except InvalidCredentials:
            raise self.get_invalid_login_error() from None
        except TooManyRequests as error:
            message = f"There were too many wrong passwords. Try again in {_format_wait(error.retry_after)}."
            raise ValidationError(message, code="throttled") from None
        self.user_cache = user
        self.confirm_login_allowed(user)
        return self.cleaned_data


def _format_wait(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
