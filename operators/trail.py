"""What the audit log says about signing in: who, from where, with which browser, by which factor."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts.auth.authentication import client_address
from desk.models import AuditEntry

KIND = "operator"
SIGNED_IN, SIGNED_OUT, REFUSED = "signed in", "signed out", "was refused"
SET_UP, TURNED_OFF, RESET = "set up a second factor", "turned off a second factor", "reset the second factor of"
RENEWED_CODES, CHANGED_GROUP = "renewed recovery codes", "changed the sign-in of"
CHANGED_LIMIT = "changed the accounts of"
TIMED_OUT, ENDED = "was signed out", "ended a session of"
_MAX_NAME = 150
_MAX_BROWSER = 400


def browser_of(request: HttpRequest) -> str:
    """Return what the browser says it is, at most 400 characters."""
    return str(request.META.get("HTTP_USER_AGENT", ""))[:_MAX_BROWSER]


def record_trail(request: HttpRequest, action: str, subject: Any, *, by: Any = None, **details: Any) -> None:
    """Record something that happened to an operator's access, done by the operator unless `by` is another one.

    `subject` is a user, or the name that somebody typed if nobody has it.
    """
    is_user = hasattr(subject, "pk")
    actor = by if by is not None else subject if is_user else None
    AuditEntry.objects.create(
        operator_id=None if actor is None else actor.pk,
        action=action,
        kind=KIND,
        document_id=str(subject.pk) if is_user else "",
        name=(subject.get_username() if is_user else subject)[:_MAX_NAME],
        difference={"address": client_address(request), "browser": browser_of(request), **details},
    )


def record_refusal(request: HttpRequest, name: str, user: Any, reason: str, *, is_throttled: bool = False) -> None:
    """Record a refused sign-in.

    Throttled ones are recorded once in the span that failures are counted in: a guesser must not fill the table.
    """
    if is_throttled and _is_refusal_recorded(request, name, reason):
        return
    record_trail(request, REFUSED, name if user is None else user, reason=reason)


def _is_refusal_recorded(request: HttpRequest, name: str, reason: str) -> bool:
    since = timezone.now() - timedelta(seconds=settings.SIGN_IN_FAILURES_SECONDS)
    entries = AuditEntry.objects.filter(kind=KIND, action=REFUSED, name__iexact=name[:_MAX_NAME], time__gte=since)
    address = client_address(request)
    return any(
        entry["address"] == address and entry["reason"] == reason
        for entry in entries.values_list("difference", flat=True)
    )
