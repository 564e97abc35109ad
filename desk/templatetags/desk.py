"""Template tags for the desk's first page."""

from contextlib import suppress

from django import template
from django.contrib.auth.models import User

from couch.errors import CouchError
from desk.audit import log
from desk.models import AuditEntry

register = template.Library()
_MAX_ENTRIES = 10
_PERMISSIONS = {
    "account": "desk.view_account",
    "user": "desk.view_accountuser",
    "mailbox": "desk.view_mailbox",
    "message": "desk.view_message",
    "media": "desk.view_media",
    "mail": "desk.view_mail",
    "webhook": "desk.view_webhook",
}


@register.simple_tag
def latest_entries(operator: User) -> list[AuditEntry]:
    """The latest entries of the desk that an operator may see; none while CouchDB is away and has to say."""
    with suppress(CouchError):
        entries = log.visible_entries(operator).filter(source=AuditEntry.Source.DESK)
        return list(entries.select_related("operator")[:_MAX_ENTRIES])
    return []


@register.simple_tag
def latest_entries_by(operator: User) -> list[AuditEntry]:
    """An operator's latest entries in the audit log, of what the operator may still view: each holds a name."""
    kinds = [kind for kind, permission in _PERMISSIONS.items() if operator.has_perm(permission)]
    with suppress(CouchError):
        entries = log.visible_entries(operator).filter(operator_id=operator.pk, kind__in=kinds)
        return list(entries[:_MAX_ENTRIES])
    return []
