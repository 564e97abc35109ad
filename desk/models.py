"""The operators' desk in Django's database: what its permissions are about, and the record of who did what."""

from typing import Any

from django.conf import settings
from django.db import models


class Account(models.Model):
    """Stands for the accounts in CouchDB where Django asks what a permission is about. It has no table."""

    class Meta:
        managed = False
        default_permissions = ("view", "add", "change")
        permissions = (
            ("see_api_key", "Can see an account's API key"),
            ("renew_api_key", "Can renew an account's API key"),
            ("change_retention", "Can change how long an account keeps messages"),
            ("migrate_account", "Can migrate an account's messages from Kazoo 3.x"),
            ("view_health", "Can see the state of the system"),
        )


class AccountUser(models.Model):
    """Stands for the users of accounts, who are not the desk's own. It has no table."""

    class Meta:
        managed = False
        verbose_name = "user of an account"
        verbose_name_plural = "users of accounts"


class Mailbox(models.Model):
    """Stands for the mailboxes. It has no table."""

    class Meta:
        managed = False
        verbose_name_plural = "mailboxes"
        permissions = (("see_pin", "Can see and change a mailbox's PIN"),)


class Message(models.Model):
    """Stands for the messages. It has no table."""

    class Meta:
        managed = False
        permissions = (("listen_to_message", "Can listen to messages and download them"),)


class AuditEntry(models.Model):
    """One thing that an operator did, or listened to or saw that not everybody may see."""

    time = models.DateTimeField(auto_now_add=True, db_index=True)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    action = models.CharField(max_length=40)
    account_id = models.CharField("account", max_length=32, blank=True, db_index=True)
    kind = models.CharField(max_length=20)
    document_id = models.CharField("document", max_length=250, db_index=True)
    name = models.CharField(max_length=250, blank=True, help_text="what the document was called then")
    difference: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ("-time", "-id")
        verbose_name = "recorded action"

    def __str__(self) -> str:
        return f"{self.operator} {self.action} {self.kind} {self.name or self.document_id}"
