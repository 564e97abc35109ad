"""The pages of the audit log: the searchable list of all entries, and the history of one document."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crossbar.conditions import content_disposition
from desk.accounts.links import account_url
from desk.audit import exports, log
from desk.audit.filters import FilterForm, filter_entries, search_entries
from desk.audit.log import Subject
from desk.audit.subjects import actor_text, actor_url, document_text, document_url, entries_url, fetch_account_names
from desk.kit.formats import format_value
from desk.kit.known_texts import translate
from desk.kit.pages import Crumb, DocumentAdmin, explain_errors
from desk.kit.tables import Paging
from desk.messages.links import message_url
from desk.models import AuditEntry

_PAGE_SIZE = 100
_MAX_COUNT = 10_000
_MAX_LINES = 12
"""A longer difference is folded."""
_EXPORTS = {"csv": ("text/csv; charset=utf-8", exports.stream_csv), "json": ("application/json", exports.stream_json)}


class EntryPaginator(Paginator):  # type: ignore[type-arg]  # not generic when it runs
    """Pages of entries, of which only the first 10,000 are counted: the table may have millions."""

    @cached_property
    def count(self) -> int:
        """How many entries have pages."""
        entries = cast("QuerySet[AuditEntry]", self.object_list)
        return entries.order_by()[:_MAX_COUNT].count()


class EntryList(ChangeList):
    """A page of entries, with the names of their accounts."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        super().get_results(request)
        entries = list(self.result_list)
        log.hide_foreign_actors(request.user, entries)
        names = fetch_account_names(entries)
        for entry in entries:
            entry.account_name = names.get(entry.account_id, entry.account_id)
            if entry.kind == "account" and not entry.name:  # a refused sign-in knows no name
                entry.name = entry.account_name
        self.result_list = entries

    @property
    def is_filtered(self) -> bool:
        """Whether the form of the filter has anything in it, right or wrong."""
        return any(self.form.data.get(name) for name in FilterForm.base_fields)

    @property
    def is_count_cut(self) -> bool:
        """Whether there are more entries than have pages."""
        return bool(self.result_count >= _MAX_COUNT)

    @property
    def export_query(self) -> str:
        """The query of an export of all that is listed."""
        return self.get_query_string(remove=[PAGE_VAR, ALL_VAR])

    @property
    def kept_parameters(self) -> list[tuple[str, str]]:
        """The parameters of the query that a search keeps: those of links on other pages, and the order."""
        names = [name for name in self.params if name not in (*FilterForm.base_fields, SEARCH_VAR)]
        return [(name, value) for name in names for value in self.filter_params[name]]

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The parameters of the query that Django's own filters read."""
        return {
            name: values
            for name, values in super().get_filters_params(params).items()
            if name not in FilterForm.base_fields
        }

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> "QuerySet[AuditEntry]":
        """The entries that the query asks for."""
        self.form = FilterForm(request.GET)
        return filter_entries(super().get_queryset(request, exclude_parameters), self.form)


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """The entries, to search and to read; nobody writes, changes or deletes one by hand."""

    change_list_template = "desk/audit/list.html"
    list_display = ("utc_time", "actor", "action_text", "kind_text", "document_link", "account_link", "request_link")
    list_per_page = _PAGE_SIZE
    list_select_related = ("operator",)
    search_fields = ("name",)  # and all that `search_entries` looks at
    search_help_text = gettext_lazy("Words of a name, an id, or of what differs.")
    fields = (
        *(
            "utc_time",
            "actor",
            "impersonator",
            "action_text",
            "kind_text",
            "account_link",
            "document_link",
            "document_id",
        ),
        *("document_list", "difference_list", "source", "request", "request_id", "address"),
    )
    readonly_fields = fields
    show_full_result_count = False
    paginator = EntryPaginator

    @admin.display(description=gettext_lazy("time (UTC)"), ordering="time")
    def utc_time(self, entry: AuditEntry) -> str:
        """The time, written as on the desk's other pages."""
        return f"{entry.time:%Y-%m-%d %H:%M:%S}"

    @admin.display(description=gettext_lazy("who"), ordering="operator__username")
    def actor(self, entry: AuditEntry) -> SafeString | str:
        """The operator, or the user of an account, with a link to that one's page."""
        return _link(actor_text(entry), actor_url(entry))

    @admin.display(description=gettext_lazy("action"), ordering="action")
    def action_text(self, entry: AuditEntry) -> str:
        """What was done."""
        return translate(entry.action)

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_text(self, entry: AuditEntry) -> str:
        """What kind of document it is about."""
        return translate(entry.kind)

    @admin.display(description=gettext_lazy("what"), ordering="name")
    def document_link(self, entry: AuditEntry) -> SafeString | str:
        """What it is about, with a link to its page."""
        return _link(document_text(entry), document_url(entry))

    @admin.display(description=gettext_lazy("account"), ordering="account_id")
    def account_link(self, entry: AuditEntry) -> SafeString | str:
        """The account's name, with a link to its page."""
        if not entry.account_id:
            return "—"
        names = {entry.account_id: name} if (name := getattr(entry, "account_name", "")) else None
        names = fetch_account_names([entry]) if names is None else names
        return _link(names.get(entry.account_id, entry.account_id), account_url(entry.account_id))

    @admin.display(description=gettext_lazy("request"), ordering="request")
    def request_link(self, entry: AuditEntry) -> SafeString | str:
        """The method of the request, with a link to all entries of it."""
        if not entry.request_id:
            return "—"
        return _link(entry.request.partition(" ")[0] or entry.request_id, entries_url(request_id=entry.request_id))

    @admin.display(description=gettext_lazy("documents"))
    def document_list(self, entry: AuditEntry) -> str:
        """The ids of the documents, if there are several."""
        if entry.document_count == 1:
            return "—"
        return ", ".join(entry.documents.values_list("document_id", flat=True))

    @admin.display(description=gettext_lazy("difference"))
    def difference_list(self, entry: AuditEntry) -> SafeString:
        """What was changed, as HTML."""
        return format_difference(entry)

    def get_urls(self) -> list[URLPattern]:
        """The pages, and the exports."""
        routes: list[URLPattern] = super().get_urls()
        view = self.admin_site.admin_view(self.export_entries)
        return [path("export/<str:extension>/", view, name="desk_auditentry_export"), *routes]

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """The class of the list."""
        return EntryList

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[AuditEntry]", search_term: str
    ) -> tuple["QuerySet[AuditEntry]", bool]:
        """The entries that a text finds, each of them once."""
        return search_entries(queryset, search_term), False

    @explain_errors
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the entries, under a title that asks for nothing."""
        return super().changelist_view(request, {"title": _("Audit entries"), **(extra_context or {})})

    @explain_errors
    def export_entries(self, request: HttpRequest, extension: str) -> HttpResponseBase:
        """Send all entries that the query asks for as a file, and record who got them."""
        if extension not in _EXPORTS:
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        content_type, stream = _EXPORTS[extension]
        try:
            entries = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            raise Http404 from None
        log.record(request, "exported", Subject("audit", "", "", request.GET.urlencode()))
        response = StreamingHttpResponse(stream(request.user, entries), content_type=content_type)
        response["Content-Disposition"] = content_disposition(f"audit.{extension}")
        return response

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AuditEntry]":
        """The entries of the accounts that the operator may see."""
        return log.visible_entries(request.user)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> AuditEntry | None:
        """An entry that the operator may see."""
        entry: AuditEntry | None = super().get_object(request, object_id, from_field)
        log.hide_foreign_actors(request.user, [] if entry is None else [entry])
        return entry

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow also the lookup that links on other pages use."""
        return lookup == "operator__username" or super().lookup_allowed(lookup, value, request)

    @explain_errors
    def change_view(self, *args: Any, **options: Any) -> HttpResponse:
        """Show an entry."""
        return super().change_view(*args, **options)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


