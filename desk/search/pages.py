"""The page of results, and the suggestions of the search field."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from couch.errors import CouchError
from desk.kit.errors import describe_error
from desk.scope import scope_of
from desk.search.age import describe_age
from desk.search.shown import ShownGroup, shown_group, visible_kinds
from search.finding import Reach
from search.models import Kind
from search.search import Answer, search

FIELD = "find"
_SUGGESTIONS, _OVERVIEW_SIZE, _PAGE_SIZE = 4, 8, 50
_SHORTEST_SUGGESTED = 2
_MAX_PAGE = 200


@require_safe
@admin.site.admin_view
@never_cache
def show_results(request: HttpRequest) -> HttpResponse:
    """Show what a text finds: some results of each kind, or the page of one kind that the query names."""
    text, kind = request.GET.get(FIELD, "").strip(), request.GET.get("kind", "")
    number = _page_number(request)
    kinds = [each for each in visible_kinds(request.user) if kind in ("", each)]
    size = _PAGE_SIZE if kind else _OVERVIEW_SIZE
    answer, problem = None, ""
    if text:
        try:
            answer = _find_results(request, text, kinds, size, (number - 1) * size if kind else 0)
        except CouchError as error:
            problem = describe_error(error)
    groups = _shown_groups(request, answer) if answer else []
    context = {
        **admin.site.each_context(request),
        "title": _("Results for “%(text)s”") % {"text": text} if text else _("Search"),
        "crumbs": [(_("Home"), reverse("admin:index")), (_("Search"), None)],
        "search_text": text,
        "groups": [(group, _more_url(group, text, kind, number)) for group in groups],
        "is_empty": bool(text) and not groups and not problem,
        "all_url": f"{reverse('desk_search')}?{urlencode({FIELD: text})}" if kind else "",
        "age": describe_age(answer.freshness, of_system=scope_of(request.user).is_everything) if answer else None,
        "problem": problem,
    }
    return TemplateResponse(request, "desk/search/results.html", context)


@require_safe
@admin.site.admin_view
@never_cache
def suggest(request: HttpRequest) -> JsonResponse:
    """Send some results of each kind for what is typed so far, as JSON."""
    text = request.GET.get(FIELD, "").strip()
    answer = None
    if len(text) >= _SHORTEST_SUGGESTED:
        try:
            answer = _find_results(request, text, visible_kinds(request.user), _SUGGESTIONS)
        except CouchError:
            answer = None  # the page of results says why
    groups = _shown_groups(request, answer) if answer else []
    return JsonResponse(
        {
            "groups": [
                {"title": group.title, "results": [result.as_json() for result in group.results if result.url]}
                for group in groups
            ],
            "note": ""
            if answer is None or answer.freshness.is_complete
            else _("The search index is not up to date."),
        }
    )


urlpatterns = [
    path("search/", show_results, name="desk_search"),
    path("search/suggestions.json", suggest, name="desk_search_suggestions"),
]


def _find_results(request: HttpRequest, text: str, kinds: list[Kind], limit: int, offset: int = 0) -> Answer:
    reads_transcriptions = request.user.has_perm("desk.listen_to_message")
    reach = Reach(scope_of(request.user).account_ids(), transcriptions=reads_transcriptions)
    return search(text, kinds, reach, limit, offset)


def _shown_groups(request: HttpRequest, answer: Answer) -> list[ShownGroup]:
    links_accounts = Kind.ACCOUNT in visible_kinds(request.user)
    return [shown_group(group, links_accounts=links_accounts) for group in answer.groups]


def _more_url(group: ShownGroup, text: str, kind: str, number: int) -> str:
    """The URL of the next results of a group; empty if there are no more."""
    if not group.has_more or number >= _MAX_PAGE:
        return ""
    query: dict[str, Any] = {FIELD: text, "kind": group.kind}
    if kind:
        query["page"] = number + 1
    return f"{reverse('desk_search')}?{urlencode(query)}"


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return min(max(int(text), 1), _MAX_PAGE) if text.isascii() and text.isdigit() and len(text) < 5 else 1
