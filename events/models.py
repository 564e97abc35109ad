"""Which follower reads which accounts for which consumer, how each follower is doing, and when jobs are due.

Times are those of the database's clock, since followers may be on different machines.
"""

from django.db import models


class Lease(models.Model):
    """A share of all accounts, and the follower that reads their changes for a consumer until the lease expires."""

    consumer = models.CharField(max_length=40)
    slot = models.PositiveSmallIntegerField()
    holder = models.CharField(max_length=100, blank=True)
    expires_at = models.DateTimeField()
    epoch = models.PositiveBigIntegerField(default=0)
    """Grows each time the lease changes hands."""

    class Meta:
        """A slot has one lease for each consumer."""

        constraints = [models.UniqueConstraint(fields=["consumer", "slot"], name="one_lease_per_slot")]


class FollowerState(models.Model):
    """What a follower does for a consumer."""

    consumer = models.CharField(max_length=40)
    follower = models.CharField(max_length=100)
    seen_at = models.DateTimeField()
    slots = models.PositiveSmallIntegerField(default=0)
    seconds_behind = models.FloatField(default=0)
    waiting_accounts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    """Why the last delivery failed, while that is so."""

    class Meta:
        """A follower has one row for each consumer."""

        constraints = [models.UniqueConstraint(fields=["consumer", "follower"], name="one_state_per_follower")]


class WorkerState(models.Model):
    """A worker that does jobs, and its last sign of life."""

    worker = models.CharField(max_length=64, unique=True)
    seen_at = models.DateTimeField()


class PeriodicStart(models.Model):
    """When a periodic job is to be started next."""

    name = models.CharField(max_length=40, unique=True)
    due_at = models.DateTimeField()