def render_history(
    pages: DocumentAdmin, request: HttpRequest, document_ids: Sequence[str], title: str, crumbs: Iterable[Crumb]
) -> TemplateResponse:
    """The page with everything that was done to a document, also under the ids that it had before."""
    entries = log.list_entries(request.user, document_ids, _PAGE_SIZE + 1, request.GET.get("start_key"))
    next_start_key = log.entry_key(entries[_PAGE_SIZE]) if len(entries) > _PAGE_SIZE else None
    return pages.render(
        request,
        "desk/audit/history.html",
        _("History: %(title)s") % {"title": title},
        [*crumbs, (_("History"), None)],
        entries=[_history_row(entry) for entry in entries[:_PAGE_SIZE]],
        paging=Paging.of(request, next_start_key, _("Earlier entries")),
    )


def _history_row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "entry": entry,
        "actor": _link(actor_text(entry), actor_url(entry)),
        "difference": format_difference(entry),
        "new_place": new_place(entry),
    }


def _link(text: str, url: str | None) -> SafeString | str:
    return format_html('<a href="{}"><bdi>{}</bdi></a>', url, text) if url else format_html("<bdi>{}</bdi>", text)


def new_place(entry: AuditEntry) -> str | None:
    """The URL of a message in the mailbox that it was moved to; None if the entry is not about a move."""
    difference = entry.difference if isinstance(entry.difference, dict) else {}
    box_id, message_id = difference.get("to_id"), difference.get("new_id")
    return message_url(entry.account_id, box_id, message_id) if box_id and message_id else None


def format_difference(entry: AuditEntry) -> SafeString:
    """An entry's difference as an HTML list."""
    difference = entry.difference if isinstance(entry.difference, dict) else {}
    if not difference:
        return SafeString()
    lines = ((path, _format_change(change)) for path, change in difference.items())
    members = format_html("<ul>{}</ul>", format_html_join("", "<li><b>{}</b>: {}</li>", lines))
    if len(difference) <= _MAX_LINES:
        return members
    summary = ngettext("%(count)d member", "%(count)d members", len(difference)) % {"count": len(difference)}
    return format_html("<details><summary>{}</summary>{}</details>", summary, members)


def _format_change(change: Any) -> str:
    if isinstance(change, list) and len(change) == 2:
        return " → ".join(map(format_value, change))
    return format_value(change)
