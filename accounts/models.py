"""The one thing about accounts that isn't in CouchDB: counts of failed sign-ins, which are this service's own."""

from django.db import models


class FailedSignIns(models.Model):
    """How often signing in to one account from one address failed within a span of time."""

    key = models.CharField(max_length=64, primary_key=True, help_text="digest of account and address")
    count = models.PositiveIntegerField()
    ends_at = models.BigIntegerField(db_index=True, help_text="when the span ends, in seconds since 1970")

    class Meta:
        verbose_name_plural = "failed sign-ins"

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at}"
