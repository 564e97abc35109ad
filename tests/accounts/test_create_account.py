"""``manage.py create_account``, and what remains if it is killed on the way."""

import hashlib
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import account_index, accounts
from couch.client import couch
from couch.database import Database, Document
from storage import database_names, gregorian, locks, view_names
from tests.support.api_client import Account
from tests.support.servers import PROJECT, Service

pytestmark = pytest.mark.alone

DIE_WHILE_CREATING = """
import os, sys, django
django.setup()
from accounts import creation
creation.create({"name": "Unfinished", "realm": sys.argv[1]}, prepare=lambda account_id: os._exit(9))
"""


@pytest.fixture
def realm(couchdb: str) -> str:
    """A realm that no account has."""
    return f"{secrets.token_hex(6)}.example.com"


@pytest.fixture
def create(created_accounts: list[str]) -> Callable[..., dict[str, Any]]:
    """Runs the command and returns what it prints."""

    def run(*arguments: str) -> dict[str, Any]:
        call_command("create_account", *arguments, stdout=(output := StringIO()))
        summary: dict[str, Any] = json.loads(output.getvalue())
        created_accounts.append(summary["account_id"])
        return summary

    return run


@pytest.fixture
def config_database(couchdb: str) -> Iterator[Database]:
    """The database `system_config`, whose master account is restored afterwards."""
    database = couch().database(database_names.CONFIG)
    before = database.get("accounts")
    yield database
    after = database.get("accounts")
    if before is not None:
        database.update("accounts", lambda doc: {**before, "_rev": doc["_rev"]})
    elif after is not None:
        database.delete("accounts", after["_rev"])


def documents(account_id: str) -> tuple[Document, Document]:
    """The account's own document and its copy in the index."""
    doc = accounts.database_of(account_id).get(account_id)
    copy = account_index.database().get(account_id)
    assert doc is not None
    assert copy is not None
    return doc, copy


def test_it_prints_one_json_object(create: Callable[..., dict[str, Any]], realm: str) -> None:
    summary = create("My Account", realm.upper(), "Admin", "pass word")
    assert summary.keys() == {"account_id", "user_id", "api_key", "name", "realm"}
    assert (summary["name"], summary["realm"]) == ("My Account", realm)
    assert re.fullmatch("[0-9a-f]{64}", summary["api_key"])
    assert database_names.is_account_id(summary["account_id"])
    assert database_names.is_account_id(summary["user_id"])


def test_the_account_and_its_copy_in_the_index_are_the_same(
    create: Callable[..., dict[str, Any]], realm: str
) -> None:
    summary = create("My Account", realm, "admin", "pass word")
    doc, copy = documents(summary["account_id"])
    assert {**doc, "_rev": ""} == {**copy, "_rev": ""}
    assert doc["pvt_api_key"] == summary["api_key"]
    assert doc["pvt_tree"] == []
    assert doc["pvt_superduper_admin"] is False
    assert doc["pvt_enabled"] is True
    assert (doc["pvt_type"], doc["pvt_vsn"], doc["pvt_alphanum_name"]) == ("account", "1", "myaccount")
    assert doc["pvt_created"] == doc["pvt_modified"] <= gregorian.now()


def test_the_first_user_is_an_administrator(create: Callable[..., dict[str, Any]], realm: str) -> None:
    summary = create("My Account", realm, "Admin", "pass word")
    user = accounts.database_of(summary["account_id"]).get(summary["user_id"]) or {}
    assert (user["username"], user["priv_level"], user["enabled"]) == ("admin", "admin", True)
    assert user["pvt_md5_auth"] == hashlib.md5(b"admin:pass word").hexdigest()
    assert "pass word" not in str(user)


def test_the_databases_of_this_and_the_next_month_exist_with_their_views(
    create: Callable[..., dict[str, Any]], realm: str
) -> None:
    account_id = create("My Account", realm, "admin", "pass word")["account_id"]
    month = gregorian.month_of(gregorian.now())
    for modb_month in (month, gregorian.next_month(month)):
        modb = couch().database(database_names.modb(account_id, modb_month))
        assert modb.view(*view_names.MESSAGES_BY_MAILBOX) == []


