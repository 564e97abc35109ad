"""The page that operators sign in at, throttled as the API's sign-ins are, and recorded in the audit log."""

import time
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate, login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.generic import FormView

from accounts.auth import login_throttle
from accounts.auth.authentication import client_address
from accounts.auth.login_throttle import Attempt
from crossbar.errors import InvalidCredentials, TooManyRequests
from operators import second_factor, sessions, trail
from operators.throttled import check_code, format_wait

PASSWORD = "password"  # noqa: S105 - the name of a factor
_PENDING = "second_factor"
"""What a session keeps of who has shown the first factor only."""
_PENDING_SECONDS = 300


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
            message = _("There were too many wrong passwords. Try again in %(wait)s.") % {
                "wait": format_wait(error.retry_after)
            }
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
            "title": _("Log in"),
            "subtitle": None,
            "app_path": self.request.get_full_path(),
            "username": self.request.user.get_username(),
            **super().get_context_data(**context),
        }

    def get_default_redirect_url(self) -> str:
        """The desk's first page."""
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the operator in, or ask for the second factor."""
        return go_on(self.request, form.get_user(), PASSWORD, self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again, with 429 and when to come back if it was throttled."""
        return _throttled_response(super().form_invalid(form), form)


class _CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=30,
        help_text=gettext_lazy("The code that your authenticator app shows now, or a recovery code."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )

    def __init__(self, *args: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request, self._user = request, user
        self.retry_after = 0
        self.factor = ""

    def clean_code(self) -> str:
        """Check the code; raises ValidationError."""
        try:
            self.factor = check_code(self._request, self._user, self.cleaned_data["code"])
        except ValidationError as error:
            self.retry_after = int((error.params or {}).get("retry_after", 0))
            raise
        return ""


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class SecondFactorView(FormView):  # type: ignore[type-arg]  # not generic when it runs
    """The page that asks for the second factor, of whom has shown the first one a few minutes ago."""

    template_name = "operators/sign_in_code.html"
    form_class = _CodeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Lead back to the first page if the first factor is missing."""
        self._pending = request.session.get(_PENDING) or {}
        is_recent = time.time() - self._pending.get("at", 0) < _PENDING_SECONDS
        self._user = User.objects.filter(pk=self._pending.get("user", 0), is_active=True, is_staff=True).first()
        if self._user is None or not is_recent or self._pending["tag"] != _tag_of(self._user):
            return HttpResponseRedirect(reverse("admin:login"))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        """What the form takes to check a code."""
        return {**super().get_form_kwargs(), "request": self.request, "user": self._user}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """What the frame of the desk's pages needs."""
        frame = {**admin.site.each_context(self.request), "title": _("Second factor"), "subtitle": None}
        return {**frame, **super().get_context_data(**context)}

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the operator in."""
        factor = f"{self._pending['factor']} and {form.factor}"
        sign_in(self.request, self._user, factor, is_second=True, backend=self._pending["backend"])
        return HttpResponseRedirect(self._pending["next"])

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again, with 429 and when to come back if it was throttled."""
        return _throttled_response(super().form_invalid(form), form)


def go_on(request: HttpRequest, user: Any, factor: str, url: str, *, is_second: bool = False) -> HttpResponse:
    """Sign an operator in who has shown a factor, or lead to the page that asks for the second one.

    `is_second` says that the factor is as good as two: a provider's, say, who asked for a code.
    """
    if is_second or not second_factor.is_set_up(user):
        sign_in(request, user, factor, is_second=is_second, backend=user.backend)
        return HttpResponseRedirect(url)
    request.session.flush()
    request.session[_PENDING] = {
        "user": user.pk,
        "backend": user.backend,
        "factor": factor,
        "next": url,
        "at": time.time(),
        "tag": _tag_of(user),
    }
    return HttpResponseRedirect(reverse("second_factor_sign_in"))


def sign_in(request: HttpRequest, user: Any, factor: str, *, is_second: bool, backend: str) -> None:
    """Begin a session of an operator who has shown all that is needed, and record it."""
    request.session.pop(_PENDING, None)
    login(request, user, backend=backend)
    sessions.note_factor(request, factor, is_second=is_second)
    trail.record_trail(request, trail.SIGNED_IN, user, factor=factor)


def _tag_of(user: Any) -> str:
    """Return what changes with an operator's password."""
    return str(user.get_session_auth_hash())


def _throttled_response(response: HttpResponse, form: Any) -> HttpResponse:
    if form.retry_after:
        response.status_code = 429
        response["Retry-After"] = str(form.retry_after)
    return response
