"""The audit log of the desk: every change made there, and every message heard or secret revealed.

An entry holds what differs between a document before and after, never a secret. What clients of the API change is in
the same table (`audit.recorder`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.auth.authentication import client_address
from audit.differences import differences
from desk.audit.filters import about_documents
from desk.models import AuditEntry
from desk.scope import scope_of

_MAX_LENGTH, _MAX_REQUEST, _MAX_ADDRESS = 250, 400, 100
_START_KEY = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Subject:
    """The document that an action was about."""

    kind: str
    account_id: str
    document_id: str
    name: str
    """What the document is called for people."""


def record(
    request: HttpRequest,
    action: str,
    subject: Subject,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Record what the request's operator did to a document.

    `action` is a verb in the past tense. `before` and `after` are the document's states, if it was changed.
    `details` are further members of the entry.
    """
    difference = {**differences(before or {}, after or {}), **(details or {})}
    return record_for(
        int(request.user.pk or 0),
        action,
        subject,
        difference,
        request_id=getattr(request, "request_id", ""),
        request=f"{request.method} {request.path}"[:_MAX_REQUEST],
        address=client_address(request)[:_MAX_ADDRESS],
    )


def record_for(
    operator_id: int, action: str, subject: Subject, difference: Mapping[str, Any], **about_request: str
) -> AuditEntry:
    """Record what was done for an operator, perhaps without a request; `difference` holds no secret."""
    return AuditEntry.objects.create(
        operator_id=operator_id,
        action=action,
        kind=subject.kind,
        account_id=subject.account_id,
        document_id=subject.document_id[:_MAX_LENGTH],
        name=subject.name[:_MAX_LENGTH],
        difference=dict(difference),
        **about_request,
    )


def is_recorded(request: HttpRequest, action: str, subject: Subject, within: timedelta) -> bool:
    """Whether the log has this action of the request's operator on this document within the given time."""
    return AuditEntry.objects.filter(
        operator_id=int(request.user.pk or 0),
        action=action,
        document_id=subject.document_id[:_MAX_LENGTH],
        time__gte=timezone.now() - within,
    ).exists()


def visible_entries(operator: Any) -> "QuerySet[AuditEntry]":
    """The entries that an operator may see: those of the operator's accounts. Raises CouchError."""
    account_ids = scope_of(operator).account_ids()
    return AuditEntry.objects.all() if account_ids is None else AuditEntry.objects.filter(account_id__in=account_ids)


def hide_foreign_actors(operator: Any, entries: Iterable[AuditEntry]) -> None:
    """Empty the ids of who did it where an operator may not see that one's account; the name stays."""
    account_ids = scope_of(operator).account_ids()
    if account_ids is None:
        return
    for entry in entries:
        if entry.actor_account_id not in account_ids:
            entry.actor_account_id = ""
        if entry.impersonator.partition("/")[0] not in account_ids:
            entry.impersonator = ""


def list_entries(operator: Any, document_ids: Sequence[str], size: int, start_key: str | None) -> list[AuditEntry]:
    """At most `size` entries about documents that an operator may see, the latest first.

    With the key of an entry, they begin with that one.
    """
    ids = [document_id[:_MAX_LENGTH] for document_id in document_ids]
    entries = about_documents(visible_entries(operator), ids)
    if start_key and (match := _START_KEY.fullmatch(start_key)):
        time = datetime.fromtimestamp(int(match[1]) / 1_000_000, UTC)
        entries = entries.filter(Q(time__lt=time) | Q(time=time, pk__lte=int(match[2])))
    page = list(entries.order_by("-time", "-pk").select_related("operator")[:size])
    hide_foreign_actors(operator, page)
    return page


def entry_key(entry: AuditEntry) -> str:
    """The key by which `list_entries` begins with an entry. Entries of the API come in later than they are."""
    return f"{round(entry.time.timestamp() * 1_000_000)}-{entry.pk}"
