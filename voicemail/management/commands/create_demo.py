"""``manage.py create_demo FILE``: the demo account, created once."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from voicemail import demo


class Command(BaseCommand):
    """Print one JSON object: who may log in, and a mailbox and a message to look at."""

    help = "Creates a demo account with spoken messages, unless the account that FILE describes exists."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the command line's arguments."""
        parser.add_argument("file", metavar="FILE", type=Path, help="where the account's id and password are kept")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Get or create the account."""
        self.stdout.write(json.dumps(demo.get_or_create(file)))
