"""What the desk's templates ask for."""

from typing import Any

from django import template

from desk.health.couchdb_state import of_couchdb
from desk.models import AuditEntry

register = template.Library()
_RECENT = 10


@register.simple_tag
def recent_actions(operator_id: int) -> list[AuditEntry]:
    """What an operator did lately, the latest first."""
    return list(AuditEntry.objects.filter(operator_id=operator_id)[:_RECENT])


@register.simple_tag
def actions_of_all() -> list[AuditEntry]:
    """What anybody did lately, the latest first."""
    return list(AuditEntry.objects.select_related("operator")[:_RECENT])


@register.simple_tag
def couchdb_state() -> dict[str, Any]:
    """CouchDB's state in short: `up`, `version`, `tasks`."""
    return of_couchdb()
