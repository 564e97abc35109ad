"""``manage.py doctor``: say what is wrong with this installation, and what to do."""

import logging
import sys
import time
from argparse import ArgumentParser
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from doctor import examination, report
from doctor.examination import Examination
from doctor.outcome import exit_status
from doctor.scope import Scope
from doctor.subjects import DATA, SUBJECTS
from storage import database_names

_REDRAW_SECONDS = 0.1
_WIDTH = 100


class Command(BaseCommand):
    """Ends with status 0 if all is well, 1 if there are warnings, 2 if there are errors."""

    help = (
        "Says what is wrong with this installation, and what to do. Exit status: 0 all is well, 1 warnings, 2 errors."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("--deep", action="store_true", help="also read every document of the accounts")
        parser.add_argument("--account", metavar="ID", help="of accounts, look at this one only")
        parser.add_argument("--fix", action="store_true", help="repair what is safe to repair; no data is touched")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--ignore", metavar="KEY", action="append", default=[], help="leave out findings with this key"
        )

    def handle(
        self, *args: Any, deep: bool, account: str | None, fix: bool, json: bool, ignore: list[str], **options: Any
    ) -> None:
        """Print the report, and end with its status."""
        if account is not None and not database_names.is_account_id(account):
            raise CommandError(f"{account} is not an account id: 32 lower-case hex digits", returncode=2)
        progress = _Progress(sys.stderr)
        scope = Scope(account, progress.show)
        level = logging.root.manager.disable
        logging.disable(logging.CRITICAL)  # what goes wrong is in the report
        try:
            reports = Examination(scope, frozenset(ignore)).examine((*SUBJECTS, DATA) if deep else SUBJECTS)
            if fix:
                examination.repair(reports)
        finally:
            progress.clear()
            logging.disable(level)
        self.stdout.write(report.format_json(reports) if json else report.format_text(reports, self.style))
        raise SystemExit(exit_status(reports))


class _Progress:
    """A line on a terminal that says what is being looked at."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._is_shown = out, out.isatty()
        self._drawn_at = 0.0

    def show(self, text: str) -> None:
        """Redraw the line, some times a second at most."""
        if self._is_shown and time.monotonic() - self._drawn_at > _REDRAW_SECONDS:
            self._drawn_at = time.monotonic()
            self._write(f"\r{text[:_WIDTH]:<{_WIDTH}}")

    def clear(self) -> None:
        """Remove the line."""
        if self._is_shown:
            self._write(f"\r{'':<{_WIDTH}}\r")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
