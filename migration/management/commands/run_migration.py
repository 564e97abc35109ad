"""``manage.py run_migration``: the process of a run that an operator starts at the desk."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from migration.models import State
from migration.runs import worker


class Command(BaseCommand):
    """Executes a run that was requested at the desk."""

    help = (
        "Executes a run of the migration that was requested at the operators' desk, which starts this command itself "
        "and shows its progress. On a command line, use migrate_kazoo3."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("run", type=int, help="the run's number")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits with 0 if the run is done, else 1; CommandError if no such run waits for its process."""
        state = worker.execute_run(options["run"], os.getpid())
        if state is None:
            raise CommandError(f"There is no run {options['run']} that waits for its process.")
        if state is not State.DONE:
            sys.exit(1)
