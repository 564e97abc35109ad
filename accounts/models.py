"""Counts of failed sign-ins: the only data about accounts that is not in CouchDB."""

from django.db import models


class FailedSignIns(models.Model):
    """The number of failed sign-ins to an account from an address within a span of time."""

    key = models.CharField(max_length=64, primary_key=True, help_text="digest of account and address")
    count = models.PositiveIntegerField()
    ends_at = models.BigIntegerField(db_index=True, help_text="when the span ends, in seconds since 1970")

    class Meta:
        verbose_name_plural = "failed sign-ins"

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at}"
