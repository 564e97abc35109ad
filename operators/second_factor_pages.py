"""The pages about second factors: an operator sets one up or turns it off, and a superuser resets a colleague's."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from desk.kit.pages import Crumb
from operators import second_factor, sessions, trail
from operators.throttled import check_code, check_password

_CODE_INPUT = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True})


class _SetUpForm(forms.Form):
    """Asks for the password, so that whoever finds an unattended screen adds no app of their own, and for a code."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
    )
    code = forms.CharField(label=gettext_lazy("Code in the app"), max_length=20, widget=_CODE_INPUT)

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self._request = request
        self.recovery_codes: list[str] = []
        if not cast(User, request.user).has_usable_password():
            del self.fields["password"]

    def clean_password(self) -> str:
        """Check the password; raises ValidationError."""
        check_password(self._request, self.cleaned_data["password"])
        return ""

    def clean(self) -> dict[str, Any]:
        """Confirm the app if the code is right; raises ValidationError."""
        data = self.cleaned_data
        if not self.errors:
            codes = second_factor.confirm(self._request.user, data["code"])
            if codes is None:
                self.add_error("code", _("This code is wrong. Is the clock of your telephone right?"))
            self.recovery_codes = codes or []
        return data


class _CodeForm(forms.Form):
    """Asks for a code before anything is changed."""

    code = forms.CharField(
        label=gettext_lazy("Code"), max_length=30, help_text=gettext_lazy("Of your app, or a recovery code.")
    )

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self._request = request

    def clean_code(self) -> str:
        """Check the code; raises ValidationError."""
        check_code(self._request, self._request.user, self.cleaned_data["code"])
        return ""


@admin.site.admin_view
@sensitive_post_parameters()
@never_cache
def manage(request: HttpRequest) -> HttpResponse:
    """Set the operator's second factor up; renew its recovery codes, or turn it off."""
    return _change_factor(request) if second_factor.is_set_up(request.user) else _set_up(request)


@admin.site.admin_view
def reset(request: HttpRequest, user_id: int) -> HttpResponse:
    """Turn the second factor of another operator off, who lost it; for superusers."""
    if not request.user.is_superuser:
        raise PermissionDenied
    user = get_object_or_404(User, pk=user_id)
    url = reverse("admin:auth_user_change", args=[user_id])
    if request.method == "POST":
        second_factor.turn_off(user)
        trail.record_trail(request, trail.RESET, user, by=request.user)
        messages.success(request, _("%(user)s has no second factor any more.") % {"user": user})
        return HttpResponseRedirect(url)
    question = _("Do you want %(user)s to sign in with the password alone, until a new second factor is set up?") % {
        "user": user
    }
    crumbs: list[Crumb] = [(_("Users"), reverse("admin:auth_user_changelist")), (str(user), url)]
    context: dict[str, Any] = {"question": question, "submit": _("Reset it"), "cancel_url": url, "is_dangerous": True}
    return _render_page(
        request, "desk/kit/confirm.html", _("Reset the second factor of %(user)s") % {"user": user}, crumbs, **context
    )


def _set_up(request: HttpRequest) -> HttpResponse:
    form = _SetUpForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        sessions.note_second_factor(request)
        trail.record_trail(request, trail.SET_UP, request.user)
        return _show_codes(request, form.recovery_codes)
    device = second_factor.new_app(request.user)
    return _render_page(
        request,
        "operators/set_up.html",
        _("Second factor"),
        form=form,
        secret=second_factor.secret_of(device),
        qr_code=mark_safe(second_factor.qr_code_of(device)),  # noqa: S308 - made by segno
        is_required=second_factor.is_required(request.user),
    )


def _change_factor(request: HttpRequest) -> HttpResponse:
    form = _CodeForm(request, request.POST or None)
    is_required = second_factor.is_required(request.user)
    if request.method == "POST" and form.is_valid():
        if "renew" in request.POST:
            trail.record_trail(request, trail.RENEWED_CODES, request.user)
            return _show_codes(request, second_factor.renew_recovery_codes(request.user))
        if not is_required:
            second_factor.turn_off(request.user)
            trail.record_trail(request, trail.TURNED_OFF, request.user)
            messages.success(request, _("You sign in with your password alone from now on."))
        return HttpResponseRedirect(reverse("second_factor"))
    count = second_factor.count_recovery_codes(request.user)
    context: dict[str, Any] = {"form": form, "count": count, "is_required": is_required}
    return _render_page(request, "operators/second_factor.html", _("Second factor"), **context)


def _show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """Show recovery codes, in the answer to the form: they are stored nowhere that another page could read them."""
    return _render_page(request, "operators/recovery_codes.html", _("Recovery codes"), codes=codes)


def _render_page(
    request: HttpRequest, template: str, title: str, crumbs: list[Crumb] | None = None, **context: Any
) -> HttpResponse:
    full_context = {
        **admin.site.each_context(request),
        "title": title,
        "crumbs": [(_("Home"), reverse("admin:index")), *(crumbs or []), (title, None)],
        **context,
    }
    return TemplateResponse(request, template, full_context)
