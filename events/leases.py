"""Leases: several followers share the accounts, and one that dies is replaced within seconds.

All accounts are divided into slots. For each consumer a slot is leased by one follower at a time, which renews its
leases every second. A lease that is not renewed expires; then any other follower takes it over. Each follower takes
as many as its share, and gives back what it has above that when another one starts.
"""

import math
import time
import zlib
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from events.models import FollowerState, Lease

SLOTS = 16
TTL_SECONDS = 6
RENEW_SECONDS = 1.0
_MARGIN_SECONDS = 1.5  # before its end, a lease no longer counts as held: a write may take that long


def slot_of(account_id: str) -> int:
    """Return the slot of an account, or of a database that is no account's."""
    return zlib.crc32(account_id.encode()) % SLOTS


class Leases:
    """The leases that a follower holds for a consumer."""

    def __init__(self, consumer: str, holder: str) -> None:
        self._consumer, self._holder = consumer, holder
        self._held_until = 0.0  # monotonic seconds
        self._epochs: dict[int, int] = {}
        rows = [Lease(consumer=consumer, slot=slot, holder="", expires_at=Now()) for slot in range(SLOTS)]
        Lease.objects.bulk_create(rows, ignore_conflicts=True)

    def epoch(self, slot: int) -> int | None:
        """Return the epoch of a lease that is held, None if it isn't."""
        return self._epochs.get(slot) if time.monotonic() < self._held_until else None

    def renew(self) -> set[int]:
        """Renew the leases, take free ones up to this follower's share, and return the slots that are held."""
        renewed_at = time.monotonic()
        self._own().update(expires_at=Now() + timedelta(seconds=TTL_SECONDS))
        held = dict(self._own().values_list("slot", "epoch"))
        self._epochs = {slot: epoch for slot, epoch in held.items() if self._epochs.get(slot, epoch) == epoch}
        self._held_until = renewed_at + TTL_SECONDS - _MARGIN_SECONDS
        missing = self.share() - len(held)
        if missing > 0:
            self._acquire(missing)
        return set(self._epochs)

    def share(self) -> int:
        """Return how many slots each of the living followers should have."""
        living = FollowerState.objects.filter(
            consumer=self._consumer, seen_at__gt=Now() - timedelta(seconds=TTL_SECONDS)
        ).exclude(follower=self._holder)
        return math.ceil(SLOTS / (living.count() + 1))

    def release(self, slot: int) -> None:
        """Let another follower take a slot at once."""
        self._epochs.pop(slot, None)
        self._own().filter(slot=slot).update(holder="", expires_at=Now())

    def _acquire(self, count: int) -> None:
        is_free = Q(holder="") | Q(expires_at__lt=Now())
        free = Lease.objects.filter(is_free, consumer=self._consumer).order_by("?")
        for slot in list(free.values_list("slot", flat=True)[:count]):
            is_acquired = Lease.objects.filter(is_free, consumer=self._consumer, slot=slot).update(
                holder=self._holder, expires_at=Now() + timedelta(seconds=TTL_SECONDS), epoch=F("epoch") + 1
            )
            if is_acquired:
                self._epochs[slot] = Lease.objects.get(consumer=self._consumer, slot=slot).epoch

    def _own(self) -> QuerySet[Lease]:
        return Lease.objects.filter(consumer=self._consumer, holder=self._holder)
