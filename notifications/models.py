"""The mail that an event makes: what waits to be sent, and the log of what was."""

import json
from typing import Any

from django.db import models

DOCUMENT_ID_LENGTH = 100
TEXT_LENGTH = 500


class State(models.TextChoices):
    """How far a mail is. It ends in one of the last four."""

    WAITING = "waiting"
    SENDING = "sending"
    ENDING = "ending"
    """All but the line that ends the mail is sent. From that line on, the mail server may have taken it."""
    ACCEPTED = "accepted"
    """The mail server has it. The message hasn't been put into another folder yet, if its mailbox wants that."""
    SENT = "sent"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    """A worker was killed before the mail server's last answer was stored: the mail was probably taken."""
    SKIPPED = "skipped"
    """Nothing is sent, and `error` says why."""


class Mail(models.Model):
    """A mail about an event. Rows stay for a while: they are the log, and an event that comes again finds its row."""

    event_id = models.CharField(max_length=32, unique=True)
    """Of the event, or a random one if an operator has the mail sent again. The Message-ID is made of it."""
    template = models.CharField(max_length=60)
    account_id = models.CharField(max_length=32)
    mailbox_id = models.CharField(max_length=DOCUMENT_ID_LENGTH)
    message_id = models.CharField(max_length=DOCUMENT_ID_LENGTH, blank=True)
    details_json = models.TextField(default="{}")
    """What the event says besides, as ASCII: in PostgreSQL, JSON has no NUL, as that of CouchDB may."""
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    awaits_audio = models.BooleanField(default=False)
    claim_id = models.CharField(max_length=32, blank=True)
    """The lease of the worker that has it now."""
    due_at = models.DateTimeField()
    """When it is sent; while it is being sent, when the lease ends."""
    tries = models.PositiveIntegerField(default=0)
    is_server_away = models.BooleanField(default=False)
    recipients_json = models.TextField(default="{}")
    """Of each address the `state` of its copy, and the mail server's `reply`."""
    sender = models.CharField(max_length=TEXT_LENGTH, blank=True)
    subject = models.CharField(max_length=TEXT_LENGTH, blank=True)
    error = models.CharField(max_length=TEXT_LENGTH, blank=True)
    template_error = models.CharField(max_length=TEXT_LENGTH, blank=True)
    """What is wrong with the account's template, in whose place ours was used."""
    is_by_hand = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        """Found by when they are due, and listed by account."""

        indexes = [
            models.Index(fields=["state", "due_at"], name="notifications_due"),
            models.Index(fields=["account_id", "-id"], name="notifications_of_account"),
            models.Index(fields=["message_id"], name="notifications_of_message"),
        ]

    def __str__(self) -> str:
        return f"{self.template} of {self.mailbox_id} in {self.account_id}"

    @property
    def details(self) -> dict[str, Any]:
        """What the event says besides its message and mailbox."""
        details: dict[str, Any] = json.loads(self.details_json)
        return details

    @property
    def recipients(self) -> dict[str, dict[str, str]]:
        """The addresses, and the state and reply of each."""
        recipients: dict[str, dict[str, str]] = json.loads(self.recipients_json)
        return recipients

    @recipients.setter
    def recipients(self, recipients: dict[str, dict[str, str]]) -> None:
        self.recipients_json = json.dumps(recipients)

    def addresses_in(self, *states: State) -> list[str]:
        """Return the addresses whose copies are in one of some states."""
        return [address for address, recipient in self.recipients.items() if recipient["state"] in states]

    def update_recipients(self, addresses: dict[str, str], state: State) -> None:
        """Set the state of some addresses, and of each the mail server's reply."""
        changed = {address: {"state": str(state), "reply": reply} for address, reply in addresses.items()}
        self.recipients = {**self.recipients, **changed}
