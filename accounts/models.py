"""What `auth.login_throttle` counts, and when API keys were used: the only data about accounts not in CouchDB."""

from django.db import models


class SignInCount(models.Model):
    """The number of failed sign-ins within a span of time; of an account, an address, or both."""

    key = models.CharField(max_length=64, primary_key=True, help_text="digest of what is counted")
    count = models.PositiveIntegerField()
    ends_at = models.BigIntegerField(db_index=True, help_text="when the span ends, in seconds since 1970")

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at}"


class KnownAddress(models.Model):
    """An address from which somebody has signed in to an account."""

    key = models.CharField(max_length=64, primary_key=True, help_text="digest of account and address")
    ends_at = models.BigIntegerField(db_index=True, help_text="when it is forgotten, in seconds since 1970")

    class Meta:
        verbose_name_plural = "known addresses"

    def __str__(self) -> str:
        return f"until {self.ends_at}"


class ApiKeyUse(models.Model):
    """The last use of an API key (`api_keys.last_use`)."""

    key_id = models.CharField(max_length=32, primary_key=True)
    account_id = models.CharField(max_length=32, db_index=True)
    used_at = models.BigIntegerField(help_text="in Gregorian seconds")
    address = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"{self.key_id} at {self.used_at}"
