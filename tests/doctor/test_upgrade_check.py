"""The command ``upgrade_check``: what a version will do to an installation before it serves."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from couch.client import Couch
from doctor.upgrade import is_understood_before
from tests.support.servers import PROJECT, Running, Service


@pytest.fixture(scope="module")
def installation(new_service: Callable[..., Service], own_couchdb: Running) -> Service:
    """An installation with a CouchDB of its own, and an account in it."""
    service = new_service(own_couchdb.url)
    service.manage("create_account", "A", "a.example.com", "admin", "pass word 1")
    service.manage("sync_views")
    return service


def upgrade_check(service: Service, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "upgrade_check", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=service.environment() | settings, capture_output=True, text=True, timeout=60
    )


def plan(service: Service) -> tuple[int, dict[str, Any]]:
    ended = upgrade_check(service, "--json")
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def test_an_installation_of_this_version_needs_nothing(installation: Service) -> None:
    ended = upgrade_check(installation)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Nothing to do" in ended.stdout


def test_tables_and_views_that_miss_are_told_and_stay_as_they_are(
    installation: Service, own_couchdb: Running
) -> None:
    installation.manage("migrate", "webhooks", "zero")
    couchdb = Couch(own_couchdb.url, connect_timeout=3, read_timeout=30)
    (name,) = [name for name in couchdb.names("account/") if "-" not in name]
    account = couchdb.database(name)
    (row, *_) = account.all_docs(startkey="_design/vmboxes_", endkey="_design/vmboxes_~", include_docs=True)
    design, view = row["doc"], sorted(row["doc"]["views"])[0]
    account.put_design({**design, "views": {**design["views"], view: {"map": "function(doc) {}"}}})
    status, members = plan(installation)
    assert status == 1
    assert {change["name"].split(".")[0] for change in members["table_changes"]} == {"webhooks"}
    assert any("Create model" in step for change in members["table_changes"] for step in change["steps"])
    (change,) = members["design_changes"]
    assert change["change"] == f"update {design['_id']}: {view}"
    assert change["databases"] == 1
    assert change["documents"] > 0
    assert plan(installation) == (1, members)
    text = upgrade_check(installation).stdout
    assert "./manage.py migrate" in text
    installation.manage("migrate")
    installation.manage("sync_views")
    assert plan(installation)[0] == 0


def test_tables_of_a_newer_version_are_refused(installation: Service) -> None:
    with sqlite3.connect(installation.tables) as tables:
        values = ("webhooks", "0999_of_the_future", "2026-11-01")
        tables.execute("INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, ?)", values)
    status, members = plan(installation)
    assert (status, members["newer_migrations"]) == (2, ["webhooks.0999_of_the_future"])
    assert "Going back" in upgrade_check(installation).stdout
    with sqlite3.connect(installation.tables) as tables:
        tables.execute("DELETE FROM django_migrations WHERE name = ?", values[1:2])


def test_a_couchdb_that_is_away_is_told(installation: Service) -> None:
    ended = upgrade_check(installation, COUCHDB_URL="http://u:p@127.0.0.1:9")
    assert ended.returncode == 2
    assert "CouchDB (COUCHDB_URL) doesn't answer" in ended.stderr


@pytest.mark.parametrize(
    ("operation", "is_understood"),
    [
        (migrations.CreateModel("New", []), True),
        (migrations.AddField("log", "note", models.TextField(null=True)), True),
        (migrations.AddField("log", "note", models.TextField(db_default="")), True),
        (migrations.AddField("log", "note", models.TextField(default="")), False),
        (migrations.RemoveField("log", "note"), False),
        (migrations.RenameField("log", "note", "text"), False),
        (migrations.SeparateDatabaseAndState(database_operations=[migrations.DeleteModel("Log")]), False),
    ],
)
def test_the_version_before_writes_tables_whose_new_columns_may_be_empty(
    operation: Operation, is_understood: bool
) -> None:
    assert is_understood_before(operation) is is_understood
