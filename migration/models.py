"""Runs of the migration from Kazoo 3.x that operators start at the desk: how each one goes, and its report."""

from typing import Any

from django.conf import settings
from django.db import models


class What(models.TextChoices):
    """What a run does."""

    DRY_RUN = "dry_run", "Dry run"
    MIGRATE = "migrate", "Migration"
    VERIFY = "verify", "Verification"
    PURGE_DRY_RUN = "purge_dry_run", "Dry run of purging"
    PURGE = "purge", "Purging"


class State(models.TextChoices):
    """How far a run is."""

    WAITING = "waiting", "waiting for its process"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    STOPPED = "stopped", "stopped"
    INTERRUPTED = "interrupted", "interrupted"


ACTIVE = (State.WAITING, State.RUNNING)


class MigrationRun(models.Model):
    """One run over one account, in a process of its own that writes here how it goes.

    Times are those of the database's clock: the process and who looks at it may be on different machines.
    """

    account_id = models.CharField("account", max_length=32, db_index=True)
    active_account_id = models.CharField(
        max_length=32,
        unique=True,
        null=True,
        editable=False,
        help_text="the account, while it is under way",
    )
    """Empty when it has ended; being unique, it keeps an account from having two runs under way at once."""
    account_name = models.CharField(max_length=250, help_text="what the account was called then")
    what = models.CharField(max_length=20, choices=What.choices)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    request_id = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    stop_asked = models.BooleanField(default=False)
    host = models.CharField(max_length=250, blank=True, help_text="the machine that its process is on")
    pid = models.BigIntegerField("process", null=True)
    asked = models.DateTimeField(help_text="when an operator asked for it")
    started = models.DateTimeField(null=True)
    heard = models.DateTimeField(help_text="when its process was last heard of")
    ended = models.DateTimeField(null=True)
    phase = models.CharField(max_length=40, blank=True)
    waits = models.BooleanField("waits for CouchDB", default=False)
    total = models.PositiveBigIntegerField(default=0, help_text="messages, as far as is known")
    done = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    faults = models.PositiveBigIntegerField(default=0, help_text="what failed, or is not as it should be")
    outcomes: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    """How many there are of each outcome and reason: ``[[outcome, reason, number]]``."""
    remarks: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    """Sentences: what could not be worked on, what to know about the numbers."""
    error = models.TextField(blank=True, help_text="why it failed or was interrupted")

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        verbose_name = "migration from Kazoo 3.x"
        verbose_name_plural = "migration from Kazoo 3.x"

    def __str__(self) -> str:
        return f"{self.get_what_display()} of {self.account_name or self.account_id}"

    @property
    def is_active(self) -> bool:
        """Whether it is under way, as far as is known."""
        return self.state in ACTIVE

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; None when nobody can tell."""
        return (self.total - self.done) / self.rate if self.rate and self.total > self.done else None


class MigrationRow(models.Model):
    """What became of one entry, message or media document in a run: a line of its report."""

    run = models.ForeignKey(MigrationRun, models.CASCADE, related_name="rows")
    box_id = models.CharField(max_length=250, blank=True)
    media_id = models.CharField(max_length=250, blank=True)
    message_id = models.CharField(max_length=250, blank=True)
    outcome = models.CharField(max_length=20)
    reason = models.CharField(max_length=100, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        indexes = (models.Index(fields=("run", "outcome", "id"), name="rows_of_a_run_by_outcome"),)

    def __str__(self) -> str:
        return f"{self.media_id} {self.outcome}"
