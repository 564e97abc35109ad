"""The pages that list an operator's sessions, and what pages' scripts ask about the present one."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from desk.kit.pages import Crumb
from operators import sessions, trail


@admin.site.admin_view
def show_own(request: HttpRequest) -> HttpResponse:
    """List the operator's own sessions, and end some of them."""
    return _show(request, request.user, _("Your sessions"), [], reverse("operator_sessions"))


@admin.site.admin_view
def show_colleagues(request: HttpRequest, user_id: int) -> HttpResponse:
    """List the sessions of another operator, for superusers."""
    if not request.user.is_superuser:
        raise PermissionDenied
    user = get_object_or_404(User, pk=user_id)
    crumbs: list[Crumb] = [
        (_("Users"), reverse("admin:auth_user_changelist")),
        (str(user), reverse("admin:auth_user_change", args=[user_id])),
    ]
    return _show(
        request,
        user,
        _("Sessions of %(user)s") % {"user": user},
        crumbs,
        reverse("colleague_sessions", args=[user_id]),
    )


@never_cache
def state(request: HttpRequest) -> HttpResponse:
    """Tell a page's script for how many seconds its session goes on, and the token for its forms.

    A POST counts as a use of the session, which a script's GET is not.
    """
    session = sessions.current(request) if request.user.is_authenticated else None
    if session is None:
        return JsonResponse({"seconds": 0})
    if request.method == "POST":
        sessions.touch(request, session)
    return JsonResponse({"seconds": int(sessions.seconds_left(session)), "token": get_token(request)})


def _show(request: HttpRequest, user: Any, title: str, crumbs: list[Crumb], url: str) -> HttpResponse:
    present = sessions.current(request)
    present_id = present.pk if present else None
    own_sessions = sessions.list_of(user)
    if request.method == "POST":
        ended = request.POST.get("end", "")
        ending = [row for row in own_sessions if row.pk != present_id and ended in ("all", str(row.pk))]
        count = sessions.end_sessions(ending)
        for row in ending:
            browser = sessions.describe_browser(row.browser)
            trail.record_trail(request, trail.ENDED, user, by=request.user, session=f"{browser}, {row.address}")
        text = ngettext("Ended %(count)s session.", "Ended %(count)s sessions.", count)
        messages.success(request, text % {"count": count})
        return HttpResponseRedirect(url)
    context = {
        **admin.site.each_context(request),
        "title": title,
        "crumbs": [(_("Home"), reverse("admin:index")), *crumbs, (title, None)],
        "rows": [(row, sessions.describe_browser(row.browser), row.pk == present_id) for row in own_sessions],
        "can_end_all": any(row.pk != present_id for row in own_sessions),
        "has_present": any(row.pk == present_id for row in own_sessions),
    }
    return TemplateResponse(request, "operators/sessions.html", context)
