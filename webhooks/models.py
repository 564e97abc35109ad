"""What waits to be sent: an event for a hook, in Django's database, which all workers share."""

import json
from typing import Any

from django.db import models

MESSAGE_ID_LENGTH = 100
HOST_LENGTH = 300


class Delivery(models.Model):
    """An event that is sent for a hook, until the receiver has taken it or is given up.

    Done ones stay for a while: an event that is told again is not sent again.
    """

    hook_id = models.CharField(max_length=32)
    account_id = models.CharField(max_length=32)
    """The account of the hook, which may be above that of the event."""
    event_id = models.CharField(max_length=32)
    event_name = models.CharField(max_length=40)
    data_json = models.TextField()
    """`data` as ASCII: in PostgreSQL, JSON has no NUL and no halves of surrogate pairs, as that of CouchDB may."""
    awaited_message_id = models.CharField(max_length=MESSAGE_ID_LENGTH, blank=True, db_index=True)
    """The message whose audio the event waits for."""
    host = models.CharField(max_length=HOST_LENGTH)
    """The receiver's host and port: it gets few requests at a time."""
    tries = models.PositiveIntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    """When it is sent; while it is being sent, when another worker may take over."""
    is_sending = models.BooleanField(default=False)
    is_done = models.BooleanField(default=False)
    is_by_hand = models.BooleanField(default=False)
    """Whether an operator asked for it: it is sent even if the hook is disabled, and its attempt is always stored."""

    class Meta:
        """An event is sent for a hook once."""

        constraints = [models.UniqueConstraint(fields=["hook_id", "event_id"], name="one_delivery_per_event")]
        indexes = [
            models.Index(fields=["is_done", "due_at"], name="webhooks_due"),
            models.Index(fields=["is_done", "host"], name="webhooks_of_host"),
        ]

    def __str__(self) -> str:
        return f"{self.event_name} for {self.hook_id}"

    @property
    def data(self) -> dict[str, Any]:
        """The payload of version v1, without the hook's ``custom_data``."""
        data: dict[str, Any] = json.loads(self.data_json)
        return data
