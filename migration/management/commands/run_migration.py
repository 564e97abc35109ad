"""``manage.py run_migration``: the process of a migration that an operator starts at the desk."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from migration.models import State
from migration.runs import worker


class Command(BaseCommand):
    """Carries out a run that was asked for at the desk."""

    help = (
        "Carries out a run of the migration that was asked for at the operators' desk, which starts this by itself. "
        "How it goes is shown there. On a command line, use migrate_kazoo3."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The run."""
        parser.add_argument("run", type=int, help="the run's number")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits with 0 when it is done, 1 when it isn't; CommandError when no such run waits for its process."""
        state = worker.carry_out(options["run"], os.getpid())
        if state is None:
            raise CommandError(f"There is no run {options['run']} that waits for its process.")
        if state is not State.DONE:
            sys.exit(1)
