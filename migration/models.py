"""Runs of the migration from Kazoo 3.x that operators start at the desk: their progress and their reports."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from migration.progress import MESSAGE


class Operation(models.TextChoices):
    """What a run does."""

    DRY_RUN = "dry_run", gettext_lazy("Dry run")
    MIGRATE = "migrate", gettext_lazy("Migration")
    VERIFY = "verify", gettext_lazy("Verification")
    PURGE_DRY_RUN = "purge_dry_run", gettext_lazy("Dry run of purging")
    PURGE = "purge", gettext_lazy("Purging")


class State(models.TextChoices):
    """The state of a run."""

    WAITING = "waiting", gettext_lazy("waiting for its process")
    RUNNING = "running", gettext_lazy("running")
    DONE = "done", gettext_lazy("done")
    FAILED = "failed", gettext_lazy("failed")
    STOPPED = "stopped", gettext_lazy("stopped")
    INTERRUPTED = "interrupted", gettext_lazy("interrupted")


ACTIVE = (State.WAITING, State.RUNNING)


class MigrationRun(models.Model):
    """A run over one account, in a process of its own, which writes its progress here.

    Times are those of the database's clock: the process and its observers may be on different machines.
    """

    account_id = models.CharField("account", max_length=32, db_index=True)
    active_account_id = models.CharField(
        max_length=32,
        unique=True,
        null=True,
        editable=False,
        help_text="the account, while the run is active",
    )
    """Null when the run has ended. As it is unique, an account can't have two active runs."""
    account_name = models.CharField(max_length=250, help_text="the account's name at the time")
    operation = models.CharField(max_length=20, choices=Operation.choices)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    request_id = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    stop_requested = models.BooleanField(default=False)
    host = models.CharField(max_length=250, blank=True, help_text="the machine that the process runs on")
    pid = models.BigIntegerField("process", null=True)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(help_text="the last sign of life of the process")
    ended_at = models.DateTimeField(null=True)
    phase = models.CharField(max_length=40, blank=True)
    waits_for_couchdb = models.BooleanField("waits for CouchDB", default=False)
    messages_total = models.PositiveBigIntegerField(default=0, help_text="as far as is known")
    messages_done = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0, help_text="audio copied or deleted")
    seconds = models.FloatField(default=0)
    faults = models.PositiveBigIntegerField(default=0, help_text="what failed or is not as it should be")
    outcomes: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    """Counts of messages by outcome and reason: ``[[outcome, reason, count]]``."""
    greetings: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    """The same of greetings and other media."""
    remarks: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    """Sentences: accounts or mailboxes that could not be processed, and notes on the numbers."""
    error = models.TextField(blank=True, help_text="why the run failed or was interrupted")

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        verbose_name = gettext_lazy("migration from Kazoo 3.x")
        verbose_name_plural = gettext_lazy("migration from Kazoo 3.x")

    def __str__(self) -> str:
        return f"{self.get_operation_display()} of {self.account_name or self.account_id}"

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended yet."""
        return self.state in ACTIVE

    @property
    def greetings_done(self) -> int:
        """The number of greetings and other media that were looked at."""
        return sum(count for _, _, count in self.greetings)

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages_done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated time until the end; None while it can't be estimated."""
        pending = self.messages_total - self.messages_done
        return pending / self.rate if self.rate and pending > 0 else None


class MigrationRow(models.Model):
    """A line of a run's report: the outcome for one entry, message or media document."""

    run = models.ForeignKey(MigrationRun, models.CASCADE, related_name="rows")
    box_id = models.CharField(max_length=250, blank=True)
    media_id = models.CharField(max_length=250, blank=True)
    message_id = models.CharField(max_length=250, blank=True)
    outcome = models.CharField(max_length=20)
    reason = models.CharField(max_length=100, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)
    kind = models.CharField(max_length=20, default=MESSAGE, help_text="what it is about: a message or a greeting")

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        indexes = (models.Index(fields=("run", "outcome", "id"), name="rows_of_a_run_by_outcome"),)

    def __str__(self) -> str:
        return f"{self.media_id} {self.outcome}"
