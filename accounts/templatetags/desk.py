"""What the desk's templates ask for."""

from django import template

from accounts.models import AuditEntry

register = template.Library()
_RECENT = 10


@register.simple_tag
def recent_actions(operator_id: int) -> list[AuditEntry]:
    """What an operator did lately, the latest first."""
    return list(AuditEntry.objects.filter(operator_id=operator_id)[:_RECENT])
