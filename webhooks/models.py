"""What waits to be sent: an event for a hook, in Django's database, which all workers share."""

from typing import Any

from django.db import models


class Delivery(models.Model):
    """An event that is sent for a hook, until the receiver has taken it or is given up.

    Done ones stay for a while: an event that is told again is not sent again.
    """

    hook_id = models.CharField(max_length=32)
    account_id = models.CharField(max_length=32)
    """The account of the hook, which may be above that of the event."""
    event_id = models.CharField(max_length=32)
    event_name = models.CharField(max_length=40)
    data: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    """The payload of version v1, without the hook's ``custom_data``."""
    awaited_message_id = models.CharField(max_length=60, blank=True, db_index=True)
    """The message whose audio the event waits for."""
    host = models.CharField(max_length=300)
    """The receiver's host and port: it gets few requests at a time."""
    tries = models.PositiveIntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    """When it is sent; while it is being sent, when another worker may take over."""
    is_sending = models.BooleanField(default=False)
    is_done = models.BooleanField(default=False)
    is_by_hand = models.BooleanField(default=False)
    """Whether an operator wants it to be sent: the attempt is stored, whatever comes of it."""

    class Meta:
        """An event is sent for a hook once."""

        constraints = [models.UniqueConstraint(fields=["hook_id", "event_id"], name="one_delivery_per_event")]
        indexes = [
            models.Index(fields=["is_done", "due_at"], name="webhooks_due"),
            models.Index(fields=["is_done", "host"], name="webhooks_of_host"),
        ]

    def __str__(self) -> str:
        return f"{self.event_name} for {self.hook_id}"
