"""Who did what: every change at the desk, and what an operator listened to or had revealed.

A record holds the difference between a document before and after, never a secret.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from desk.models import AuditEntry
from storage import private_fields

SECRETS = frozenset({"pin", "password", "pvt_api_key", "api_key", "pvt_md5_auth", "pvt_sha1_auth"})
HIDDEN = "(hidden)"
_LONGEST = 2_000
_OF_INTEREST = frozenset({"pvt_deleted", "pvt_enabled", "pvt_api_key", "source_id"})


def record(
    request: HttpRequest,
    action: str,
    *,
    kind: str,
    account_id: str,
    document_id: str,
    name: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Record what the request's operator did to a document: `action` is a verb in the past tense.

    `before` and `after` are the document's states, where it changed; `details` is what else there is to tell.
    """
    told = {**difference(before or {}, after or {}), **(details or {})}
    return AuditEntry.objects.create(
        operator_id=int(request.user.pk or 0),
        action=action,
        kind=kind,
        account_id=account_id,
        document_id=document_id[:250],
        name=name[:250],
        difference=told,
    )


def is_recorded(request: HttpRequest, action: str, document_id: str, within: timedelta) -> bool:
    """Whether it is recorded already that the request's operator did this to a document a short time ago."""
    since = timezone.now() - within
    done = {"operator_id": int(request.user.pk or 0), "action": action, "document_id": document_id[:250]}
    return AuditEntry.objects.filter(**done, time__gte=since).exists()


def difference(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The members that differ, ``{path: [before, after]}``; a missing side is null, a secret is hidden."""
    found: dict[str, Any] = {}
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        path = f"{prefix}{key}"
        if old == new or (private_fields.is_private(key) and key not in _OF_INTEREST):
            continue
        if isinstance(old, dict) or isinstance(new, dict):
            # Also one that came or went as a whole: there may be a secret in it.
            sides = [side if isinstance(side, dict) else {} for side in (old, new)]
            found |= difference(sides[0], sides[1], f"{path}.")
        elif key in SECRETS:
            found[path] = [None if old is None else HIDDEN, None if new is None else HIDDEN]
        else:
            found[path] = [_short(old), _short(new)]
    return found


def _short(value: Any) -> Any:
    return value if len(str(value)) <= _LONGEST else str(value)[:_LONGEST] + " ..."


def of_document(document_id: str) -> list[AuditEntry]:
    """What was done to a document, the latest first."""
    return list(AuditEntry.objects.filter(document_id=document_id).select_related("operator")[:200])


def shown_difference(entry: AuditEntry) -> SafeString:
    """A difference as a list of HTML."""
    told = entry.difference if isinstance(entry.difference, dict) else {}
    lines = [(key, _spelled(value)) for key, value in told.items()]
    items = format_html_join("", "<li><b>{}</b>: {}</li>", lines)
    return format_html("<ul>{}</ul>", items) if lines else SafeString()


def _spelled(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return " → ".join("—" if side is None else str(side) for side in value)
    return str(value)


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """The record, to search and not to change."""

    change_list_template = "desk/audit/list.html"
    list_display = ("time", "operator", "action", "kind", "name", "of_account")
    list_filter = ("action", "kind", "time", ("operator", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("operator",)
    search_fields = ("=account_id", "=document_id", "name", "operator__username")
    search_help_text = "An account's or document's id, or part of its name or of an operator's."
    fields = ("time", "operator", "action", "kind", "of_account", "document_id", "name", "told")
    readonly_fields = fields
    date_hierarchy = "time"
    show_full_result_count = False

    @admin.display(description="account", ordering="account_id")
    def of_account(self, entry: AuditEntry) -> SafeString | str:
        """A link to the account that it was done in."""
        if not entry.account_id:
            return "—"
        url = reverse("admin:desk_account_detail", args=[entry.account_id])
        return format_html('<a href="{}">{}</a>', url, entry.account_id)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Also what links from elsewhere ask for."""
        return lookup == "operator__username" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="difference")
    def told(self, entry: AuditEntry) -> SafeString:
        """What changed."""
        return shown_difference(entry)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody writes the record by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False
