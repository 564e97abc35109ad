"""The base class of the desk's pages: permissions, errors, and the frame around what a page shows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from accounts.api.exception_handler import api_error
from couch.errors import CouchError
from crossbar.connection import connection_of
from crossbar.errors import ApiError, BadIdentifier
from desk.audit import log
from desk.kit import export, list_settings, times
from desk.kit.edit_conflicts import Edit
from desk.kit.errors import describe_error
from desk.kit.export import MakeTable
from desk.kit.forms import Fieldsets, admin_form
from desk.kit.list_options import ListOptions
from desk.kit.tables import choose_columns
from desk.scope import scope_of
from storage.private_fields import Actor

Page = Callable[..., HttpResponseBase]
View = TypeVar("View", bound=Page)
Crumb = tuple[str, str | None]
"""A text and its link; None for the page that is shown."""
_AUDIT_KINDS = {"accountuser": "user", "migrationrun": "account"}
"""What the audit log calls the documents of models that have another name."""


@dataclass(frozen=True)
class Route:
    """A page: its path below that of its kind of document, its name, and the permission that it needs."""

    path: str
    name: str
    page: Page
    permission: str
    """The permission's codename, after an app's label and a dot if it is not of the model's app."""
    account_of: Callable[..., str | None] | None = None
    """Returns the account that the ids in the path are of, if ``account_id`` isn't one of them; None if there is
    none. Scope asks it. A page that is about several accounts has none, and asks `scope_of` itself."""


class DocumentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """The pages for one kind of document. Subclasses list them in `routes`; one has to be named ``changelist``."""

    def routes(self) -> Iterable[Route]:
        """The pages."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """The URLs of the pages, named as Django's admin names its own: ``admin:desk_account_changelist``."""
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        return [path(route.path, self._view(route), name=f"{prefix}_{route.name}") for route in self.routes()]

    def _view(self, route: Route) -> Callable[..., HttpResponseBase]:
        def view(request: HttpRequest, **ids: Any) -> HttpResponseBase:
            self.require_permission(request, route.permission)
            if connection := connection_of(request.META):
                connection.mark_as_known()
            try:
                _require_in_scope(request, route, ids)
                with times.page_zone(request, ids):
                    response = route.page(request, **ids)
                    # Here, and not by Django afterwards: times are written while the page is rendered.
                    return response.render() if isinstance(response, TemplateResponse) else response
            except (ApiError, CouchError) as error:
                return self.render_error(request, api_error(error))

        return self.admin_site.admin_view(wraps(route.page)(view))

    # --- permissions ---

    def has_permission(self, request: HttpRequest, permission: str) -> bool:
        """Whether the operator has a permission, named as in `Route`."""
        name = permission if "." in permission else f"{self.opts.app_label}.{permission}"
        return bool(request.user.has_perm(name))

    def permissions(self, request: HttpRequest, *codenames: str) -> dict[str, bool]:
        """Which of some permissions the operator has, for a template."""
        return {codename: self.has_permission(request, codename) for codename in codenames}

    def require_permission(self, request: HttpRequest, permission: str) -> None:
        """Raise PermissionDenied unless the operator has a permission."""
        if not self.has_permission(request, permission):
            raise PermissionDenied

    def tools(self, request: HttpRequest, *links: tuple[str, str, str]) -> list[tuple[str, str]]:
        """Text and URL of the links above a list that the operator may follow; each comes with its permission."""
        return [(text, url) for permission, text, url in links if self.has_permission(request, permission)]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the pages in the index to those who may view the documents."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may view these documents."""
        return self.has_permission(request, f"view_{self.opts.model_name}")

    # --- rendering ---

    def render(
        self, request: HttpRequest, template: str, title: str, crumbs: Iterable[Crumb], **context: Any
    ) -> TemplateResponse:
        """Render a template within the admin's frame, with a title and breadcrumbs."""
        full_context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "crumbs": [(_("Home"), reverse("admin:index")), *crumbs],
            "time_zone": times.zone_label(),
            "has_time_switch": times.is_customers_page(request),
            "prefers_customers_zone": times.prefers_customers(int(request.user.pk or 0)),
            **context,
        }
        return TemplateResponse(request, template, full_context)

    def render_list(
        self,
        request: HttpRequest,
        name: str,
        title: str,
        crumbs: Iterable[Crumb],
        make_table: MakeTable,
        *,
        account_id: str = "",
        template: str = "desk/kit/list.html",
        **context: Any,
    ) -> HttpResponseBase:
        """Render the page of a list that the query asks for, or send the whole list as a file.

        `make_table` makes the table of a request. `name` is the list's, in files and for the operator's settings.
        """
        settings = list_settings.load(request, name)
        if request.method == "GET" and request.GET.get(export.PARAMETER):
            response = export.export_response(request, name, make_table)
            kind = _AUDIT_KINDS.get(str(self.opts.model_name), str(self.opts.model_name))
            log.record(request, "exported a list of", log.Subject(kind, account_id, account_id or name, str(title)))
            return response
        table = make_table(request)
        return self.render(
            request,
            template,
            title,
            crumbs,
            table=choose_columns(table, settings.hidden),
            options=ListOptions.of(request, table, settings),
            **context,
        )

    def render_form(
        self,
        request: HttpRequest,
        form: forms.Form,
        title: str,
        crumbs: Iterable[Crumb],
        *,
        cancel_url: str,
        fieldsets: Fieldsets | None = None,
        template: str = "desk/kit/form.html",
        **context: Any,
    ) -> TemplateResponse:
        """Render a form in the layout of Django's admin."""
        context |= {"form": form, "adminform": admin_form(form, fieldsets), "cancel_url": cancel_url}
        return self.render(request, template, title, crumbs, **context)

    def render_edit(
        self,
        request: HttpRequest,
        edit: Edit,
        title: str,
        crumbs: Iterable[Crumb],
        *,
        cancel_url: str,
        fieldsets: Fieldsets | None = None,
    ) -> TemplateResponse:
        """Render the form of an edit, with the changes that somebody else made in the meantime."""
        return self.render_form(
            request,
            edit.form,
            title,
            crumbs,
            cancel_url=cancel_url,
            fieldsets=fieldsets,
            template="desk/kit/edit_form.html",
            **edit.context(),
        )

    def render_confirmation(
        self,
        request: HttpRequest,
        title: str,
        crumbs: Iterable[Crumb],
        *,
        question: str,
        submit: str,
        cancel_url: str,
        is_dangerous: bool = False,
        hidden_fields: Iterable[tuple[str, str]] = (),
    ) -> TemplateResponse:
        """Render a page that asks whether to do something; its form is sent to the same URL."""
        return self.render(
            request,
            "desk/kit/confirm.html",
            title,
            crumbs,
            question=question,
            submit=submit,
            cancel_url=cancel_url,
            is_dangerous=is_dangerous,
            hidden_fields=hidden_fields,
        )

    def render_error(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        """Answer with what went wrong and what to do, for an error that a page did not expect."""
        return _render_error(self.admin_site, request, error)


def explain_errors(view: View) -> View:
    """A page of Django's own admin that says what went wrong, as those of documents do."""

    @wraps(view)
    def explained(model_admin: Any, request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        try:
            return view(model_admin, request, *args, **options)
        except (ApiError, CouchError) as error:
            return _render_error(model_admin.admin_site, request, api_error(error))

    return cast(View, explained)


def _render_error(site: admin.AdminSite, request: HttpRequest, error: ApiError) -> HttpResponse:
    if isinstance(error, BadIdentifier):
        messages.warning(request, _("This doesn't exist. It may have been removed in the meantime."))
        return HttpResponseRedirect(reverse("admin:index"))
    context = {
        **site.each_context(request),
        "title": _("This didn't work"),
        "explanation": describe_error(error),
        "can_repeat": error.status_code == 503 and request.method == "POST" and not request.FILES,
        "can_reload": request.method == "POST" or error.status_code in (409, 429) or error.status_code >= 500,
        "has_files": bool(request.FILES),
        "fields": _sent_fields(request),
    }
    return TemplateResponse(request, "desk/kit/error.html", context, status=error.status_code)


def _require_in_scope(request: HttpRequest, route: Route, ids: dict[str, Any]) -> None:
    """Raise BadIdentifier, as for an account that doesn't exist, for one that the operator may not see.

    Accounts are named in the path, in the query, or by `Route.account_of`, whose unknown ids are answered with 404.
    """
    scope = scope_of(request.user)
    if scope.is_everything:
        return
    account_ids = [str(ids.get("account_id", "")), *request.GET.getlist("account"), *request.GET.getlist("below")]
    for account_id in filter(None, account_ids):
        if not scope.covers(account_id):
            raise BadIdentifier(account_id)
    owner_id = route.account_of(**ids) if route.account_of is not None else None
    if owner_id is not None and not scope.covers(owner_id):
        raise Http404


def next_url(request: HttpRequest, default: str) -> str:
    """The page of the desk that a submitted form wants to return to (its field ``next``), or else the default."""
    return own_url(request.POST.get("next", ""), default)


def own_url(url: str, default: str) -> str:
    """A URL that a browser sent if it is one of the desk's pages, or else the default."""
    is_ours = url.startswith(reverse("admin:index")) and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if is_ours else default


def _sent_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a form as it was sent, to send it again."""
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]


def actor(request: HttpRequest) -> Actor:
    """The operator as the author of a change.

    An operator is no user of an account: documents record only the request, and the audit log the operator.
    """
    return Actor(request_id=getattr(request, "request_id", None), is_authenticated=True)
