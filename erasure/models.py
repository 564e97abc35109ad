"""Erasures: what is to be deleted for good, by whom, when, and how far that is.

No row holds anything of what is deleted: documents are known by their ids, a caller by the digest of the number.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

ID_LENGTH = 250


class Erasure(models.Model):
    """A deletion for good, from its preview to the record of it."""

    class Kind(models.TextChoices):
        """What is deleted."""

        MESSAGE = "message", _("message")
        MAILBOX = "mailbox", _("mailbox")
        USER = "user", _("user")
        ACCOUNT = "account", _("account")
        CALLER = "caller", _("messages of a caller")

    class State(models.TextChoices):
        """Where an erasure stands."""

        LISTING = "listing", _("listing what there is")
        PREVIEW = "preview", _("preview: nothing is deleted yet")
        REMOVING = "removing", _("removing")
        WAITING = "waiting", _("removed, can be undone")
        ERASING = "erasing", _("deleting for good")
        COMPACTING = "compacting", _("deleted, CouchDB frees the space")
        DONE = "done", _("deleted for good")
        HELD = "held", _("stopped: needs a decision")
        UNDOING = "undoing", _("undoing")
        UNDONE = "undone", _("undone")
        CANCELLED = "cancelled", _("cancelled")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    account_id = models.CharField(max_length=32, blank=True, db_index=True, help_text="empty: several accounts")
    account_ids: "models.JSONField[Any, Any]" = models.JSONField(
        null=True, help_text="of a caller: the accounts that are searched; null: all"
    )
    mailbox_id = models.CharField(max_length=ID_LENGTH, blank=True, help_text="of a message")
    document_id = models.CharField(max_length=ID_LENGTH, blank=True)
    numbers = models.TextField(blank=True, help_text="of a caller: encrypted, and emptied when the preview ends")
    digest = models.CharField(max_length=64, blank=True, help_text="of a caller's number")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LISTING, db_index=True)
    problem = models.TextField(blank=True)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    messages = models.PositiveBigIntegerField(default=0)
    documents = models.PositiveBigIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0, help_text="of audio, as the messages state it")
    bytes = models.PositiveBigIntegerField(default=0, help_text="of attachments")
    progress = models.PositiveBigIntegerField(default=0, help_text="documents that the present step has been at")
    lease_until = models.DateTimeField(null=True, help_text="until then, a worker has it")
    compactions: "models.JSONField[Any, Any]" = models.JSONField(default=dict, help_text="databases to compact")

    class Meta:
        default_permissions = ("view",)
        permissions = (("erase_for_good", gettext_noop("Can delete for good, and export personal data")),)
        ordering = ("-pk",)
        verbose_name = _("deletion for good")
        verbose_name_plural = _("deletions for good")

    def __str__(self) -> str:
        return f"{self.kind} {self.document_id or self.pk}"


class ErasureItem(models.Model):
    """A document that an erasure covers."""

    class Group(models.TextChoices):
        """What an operator may leave out of an erasure."""

        ALWAYS = "", _("always deleted")
        COPIES = "copies", _("copies in other mailboxes")
        MAILBOXES = "mailboxes", _("the user's mailboxes")

    class State(models.TextChoices):
        """What became of the document."""

        LISTED = "listed", _("listed")
        REMOVED = "removed", _("removed")
        ERASED = "erased", _("deleted for good")
        HELD = "held", _("changed in the meantime")
        LEFT = "left", _("left as it is")

    erasure = models.ForeignKey(Erasure, models.CASCADE, related_name="items")
    kind = models.CharField(max_length=10, help_text="message, entry, mailbox, user, API key, account or media")
    account_id = models.CharField(max_length=32)
    database = models.CharField(max_length=80)
    document_id = models.CharField(max_length=ID_LENGTH)
    mailbox_id = models.CharField(max_length=ID_LENGTH, blank=True)
    group = models.CharField(max_length=10, blank=True, choices=Group.choices)
    is_lead = models.BooleanField(default=False, help_text="whether it is soft-deleted, and restored, by itself")
    was_live = models.BooleanField(default=False)
    revision = models.CharField(max_length=80, blank=True, help_text="that it was soft-deleted in")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LISTED)
    milliseconds = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("erasure", "database", "document_id"), name="one_item_per_document"),
        )
        indexes = (models.Index(fields=("erasure", "state"), name="erasure_items"),)
