"""The table of entries, in Django's database: who did what, when, by which request, and what differs since."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Entry(models.Model):
    """A change made at the desk or over the API, a message heard, a secret revealed, or a sign-in, refused or not."""

    class Source(models.TextChoices):
        """Where it was done."""

        DESK = "desk", _("desk")
        API = "api", _("API")

    record_id = models.CharField(
        max_length=32, unique=True, null=True, editable=False, help_text="by which an entry is stored once"
    )
    time = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    source = models.CharField(_("source"), max_length=4, choices=Source, default=Source.DESK)
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("operator"),
        help_text="none for what was done over the API, and for a refused sign-in under a name that nobody has",
    )
    actor_account_id = models.CharField(max_length=32, blank=True, help_text="the account of the API's caller")
    actor_user_id = models.CharField(max_length=32, blank=True, help_text="empty if an API key signed in")
    actor_name = models.CharField(max_length=150, blank=True, help_text="the caller's user name at the time")
    impersonator = models.CharField(
        max_length=65, blank=True, help_text="who acted as the caller: the ids of account and user, with a slash"
    )
    action = models.CharField(_("action"), max_length=40)
    account_id = models.CharField(_("account"), max_length=32, blank=True, db_index=True)
    kind = models.CharField(_("kind"), max_length=20)
    document_id = models.CharField(_("document"), max_length=250, db_index=True)
    container_id = models.CharField(max_length=250, blank=True, help_text="of a message: its mailbox")
    name = models.CharField(_("name"), max_length=250, blank=True, help_text="the document's name at the time")
    document_count = models.PositiveIntegerField(default=1)
    difference: "models.JSONField[Any, Any]" = models.JSONField(_("difference"), default=dict, blank=True)
    request_id = models.CharField(_("request id"), max_length=64, blank=True, db_index=True)
    request = models.CharField(_("request"), max_length=400, blank=True, help_text="its method and path")
    address = models.CharField(_("address"), max_length=100, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-time", "-id")
        db_table = "audit_entry"

    def __str__(self) -> str:
        return f"{self.operator or self.actor_name} {self.action} {self.kind} {self.name or self.document_id}"


class EntryDocument(models.Model):
    """One of the documents of an entry that is about several: `document_id` of the entry is empty then."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="documents")
    document_id = models.CharField(max_length=250, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.document_id
