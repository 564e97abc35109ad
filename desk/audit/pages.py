"""The pages of the audit log: the searchable list of all entries, and the history of one document."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from desk.accounts.links import account_url
from desk.audit import log
from desk.kit.formats import format_value
from desk.kit.pages import Crumb, DocumentAdmin, explain_errors
from desk.kit.tables import Paging
from desk.messages.links import message_url
from desk.models import AuditEntry

_PAGE_SIZE = 100
_START_KEY = re.compile(r"\d{1,18}", re.ASCII)


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """The entries, to search and to read; nobody writes, changes or deletes one by hand."""

    change_list_template = "desk/audit/list.html"
    list_display = ("utc_time", "operator", "action", "kind", "name", "account_link")
    list_filter = ("action", "kind", "time", ("operator", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("operator",)
    search_fields = ("=account_id", "=document_id", "name", "operator__username")
    search_help_text = "The id of an account or document, or a part of its name or of an operator's name."
    fields = ("utc_time", "operator", "action", "kind", "account_link", "document_id", "name", "difference_list")
    readonly_fields = fields
    date_hierarchy = "time"
    show_full_result_count = False

    @admin.display(description="time (UTC)", ordering="time")
    def utc_time(self, entry: AuditEntry) -> str:
        """The time, written as on the desk's other pages."""
        return f"{entry.time:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="account", ordering="account_id")
    def account_link(self, entry: AuditEntry) -> SafeString | str:
        """A link to the account."""
        if not entry.account_id:
            return "—"
        return format_html('<a href="{}">{}</a>', account_url(entry.account_id), entry.account_id)

    @admin.display(description="difference")
    def difference_list(self, entry: AuditEntry) -> SafeString:
        """What was changed, as HTML."""
        return format_difference(entry)

    @explain_errors
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the entries, under a title that asks for nothing."""
        return super().changelist_view(request, {"title": "Audit entries", **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AuditEntry]":
        """The entries of the accounts that the operator may see."""
        return log.visible_entries(request.user)

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
    start_key = request.GET.get("start_key", "")
    last_id = int(start_key) if _START_KEY.fullmatch(start_key) else None
    entries = log.list_entries(request.user, document_ids, _PAGE_SIZE + 1, last_id)
    next_start_key = str(entries[_PAGE_SIZE].pk) if len(entries) > _PAGE_SIZE else None
    return pages.render(
        request,
        "desk/audit/history.html",
        f"History: {title}",
        [*crumbs, ("History", None)],
        entries=[(entry, format_difference(entry), new_place(entry)) for entry in entries[:_PAGE_SIZE]],
        paging=Paging.of(request, next_start_key, "Earlier entries"),
    )


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
    return format_html("<ul>{}</ul>", format_html_join("", "<li><b>{}</b>: {}</li>", lines))


def _format_change(change: Any) -> str:
    if isinstance(change, list) and len(change) == 2:
        return " → ".join(map(format_value, change))
    return format_value(change)
