"""The audit log: every change made at the desk, and every message heard or secret revealed there.

An entry holds what differs between a document before and after, never a secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from desk.kit.differences import differences
from desk.models import AuditEntry
from desk.operators.scope import scope_of

_MAX_LENGTH = 250


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
    return record_for(int(request.user.pk or 0), action, subject, difference)


def record_for(operator_id: int, action: str, subject: Subject, difference: Mapping[str, Any]) -> AuditEntry:
    """Record what was done for an operator without a request; `difference` holds no secret."""
    return AuditEntry.objects.create(
        operator_id=operator_id,
        action=action,
        kind=subject.kind,
        account_id=subject.account_id,
        document_id=subject.document_id[:_MAX_LENGTH],
        name=subject.name[:_MAX_LENGTH],
        difference=dict(difference),
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


def list_entries(operator: Any, document_ids: Sequence[str], size: int, last_id: int | None) -> list[AuditEntry]:
    """At most `size` entries about documents that an operator may see, the latest first.

    With `last_id`, they begin with the entry with that id.
    """
    entries = visible_entries(operator).filter(
        document_id__in=[document_id[:_MAX_LENGTH] for document_id in document_ids]
    )
    if last_id is not None:
        entries = entries.filter(pk__lte=last_id)
    return list(entries.order_by("-pk").select_related("operator")[:size])
