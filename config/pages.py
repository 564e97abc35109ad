"""Pages that belong to no room: the front page, and what people see in place of an error envelope.

Browsers get pages: below ``/admin/``, and wherever their Accept header names HTML. Clients get the API's envelope.
"""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
)
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt

from crossbar.errors import ApiError, FaultyRequest, Forbidden, NotFound, UnspecifiedFault
from crossbar.exception_handler import error_response
from crossbar.middleware import is_api_path
from crossbar.negotiation import names_html
from operators.sign_in import SignInView

_ICON = "desk/icon.svg"


@csrf_exempt  # there is no form: whoever posts gets the 404 of unknown paths
def front_page(request: HttpRequest) -> HttpResponseBase:
    """Say what this is and where to go; clients get the 404 that every unknown path has."""
    is_browser = request.method in ("GET", "HEAD") and names_html(request)
    response = render(request, "front_page.html") if is_browser else error_response(NotFound(), request)
    patch_vary_headers(response, ["Accept"])
    return response


def icon(request: HttpRequest) -> HttpResponseBase:
    """Lead browsers to the icon, for what names none: audio or a document in a tab of its own."""
    return HttpResponseRedirect(static(_ICON))


def sign_in(request: HttpRequest) -> HttpResponseBase:
    """The desk's page to sign in, which sends operators who are signed in already to where they were going."""
    if request.method == "GET" and admin.site.has_permission(request):
        url = request.GET.get(REDIRECT_FIELD_NAME, "")
        is_safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
        return HttpResponseRedirect(url if is_safe else resolve_url(settings.LOGIN_REDIRECT_URL))
    return SignInView.as_view()(request)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Answer a path that leads nowhere; one of the desk that lacks only its last slash leads there."""
    if _is_of_desk(request) and _has_page(f"{request.path_info}/"):
        query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
        return HttpResponsePermanentRedirect(f"{request.path}/{query}")
    return _answer(request, NotFound(), "errors/404.html", 404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Answer an operator who lacks a permission."""
    return _answer(request, Forbidden(), "errors/403.html", 403)


def forged(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer a form that didn't come from one of the desk's pages, or from one that is too old."""
    return _answer(request, Forbidden(), "errors/forged_form.html", 403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Answer a request that can't be read."""
    return _answer(request, FaultyRequest("bad request"), "errors/400.html", 400)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer a request that failed: nothing is looked up for this page, as anything may be what failed."""
    if not _wants_page(request):
        return error_response(UnspecifiedFault(), request)
    context = {"request_id": getattr(request, "request_id", "")}
    return HttpResponse(render_to_string("errors/500.html", context), status=500)


def _answer(request: HttpRequest, error: ApiError, template: str, status: int) -> HttpResponseBase:
    if _wants_page(request):
        return render(request, template, status=status)
    return error_response(error, request)


def _wants_page(request: HttpRequest) -> bool:
    return not is_api_path(request.path_info) and (_is_of_desk(request) or names_html(request))


def _is_of_desk(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index"))


def _has_page(path_info: str) -> bool:
    """Whether a path is that of a page. The desk takes all other paths below its own, under no name."""
    try:
        return resolve(path_info).url_name is not None
    except Resolver404:
        return False
