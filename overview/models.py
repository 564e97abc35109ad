"""The figures of the overview, as they were when they were collected.

They are kept per account and added up where they are shown: an operator may be limited to some accounts. Rows of
`DayFigures` without an account hold the sums over all, since most operators see all.
"""

from typing import Any

from django.db import models


class AccountFigures(models.Model):
    """An account's databases: how large they are, and what they lack."""

    account_id = models.CharField(max_length=32, primary_key=True)
    name = models.CharField(max_length=250)
    bytes_on_disk = models.PositiveBigIntegerField(default=0, db_index=True)
    messages = models.PositiveBigIntegerField(default=0, db_index=True)
    """Messages of the last 30 days."""
    lacking_views: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    """The months of the MODbs that lack views; ``account`` stands for the account's own database."""
    missing_months: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    """This month or the next one, if the account has no MODb of it."""
    problem = models.CharField(max_length=300, blank=True)
    """Why the account could not be read."""
    is_lacking = models.BooleanField(default=False, db_index=True)
    """Whether any of these three says something."""
    databases: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    """By month, ``""`` for the account's own: ``[state, lacks views]``. In the same state, nothing has changed."""
    views_version = models.CharField(max_length=40, blank=True)
    """Of the design documents that the databases were compared with."""
    examined_at = models.DateTimeField()
    """When all was read that is otherwise read again only where something has changed."""
    collected_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"figures of {self.name}"


class DayFigures(models.Model):
    """How many messages an account got on a day, UTC, and how large its databases were then."""

    account_id = models.CharField(max_length=32, blank=True)
    """Empty for the sums over all accounts."""
    day = models.DateField(db_index=True)
    messages = models.PositiveBigIntegerField(default=0)
    bytes_on_disk = models.PositiveBigIntegerField(null=True)
    """None for days before the first collection."""

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("account_id", "day"), name="one_day_of_an_account"),)

    def __str__(self) -> str:
        return f"{self.day} of {self.account_id or 'all accounts'}"


class Finding(models.Model):
    """What somebody should look at in an account."""

    class Kind(models.TextChoices):
        """What it is about."""

        FULL_MAILBOX = "full_mailbox"
        """A mailbox takes no more messages: `number` of `reference`."""
        FAILED_WEBHOOK = "failed_webhook"
        """`number` events could not be sent for a webhook, the latest one at `at`."""
        ODD_DAY = "odd_day"
        """An account got `number` messages on `day`, and `reference` on a usual one."""

    kind = models.CharField(max_length=20, choices=Kind.choices)
    account_id = models.CharField(max_length=32, db_index=True)
    document_id = models.CharField(max_length=250, blank=True)
    name = models.CharField(max_length=250)
    number = models.PositiveBigIntegerField()
    reference = models.PositiveBigIntegerField(default=0)
    day = models.DateField(null=True)
    at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("kind", "account_id"), name="findings_of_a_kind"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.name}"


class Collection(models.Model):
    """The collection that is under way or was the last one. There is one row.

    Times are those of the database's clock: the process and its observers may be on different machines.
    """

    started_at = models.DateTimeField(null=True)
    """None if none is under way."""
    cursor = models.CharField(max_length=250, blank=True)
    """The id of the account to go on with."""
    accounts_done = models.PositiveIntegerField(default=0)
    holder = models.CharField(max_length=32, blank=True)
    """The lease of the process that collects."""
    lease_until = models.DateTimeField()
    collected_at = models.DateTimeField(null=True)
    """When the last complete collection ended; None before the first one."""
    seconds = models.FloatField(default=0)
    """How long that took."""
    error = models.CharField(max_length=300, blank=True)
    """Why the last attempt ended early."""
    system: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    """What concerns no account: ``version``, ``is_embedded``, ``nodes``, ``missing_nodes``, ``lacking_databases``."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"collection of {self.collected_at}"
