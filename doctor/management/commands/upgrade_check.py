"""``manage.py upgrade_check``: say what this version will do to an installation, before it serves."""

import json as json_format
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat

from couch.errors import CouchError
from doctor.findings import Severity
from doctor.upgrade import UpgradePlan, plan_upgrade

_NOTHING_TO_DO, _SOMETHING_TO_DO, _IMPOSSIBLE = 0, 1, 2


class Command(BaseCommand):
    """Ends with status 0 if there is nothing to do, 1 if there is, 2 if this version can't run here."""

    help = (
        "Says what this version will change before it serves: run it from the folder of the new version, with the "
        "settings of the installation. It changes nothing. Exit status: 0 nothing to do, 1 something to do, 2 "
        "it can't run here."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        """Print the plan, and end with its status."""
        try:
            plan = plan_upgrade(self._show_progress)
        except DatabaseError as error:
            raise CommandError(f"Django's database (DATABASE_URL) doesn't answer: {error}", returncode=2) from error
        except CouchError as error:
            raise CommandError(f"CouchDB (COUCHDB_URL) doesn't answer: {error}", returncode=2) from error
        text = json_format.dumps(_plan_members(plan), indent=1) if json else "\n".join(_lines(plan))
        self.stdout.write(text)
        raise SystemExit(exit_status(plan))

    def _show_progress(self, text: str) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{text}", ending="")


def exit_status(plan: UpgradePlan) -> int:
    """The status that a plan ends the command with."""
    if plan.newer_migrations or any(finding.severity is Severity.ERROR for finding in plan.findings):
        return _IMPOSSIBLE
    return _SOMETHING_TO_DO if plan.is_needed else _NOTHING_TO_DO


def _plan_members(plan: UpgradePlan) -> dict[str, Any]:
    findings = [{"severity": each.severity, "key": each.key, "problem": each.problem} for each in plan.findings]
    return {**asdict(plan), "findings": findings, "exit_status": exit_status(plan)}


def _lines(plan: UpgradePlan) -> Iterator[str]:
    yield f"Version {plan.version}"
    for finding in plan.findings:
        yield f"  {finding.severity}: {finding.problem} {finding.advice}"
    if plan.newer_migrations:
        yield "\nA newer version has changed the tables; this one doesn't know these migrations:"
        yield from (f"  {name}" for name in plan.newer_migrations)
        yield "Take them back with the newer version first: docs/operations.md, Going back."
    yield from _table_lines(plan)
    yield from _design_lines(plan)
    if exit_status(plan) == _NOTHING_TO_DO:
        yield "Nothing to do: this version can serve at once."
    elif exit_status(plan) == _SOMETHING_TO_DO:
        yield "\nBefore it serves: a backup, then migrate and sync_views (docs/operations.md, Upgrading)."


def _table_lines(plan: UpgradePlan) -> Iterator[str]:
    if not plan.table_changes:
        return
    if plan.is_new:
        yield "\nTables, by ./manage.py migrate: all of them, as this is a new installation"
        return
    yield f"\nTables, by ./manage.py migrate: {len(plan.table_changes)} migrations"
    for change in plan.table_changes:
        yield f"  {change.name}"
        yield from (f"    {step}" for step in change.steps)
        if not change.is_understood_before:
            yield "    ! The version before can't write these tables any more: stop it first."


def _design_lines(plan: UpgradePlan) -> Iterator[str]:
    if not plan.design_changes:
        return
    yield "\nDesign documents, by ./manage.py sync_views, which waits for their indexes:"
    for change in plan.design_changes:
        size = filesizeformat(change.size).replace("\N{NO-BREAK SPACE}", " ")
        yield f"  {change.change}: {change.databases:,} databases, {change.documents:,} documents to read ({size})"
