"""Where the pages of migrations are."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy

from desk.accounts.links import account_list_crumbs, account_url
from desk.audit.log import Subject
from desk.kit.pages import Crumb
from migration.models import MigrationRun

TITLE: Any = gettext_lazy("Migration from Kazoo 3.x")


def run_url(run: MigrationRun) -> str:
    """The URL of a run's page."""
    return reverse("admin:migration_migrationrun_run", args=[run.pk])


def account_migration_url(account_id: str) -> str:
    """The URL of the page of an account's migration."""
    return reverse("admin:migration_migrationrun_account", args=[account_id])


def run_crumbs(run: MigrationRun) -> list[Crumb]:
    """The breadcrumbs of a run's page."""
    return [
        *account_list_crumbs(),
        (run.account_name, account_url(run.account_id)),
        (TITLE, account_migration_url(run.account_id)),
        (f"{run.get_operation_display()} {run.pk}", None),
    ]


def run_subject(run: MigrationRun) -> Subject:
    """The account of a run as the subject of an audit entry."""
    return Subject("account", run.account_id, run.account_id, run.account_name)