def test_an_account_below_a_parent_has_its_ancestors_in_its_tree(
    create: Callable[..., dict[str, Any]], account: Account, realm: str
) -> None:
    child = create("Child", realm, "admin", "pass word", "--parent", account.id)
    grandchild = create("Grandchild", f"a.{realm}", "admin", "pass word", "--parent", child["account_id"])
    doc, _ = documents(grandchild["account_id"])
    assert doc["pvt_tree"] == [account.id, child["account_id"]]
    assert doc["pvt_parent_id"] == child["account_id"]


def test_only_the_first_superduper_admin_becomes_master(
    create: Callable[..., dict[str, Any]], realm: str, config_database: Database
) -> None:
    stored = config_database.get("accounts")
    if stored is not None:
        config_database.delete("accounts", stored["_rev"])
    first = create("First", realm, "admin", "pass word", "--superduper-admin")
    create("Second", f"b.{realm}", "admin", "pass word", "--superduper-admin")
    settings = config_database.get("accounts") or {}
    assert settings["default"]["master_account_id"] == first["account_id"]
    assert documents(first["account_id"])[0]["pvt_superduper_admin"] is True


def test_an_existing_master_and_other_settings_of_kazoo_stay(
    create: Callable[..., dict[str, Any]], realm: str, account: Account, config_database: Database
) -> None:
    stored = config_database.get("accounts") or {"_id": "accounts"}
    kazoo_settings = {
        **stored,
        "default": {"master_account_id": account.id, "default_timezone": "UTC"},
        "node@host": {"a": 1},
    }
    config_database.put(kazoo_settings)
    create("Another", realm, "admin", "pass word", "--superduper-admin")
    settings = config_database.get("accounts") or {}
    assert settings["default"] == kazoo_settings["default"]
    assert settings["node@host"] == {"a": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["", "x.example.com", "u", "p"], "name"),
        (["N", "x", "u", "p"], "realm"),
        (["N", "x.example.com", "", "p"], "username"),
        (["N", "x.example.com", "u", ""], "password"),
        (["N", "x.example.com", "u", "p", "--parent", "f" * 32], "f" * 32),
        (["N", "x.example.com", "u", "p", "--parent", "nonsense"], "nonsense"),
    ],
)
def test_invalid_arguments_are_refused_and_leave_nothing_behind(
    couchdb: str, arguments: list[str], message: str
) -> None:
    before = couch().names("account/")
    with pytest.raises(CommandError, match=message):
        call_command("create_account", *arguments)
    assert couch().names("account/") == before
    assert account_index.ids_with_realm("x.example.com") == []


def test_a_realm_that_another_account_has_is_refused(account: Account) -> None:
    before = couch().names("account/")
    with pytest.raises(CommandError, match="already in use"):
        call_command("create_account", "N", account.realm.upper(), "u", "p")
    assert couch().names("account/") == before


def test_of_several_processes_at_once_only_one_gets_the_realm(
    created_accounts: list[str], service: Service, realm: str
) -> None:
    command = [sys.executable, "manage.py", "create_account", "Racer", realm, "admin", "pass word"]

    def run(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=PROJECT, env=service.environment(), capture_output=True, text=True)

    with ThreadPoolExecutor(3) as pool:
        processes = list(pool.map(run, range(3)))
    assert sorted(process.returncode for process in processes) == [0, 1, 1]
    (summary,) = [json.loads(process.stdout) for process in processes if process.returncode == 0]
    created_accounts.append(summary["account_id"])
    assert account_index.ids_with_realm(realm) == [summary["account_id"]]
    assert all("realm" in process.stderr for process in processes if process.returncode)


def test_an_account_whose_creation_was_killed_is_not_listed_and_the_next_creation_deletes_it(
    create: Callable[..., dict[str, Any]], service: Service, realm: str
) -> None:
    environment = {**service.environment(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", DIE_WHILE_CREATING, realm]
    killed = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    lock = account_index.database().get(locks.lock_id(accounts.REALM_LOCK, realm))
    assert lock is not None
    unfinished = database_names.account_db(lock["account_id"])
    assert couch().exists(unfinished)
    assert account_index.database().get(lock["account_id"]) is None
    assert account_index.ids_with_realm(realm) == []
    summary = create("Finished", realm, "admin", "pass word")
    assert account_index.ids_with_realm(realm) == [summary["account_id"]]
    assert not couch().exists(unfinished)
    assert account_index.database().get(locks.lock_id(accounts.REALM_LOCK, realm)) is None
