"""The page that operators sign in at, throttled as the API's sign-ins are, and recorded in the audit log."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate, login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.auth import login_throttle
from accounts.auth.authentication import client_address
from accounts.auth.login_throttle import Attempt
from crossbar.errors import InvalidCredentials, TooManyRequests
from desk.operators import sessions, trail

PASSWORD = "password"  # noqa: S105 - the name of a factor


class SignInForm(AdminAuthenticationForm):
    """Django's form, which refuses an operator's name after too many wrong passwords."""

    retry_after = 0
    """Seconds to wait after too many wrong passwords; 0 if there weren't."""

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
            self._record_refusal(name, "wrong name or password")
            raise self.get_invalid_login_error() from None
        except TooManyRequests as error:
            self._record_refusal(name, "too many wrong passwords", is_throttled=True)
            self.retry_after = error.retry_after
            message = f"There were too many wrong passwords. Try again in {format_wait(error.retry_after)}."
            raise ValidationError(message, code="throttled") from None
        self.user_cache = user
        if not (user.is_active and user.is_staff):
            self._record_refusal(name, "not active or no staff")
        self.confirm_login_allowed(user)
        return self.cleaned_data

    def _record_refusal(self, name: str, reason: str, *, is_throttled: bool = False) -> None:
        assert self.request is not None
        user = User.objects.filter(username=name).first()
        trail.record_refusal(self.request, name, user, reason, is_throttled=is_throttled)


class SignInView(LoginView):
    """The page with the form. It says when to try again if there were too many wrong passwords."""

    template_name = "admin/login.html"
    authentication_form = SignInForm

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """What the frame of the desk's pages needs, and where to go on."""
        return {
            **admin.site.each_context(self.request),
            "title": "Log in",
            "subtitle": None,
            "app_path": self.request.get_full_path(),
            "username": self.request.user.get_username(),
            **super().get_context_data(**context),
        }

    def get_default_redirect_url(self) -> str:
        """The desk's first page."""
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the operator in."""
        sign_in(self.request, form.get_user(), PASSWORD)
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again, with 429 and when to come back if it was throttled."""
        response = super().form_invalid(form)
        if form.retry_after:
            response.status_code = 429
            response["Retry-After"] = str(form.retry_after)
        return response


def sign_in(request: HttpRequest, user: Any, factor: str, backend: str | None = None) -> None:
    """Begin a session of an operator who has shown all that is needed, and record it."""
    login(request, user, backend=backend)
    sessions.note_factor(request, factor)
    trail.record(request, trail.SIGNED_IN, user, factor=factor)


def format_wait(seconds: int) -> str:
    """Return how long to wait, and until which time."""
    minutes = -(-seconds // 60)
    time = timezone.now() + timedelta(minutes=minutes)
    return f"{'a minute' if minutes == 1 else f'{minutes} minutes'}, at {time:%H:%M} (UTC)"
