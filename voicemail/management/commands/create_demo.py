"""``manage.py create_demo FILE``: the demo account, once."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from voicemail.demo import demo


class Command(BaseCommand):
    """Prints one JSON object: who may log in, and a box and a message to look at."""

    help = "Creates a demo account with spoken messages, unless the one that FILE tells of exists. Told of in FILE."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("file", metavar="FILE", type=Path, help="where the account's id and password are kept")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Make it, or find it."""
        self.stdout.write(json.dumps(demo(file)))
