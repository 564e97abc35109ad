"""The language of the desk's pages: the one that an operator chose, else the browser's, else English.

The choice is kept for the operator, and in a cookie for pages without one, such as that to sign in. Django's session
holds it for the time in between, so that no page has to look for it.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST
from django.views.i18n import JavaScriptCatalog

from desk.kit.pages import own_url
from desk.models import LanguagePreference

_CHOICE = "language"
"""The member of a session."""
_COOKIE_SECONDS = 365 * 86_400
_SCRIPT_SECONDS = 3600


class PageLanguage:
    """Answers in the language of the request, and no later request in the same thread: the API is in English."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request; pages say which language they are in."""
        language = chosen_language(request) or translation.get_language_from_request(request)
        with translation.override(language):
            response = self._get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Language", language)
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


def chosen_language(request: HttpRequest) -> str:
    """Return the language that an operator chose; empty if it is the browser's."""
    language = request.session.get(_CHOICE) or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return language if language in dict(settings.LANGUAGES) else ""


def load_choice(request: HttpRequest, user: Any) -> None:
    """Note in a new session which language its operator chose in an earlier one."""
    preferences = LanguagePreference.objects.filter(operator_id=user.pk).first()
    if preferences is not None and preferences.language:
        request.session[_CHOICE] = preferences.language


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the language that an operator chose, and return to the page. An empty one stands for the browser's."""
    language = request.POST.get("language", "")
    if language and language not in dict(settings.LANGUAGES):
        raise BadRequest("There is no such language.")
    response = HttpResponseRedirect(own_url(request.GET.get("next", ""), reverse("admin:index")))
    if request.user.is_authenticated:
        LanguagePreference.objects.update_or_create(operator_id=request.user.pk, defaults={"language": language})
        request.session[_CHOICE] = language
    if language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=_COOKIE_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return response


@method_decorator(cache_control(max_age=_SCRIPT_SECONDS, public=True), name="dispatch")
class ScriptTexts(JavaScriptCatalog):
    """The texts of the desk's scripts in a language, as a script that they call for them."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the script."""
        language = kwargs.pop("language")
        if language not in dict(settings.LANGUAGES):
            raise Http404
        with translation.override(language):
            return super().get(request, *args, **kwargs)

    def get_paths(self, packages: list[str]) -> list[str]:
        """Return where the catalogues are: the desk's own, as the admin's scripts have theirs."""
        return [str(path) for path in settings.LOCALE_PATHS]
