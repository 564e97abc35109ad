"""The two addresses of single sign-on: the way to the provider, and the way back."""

import logging
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from mozilla_django_oidc.utils import import_from_settings
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from operators import single_sign_on, trail
from operators.sign_in import go_on

logger = logging.getLogger(__name__)
_FACTOR = "single sign-on"


class _RequestView(OIDCAuthenticationRequestView):  # type: ignore[misc]  # it comes without types
    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        if attr == "OIDC_OP_AUTHORIZATION_ENDPOINT":
            return single_sign_on.discover()["authorization_endpoint"]
        return import_from_settings(attr, *args)


class _CallbackView(OIDCAuthenticationCallbackView):  # type: ignore[misc]  # it comes without types
    def login_success(self) -> HttpResponse:
        url = self.request.session.get("oidc_login_next") or resolve_url(settings.LOGIN_REDIRECT_URL)
        self.user.backend = single_sign_on.MODEL_BACKEND  # Django's own, which ends sessions of inactive operators
        is_second = self.request.session.pop(single_sign_on.SHOWED_SECOND_FACTOR, False)
        return go_on(self.request, self.user, _FACTOR, url, is_second=is_second)

    def login_failure(self) -> HttpResponse:
        reason = "the provider refused it" if "error" in self.request.GET else "no group or not active"
        name = self.request.session.pop(single_sign_on.STATED_NAME, "")
        return _refuse(self.request, reason, _("You may not use the desk. Ask who manages your groups."), name)


@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """Lead to the provider."""
    return _provider_answer(request, _RequestView)


@never_cache
def end(request: HttpRequest) -> HttpResponse:
    """Sign in whom the provider sends back, or say why not."""
    return _provider_answer(request, _CallbackView)


def _provider_answer(request: HttpRequest, view: Any) -> HttpResponse:
    if not settings.OIDC_ISSUER:
        raise Http404
    try:
        response: HttpResponse = view.as_view()(request)
    except single_sign_on.PROVIDER_ERRORS as error:
        logger.warning("single sign-on failed: %s: %s", type(error).__name__, error)
        return _refuse(request, type(error).__name__, _("Signing in there didn't work. Try again."))
    return response


def _refuse(request: HttpRequest, reason: str, text: str, name: str = "") -> HttpResponse:
    trail.record_refusal(request, name or _FACTOR, None, f"{_FACTOR}: {reason}", is_throttled=True)
    messages.error(request, text)
    return HttpResponseRedirect(reverse("admin:login"))
