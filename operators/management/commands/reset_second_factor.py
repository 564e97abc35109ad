"""``manage.py reset_second_factor NAME``: for the superuser who lost the telephone, and whom nobody else can help."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from desk.models import AuditEntry
from operators import second_factor, trail


class Command(BaseCommand):
    """Turns an operator's second factor off, and records it."""

    help = "Let an operator sign in with the password alone, until a new second factor is set up."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the operator's name."""
        parser.add_argument("name", help="the operator's user name")

    def handle(self, *_: Any, name: str, **__: Any) -> None:
        """Reset it. Raises CommandError if there is no such operator."""
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no operator {name}.")
        second_factor.turn_off(user)
        AuditEntry.objects.create(
            action=trail.RESET,
            kind=trail.KIND,
            document_id=str(user.pk),
            name=name,
            difference={"address": "manage.py on the server"},
        )
        self.stdout.write(f"{name} has no second factor any more.")
