"""Template tags for the desk's first page."""

from django import template

from desk.health import couchdb_state as health
from desk.health.couchdb_state import CouchDBState
from desk.models import AuditEntry

register = template.Library()
_MAX_ENTRIES = 10


@register.simple_tag
def latest_entries() -> list[AuditEntry]:
    """The latest entries of the audit log."""
    return list(AuditEntry.objects.select_related("operator")[:_MAX_ENTRIES])


@register.simple_tag
def latest_entries_by(operator_id: int) -> list[AuditEntry]:
    """An operator's latest entries in the audit log."""
    return list(AuditEntry.objects.filter(operator_id=operator_id)[:_MAX_ENTRIES])


@register.simple_tag
def couchdb_state() -> CouchDBState:
    """The state of CouchDB."""
    return health.couchdb_state()
