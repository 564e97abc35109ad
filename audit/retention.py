"""How long entries are kept: AUDIT_DAYS."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from audit.models import Entry, EntryDocument

_BATCH = 500
_MAX_BATCHES = 200
"""What is older stays until the next time: nobody else should wait for long."""


def delete_old_entries() -> int:
    """Delete entries that are too old, a few hundred in each transaction, and return how many there were."""
    if not settings.AUDIT_DAYS:
        return 0
    old = Entry.objects.filter(time__lt=timezone.now() - timedelta(days=settings.AUDIT_DAYS)).order_by("time")
    count = 0
    for _ in range(_MAX_BATCHES):
        ids = list(old.values_list("pk", flat=True)[:_BATCH])
        if not ids:
            break
        EntryDocument.objects.filter(entry__pk__in=ids).delete()
        count += Entry.objects.filter(pk__in=ids).delete()[0]
    return count
