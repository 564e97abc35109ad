"""The base of the desk's pages: permissions, errors and surroundings, so that a page is what it shows and does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.api.exception_handler import api_error
from couch.errors import CouchError
from crossbar.errors import ApiError, BadIdentifier, ValidationFailed
from desk.audit import record as audit
from storage.private_fields import Actor

Page = Callable[..., HttpResponseBase]
Crumb = tuple[str, str | None]
"""A text, and where it leads; None for the page one is on."""


@dataclass(frozen=True)
class Route:
    """A page: where it is below its kind of documents, what it is called, and the permission that it takes."""

    path: str
    name: str
    page: Page
    permission: str
    """The permission's codename, of the model's app or with an app's label and a dot before it."""


class DocumentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Pages about one kind of documents. Subclasses name them in `routes`; one must be called ``changelist``."""

    def routes(self) -> Iterable[Route]:
        """The pages."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """The pages' addresses, named as Django's admin names its own: ``admin:desk_account_changelist``."""
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        return [path(route.path, self._guarded(route), name=f"{prefix}_{route.name}") for route in self.routes()]

    def _guarded(self, route: Route) -> Callable[..., HttpResponseBase]:
        def page(request: HttpRequest, **ids: Any) -> HttpResponseBase:
            if not self.allows(request, route.permission):
                raise PermissionDenied
            try:
                return route.page(request, **ids)
            except (ApiError, CouchError) as error:
                return self.troubled(request, api_error(error))

        return self.admin_site.admin_view(wraps(route.page)(page))

    def allows(self, request: HttpRequest, permission: str) -> bool:
        """Whether the operator has a permission."""
        name = permission if "." in permission else f"{self.opts.app_label}.{permission}"
        return bool(request.user.has_perm(name))

    def require(self, request: HttpRequest, permission: str) -> None:
        """PermissionDenied unless the operator has a permission."""
        if not self.allows(request, permission):
            raise PermissionDenied

    def troubled(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        """What an operator sees of an error that a page didn't expect: what happened, and what to do."""
        if isinstance(error, BadIdentifier):
            messages.warning(request, "That isn't there (any more): it may have been removed meanwhile.")
            return HttpResponseRedirect(reverse("admin:index"))
        context = {
            **self.admin_site.each_context(request),
            "title": "This didn't work",
            "status": error.status_code,
            "explanation": explained(error),
        }
        return TemplateResponse(request, "desk/kit/error.html", context, status=error.status_code)

    def rendered(
        self, request: HttpRequest, template: str, title: str, crumbs: Iterable[Crumb], **context: Any
    ) -> TemplateResponse:
        """A page of a template: within the admin's frame, with its title and the way to it."""
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "crumbs": [("Home", reverse("admin:index")), *crumbs],
            **context,
        }
        return TemplateResponse(request, template, whole)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the desk's index shows these pages: whoever may look at the documents."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may look at these documents."""
        return self.allows(request, f"view_{self.opts.model_name}")

    def history(
        self, request: HttpRequest, document_id: str, title: str, crumbs: Iterable[Crumb]
    ) -> TemplateResponse:
        """The page of what was done to a document."""
        entries = [(entry, audit.shown_difference(entry)) for entry in audit.of_document(document_id)]
        return self.rendered(
            request, "desk/audit/history.html", f"History: {title}", [*crumbs, ("History", None)], entries=entries
        )


def actor(request: HttpRequest) -> Actor:
    """The operator as the one who makes changes. It is no user of an account: a document records only the request,
    and the audit who it was.
    """
    return Actor(request_id=getattr(request, "request_id", None), is_authenticated=True)


def explained(error: ApiError) -> str:
    """An error in words for an operator."""
    if isinstance(error, ValidationFailed):
        return " ".join(f"{field}: {text}" for field, text in errors_of(error))
    if error.status_code == 503:
        return "CouchDB doesn't answer, or not in time. Nothing was changed; try again in a moment."
    if error.status_code == 409:
        return "Somebody else changed this at the same moment. Look at it again, then repeat your change."
    cause = error.data.get("cause") or error.data.get("message")
    return f"{error.message}: {cause}" if cause else error.message


def errors_of(error: ValidationFailed) -> list[tuple[str, str]]:
    """Each field that failed, by its path with dots, and why."""
    return [
        (field, str(rule.get("message", name)))
        for field, rules in error.data.items()
        if isinstance(rules, dict)
        for name, rule in rules.items()
        if isinstance(rule, dict)
    ]
