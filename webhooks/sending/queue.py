"""The queue of deliveries: which is sent next, when one is sent again, and when it ends.

Whoever sends one holds a lease on it. If that process is killed, the lease ends, and another one sends it again.
"""

import random
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from webhooks.models import Delivery

LEASE_SECONDS = 40
GIVE_UP_AFTER = timedelta(hours=24)
KEEP_DONE = timedelta(minutes=10)
PER_HOST = 4
"""So many deliveries go to a host at the same time, or one after it has failed."""
_QUICK_PAUSE = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 3_600.0


def add_deliveries(deliveries: Iterable[Delivery]) -> None:
    """Store deliveries, but those that are stored already."""
    Delivery.objects.bulk_create(list(deliveries), ignore_conflicts=True)


def claim() -> Delivery | None:
    """Return the delivery that is due for the longest time, now leased to the caller; None if none may be sent now.

    Hosts that fail have half of the places at most, so that they keep none of the others waiting.
    """
    now = timezone.now()
    with transaction.atomic():
        due = Delivery.objects.filter(is_done=False, due_at__lte=now).exclude(host__in=_busy_hosts(now))
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        delivery = due.order_by("due_at", "id").first()
        if delivery is not None:
            delivery.is_sending, delivery.due_at = True, now + timedelta(seconds=LEASE_SECONDS)
            delivery.save(update_fields=["is_sending", "due_at"])
    return delivery


def _busy_hosts(now: datetime) -> set[str]:
    sending = Delivery.objects.filter(is_done=False, is_sending=True, due_at__gt=now)
    counts = {row["host"]: row["count"] for row in sending.values("host").annotate(count=Count("id")).order_by()}
    failing = set(Delivery.objects.filter(is_done=False, tries__gt=0).values_list("host", flat=True).distinct())
    busy = {host for host, count in counts.items() if count >= (1 if host in failing else PER_HOST)}
    if sum(count for host, count in counts.items() if host in failing) >= max(settings.WEBHOOKS_AT_ONCE // 2, 1):
        busy |= failing
    return busy


def repeat_later(delivery: Delivery, quick_repeats: int, retry_after: float | None) -> datetime | None:
    """Schedule a failed delivery again and return when; None if it has failed for too long, and is done.

    The first `quick_repeats` follow within seconds, then the pauses grow. `retry_after` are the seconds that the
    receiver asks for.
    """
    now = timezone.now()
    delivery.tries += 1
    delivery.first_tried_at = delivery.first_tried_at or now
    pause = _pause(delivery.tries, quick_repeats) if retry_after is None else retry_after + random.uniform(0, 1)  # noqa: S311
    due_at = now + timedelta(seconds=pause)
    is_over = due_at > delivery.first_tried_at + GIVE_UP_AFTER
    _release(delivery, is_done=is_over, due_at=due_at)
    return None if is_over else due_at


def _pause(tries: int, quick_repeats: int) -> float:
    if tries <= quick_repeats:
        return _QUICK_PAUSE * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, hides nothing
    doublings = min(tries - quick_repeats - 1, 20)
    return min(_FIRST_PAUSE * 2.0**doublings, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311


def postpone(delivery: Delivery, seconds: float) -> datetime:
    """Schedule a delivery that could not be tried again, and return when."""
    due_at = timezone.now() + timedelta(seconds=seconds)
    _release(delivery, is_done=False, due_at=due_at)
    return due_at


def finish(delivery: Delivery) -> None:
    """Mark a delivery as done."""
    _release(delivery, is_done=True, due_at=timezone.now())


def _release(delivery: Delivery, *, is_done: bool, due_at: datetime) -> None:
    """Give a lease back, unless it has ended and somebody else has the delivery now."""
    Delivery.objects.filter(id=delivery.id, due_at=delivery.due_at, is_done=False).update(
        is_sending=False,
        is_done=is_done,
        due_at=due_at,
        tries=delivery.tries,
        first_tried_at=delivery.first_tried_at,
        awaited_message_id="",
    )


def send_now(delivery: Delivery) -> None:
    """Store a delivery that an operator asks for. If one waits for the same hook and event, that is sent now."""
    now = timezone.now()
    with transaction.atomic():
        stored = Delivery.objects.filter(hook_id=delivery.hook_id, event_id=delivery.event_id)
        stored.filter(is_done=True).delete()
        if not stored.filter(is_sending=False).update(due_at=now, is_by_hand=True):
            delivery.due_at, delivery.is_by_hand = now, True
            add_deliveries([delivery])


def end_all(hook_id: str) -> None:
    """End what waits for a hook that was disabled or deleted."""
    Delivery.objects.filter(hook_id=hook_id, is_done=False).update(
        is_done=True, is_sending=False, due_at=timezone.now(), awaited_message_id=""
    )


def has_overdue(seconds: float) -> bool:
    """Whether something has been due for so many seconds."""
    limit = timezone.now() - timedelta(seconds=seconds)
    return Delivery.objects.filter(is_done=False, due_at__lt=limit).exists()


def failing(account_ids: Collection[str] | None = None) -> QuerySet[Delivery]:
    """Return the deliveries that failed and are sent again, of all accounts or of some."""
    deliveries = Delivery.objects.filter(is_done=False, tries__gt=0)
    return deliveries if account_ids is None else deliveries.filter(account_id__in=account_ids)


def delete_old() -> None:
    """Delete deliveries that have been done for a while."""
    Delivery.objects.filter(is_done=True, due_at__lt=timezone.now() - KEEP_DONE).delete()
