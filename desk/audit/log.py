"""The audit log: every change made at the desk, and every message heard or secret revealed there.

An entry holds what differs between a document before and after, never a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from desk.kit.differences import differences
from desk.models import AuditEntry

_MAX_ENTRIES = 200


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
    return AuditEntry.objects.create(
        operator_id=int(request.user.pk or 0),
        action=action,
        kind=subject.kind,
        account_id=subject.account_id,
        document_id=subject.document_id[:250],
        name=subject.name[:250],
        difference={**differences(before or {}, after or {}), **(details or {})},
    )


def is_recorded(request: HttpRequest, action: str, subject: Subject, within: timedelta) -> bool:
    """Whether the log has this action of the request's operator on this document within the given time."""
    return AuditEntry.objects.filter(
        operator_id=int(request.user.pk or 0),
        action=action,
        document_id=subject.document_id[:250],
        time__gte=timezone.now() - within,
    ).exists()


def entries_for_document(document_id: str) -> list[AuditEntry]:
    """The entries about a document, the latest first."""
    return list(AuditEntry.objects.filter(document_id=document_id).select_related("operator")[:_MAX_ENTRIES])
