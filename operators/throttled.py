"""Checks of an operator's password or code, throttled as sign-ins are."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext

from accounts.auth import login_throttle
from accounts.auth.authentication import client_address
from accounts.auth.login_throttle import Attempt
from crossbar.errors import InvalidCredentials, TooManyRequests
from operators import second_factor, trail

_WRONG = {"password": gettext_lazy("This password is wrong."), "code": gettext_lazy("This code is wrong.")}
_TOO_MANY = {
    "password": gettext_lazy("There were too many wrong passwords. Try again in %(wait)s."),
    "code": gettext_lazy("There were too many wrong codes. Try again in %(wait)s."),
}


def check_password(request: HttpRequest, password: str) -> None:
    """Raise ValidationError unless it is the password of the operator who is signed in."""
    user = request.user

    def check(names: Sequence[str]) -> tuple[str, bool] | None:
        return (names[0], True) if user.check_password(password) else None

    _try(request, user, Attempt("operator", [_username(user)], client_address(request), password), check, "password")


def check_code(request: HttpRequest, user: Any, code: str) -> str:
    """Return what an operator's code is of, an app or a recovery code; raises ValidationError if it is wrong."""

    def check(names: Sequence[str]) -> tuple[str, str] | None:
        factor = second_factor.use_code(user, code)
        return None if factor is None else (names[0], factor)

    attempt = Attempt("second factor", [_username(user)], client_address(request), code)
    return str(_try(request, user, attempt, check, "code"))


def format_wait(seconds: int) -> str:
    """Return how long to wait, and until which time."""
    minutes = -(-seconds // 60)
    time = timezone.now() + timedelta(minutes=minutes)
    text = ngettext("a minute, at %(time)s (UTC)", "%(minutes)s minutes, at %(time)s (UTC)", minutes)
    return text % {"minutes": minutes, "time": f"{time:%H:%M}"}


def _try(request: HttpRequest, user: Any, attempt: Attempt, check: Any, kind: str) -> Any:
    try:
        return login_throttle.sign_in(attempt, check)
    except InvalidCredentials:
        trail.record_refusal(request, user.get_username(), user, f"wrong {kind}")
        raise ValidationError(_WRONG[kind], code="wrong") from None
    except TooManyRequests as error:
        trail.record_refusal(request, user.get_username(), user, f"too many wrong {kind}s", is_throttled=True)
        message = _TOO_MANY[kind] % {"wait": format_wait(error.retry_after)}
        raise ValidationError(message, code="throttled", params={"retry_after": error.retry_after}) from None


def _username(user: Any) -> str:
    return str(user.get_username()).lower()
