"""``manage.py create_account``, and what is left when it dies on the way."""

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
from couch.client import Database, Document, couch
from storage import database_names, gregorian, locks, view_names
from tests.support.api_client import Account
from tests.support.servers import PROJECT, Service

DIE_WHILE_CREATING = """
import os, sys, django
django.setup()
from accounts import creation
creation.create({"name": "Unfinished", "realm": sys.argv[1]}, prepare=lambda account_id: os._exit(9))
"""


@pytest.fixture
def realm(couchdb: str) -> str:
    """A realm that nobody has."""
    return f"{secrets.token_hex(6)}.example.com"


@pytest.fixture
def create(created_accounts: list[str]) -> Callable[..., dict[str, Any]]:
    """Runs the command; what it prints."""

    def run(*arguments: str) -> dict[str, Any]:
        call_command("create_account", *arguments, stdout=(printed := StringIO()))
        made: dict[str, Any] = json.loads(printed.getvalue())
        created_accounts.append(made["account_id"])
        return made

    return run


@pytest.fixture
def master_put_back(couchdb: str) -> Iterator[Database]:
    """The database of settings, where the master account is put back as it was."""
    database = couch().database(database_names.CONFIG)
    before = database.get("accounts")
    yield database
    now = database.get("accounts")
    if before is not None:
        database.update("accounts", lambda doc: {**before, "_rev": doc["_rev"]})
    elif now is not None:
        database.delete("accounts", now["_rev"])


def documents(account_id: str) -> tuple[Document, Document]:
    own = accounts.database_of(account_id).get(account_id)
    copy = account_index.database().get(account_id)
    assert own is not None
    assert copy is not None
    return own, copy


def test_it_prints_one_json_object(create: Callable[..., dict[str, Any]], realm: str) -> None:
    made = create("My Account", realm.upper(), "Admin", "pass word")
    assert made.keys() == {"account_id", "user_id", "api_key", "name", "realm"}
    assert (made["name"], made["realm"]) == ("My Account", realm)
    assert re.fullmatch("[0-9a-f]{64}", made["api_key"])
    assert database_names.is_account_id(made["account_id"])
    assert database_names.is_account_id(made["user_id"])


def test_the_account_stands_in_both_places(create: Callable[..., dict[str, Any]], realm: str) -> None:
    made = create("My Account", realm, "admin", "pass word")
    own, copy = documents(made["account_id"])
    assert {**own, "_rev": ""} == {**copy, "_rev": ""}
    assert own["pvt_api_key"] == made["api_key"]
    assert own["pvt_tree"] == []
    assert own["pvt_superduper_admin"] is False
    assert own["pvt_enabled"] is True
    assert (own["pvt_type"], own["pvt_vsn"], own["pvt_alphanum_name"]) == ("account", "1", "myaccount")
    assert own["pvt_created"] == own["pvt_modified"] <= gregorian.now()


def test_the_first_user_is_an_administrator(create: Callable[..., dict[str, Any]], realm: str) -> None:
    made = create("My Account", realm, "Admin", "pass word")
    user = accounts.database_of(made["account_id"]).get(made["user_id"]) or {}
    assert (user["username"], user["priv_level"], user["enabled"]) == ("admin", "admin", True)
    assert user["pvt_md5_auth"] == hashlib.md5(b"admin:pass word").hexdigest()
    assert "pass word" not in str(user)


def test_this_and_next_months_databases_are_there_with_their_views(
    create: Callable[..., dict[str, Any]], realm: str
) -> None:
    account_id = create("My Account", realm, "admin", "pass word")["account_id"]
    month = gregorian.month_of(gregorian.now())
    for each in (month, gregorian.next_month(month)):
        modb = couch().database(database_names.modb(account_id, each))
        assert modb.view(*view_names.MESSAGES_BY_MAILBOX) == []


def test_below_a_parent(create: Callable[..., dict[str, Any]], account: Account, realm: str) -> None:
    child = create("Child", realm, "admin", "pass word", "--parent", account.id)
    grandchild = create("Grandchild", f"a.{realm}", "admin", "pass word", "--parent", child["account_id"])
    own, _ = documents(grandchild["account_id"])
    assert own["pvt_tree"] == [account.id, child["account_id"]]
    assert own["pvt_parent_id"] == child["account_id"]


def test_the_first_superduper_admin_becomes_master_and_no_other(
    create: Callable[..., dict[str, Any]], realm: str, master_put_back: Database
) -> None:
    stored = master_put_back.get("accounts")
    if stored is not None:
        master_put_back.delete("accounts", stored["_rev"])
    first = create("First", realm, "admin", "pass word", "--superduper-admin")
    create("Second", f"b.{realm}", "admin", "pass word", "--superduper-admin")
    settings = master_put_back.get("accounts") or {}
    assert settings["default"]["master_account_id"] == first["account_id"]
    assert documents(first["account_id"])[0]["pvt_superduper_admin"] is True


def test_a_master_and_other_settings_of_kazoos_stay(
    create: Callable[..., dict[str, Any]], realm: str, account: Account, master_put_back: Database
) -> None:
    stored = master_put_back.get("accounts") or {"_id": "accounts"}
    kazoos = {
        **stored,
        "default": {"master_account_id": account.id, "default_timezone": "UTC"},
        "node@host": {"a": 1},
    }
    master_put_back.put(kazoos)
    create("Another", realm, "admin", "pass word", "--superduper-admin")
    settings = master_put_back.get("accounts") or {}
    assert settings["default"] == kazoos["default"]
    assert settings["node@host"] == {"a": 1}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["", "x.example.com", "u", "p"], "name"),
        (["N", "x", "u", "p"], "realm"),
        (["N", "x.example.com", "", "p"], "username"),
        (["N", "x.example.com", "u", ""], "password"),
        (["N", "x.example.com", "u", "p", "--parent", "f" * 32], "f" * 32),
        (["N", "x.example.com", "u", "p", "--parent", "nonsense"], "nonsense"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(couchdb: str, arguments: list[str], told: str) -> None:
    before = couch().names("account/")
    with pytest.raises(CommandError, match=told):
        call_command("create_account", *arguments)
    assert couch().names("account/") == before
    assert account_index.ids_with_realm("x.example.com") == []


def test_a_realm_that_another_has_is_refused(account: Account) -> None:
    before = couch().names("account/")
    with pytest.raises(CommandError, match="already in use"):
        call_command("create_account", "N", account.realm.upper(), "u", "p")
    assert couch().names("account/") == before


def test_of_several_at_once_one_gets_the_realm(created_accounts: list[str], service: Service, realm: str) -> None:
    command = [sys.executable, "manage.py", "create_account", "Racer", realm, "admin", "pass word"]

    def run(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=PROJECT, env=service.environment(), capture_output=True, text=True)

    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(run, range(3)))
    assert sorted(each.returncode for each in ended) == [0, 1, 1]
    (won,) = [json.loads(each.stdout) for each in ended if each.returncode == 0]
    created_accounts.append(won["account_id"])
    assert account_index.ids_with_realm(realm) == [won["account_id"]]
    assert all("realm" in each.stderr for each in ended if each.returncode)


def test_who_died_on_the_way_is_not_listed_and_the_next_one_clears_up(
    create: Callable[..., dict[str, Any]], service: Service, realm: str
) -> None:
    environment = {**service.environment(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", DIE_WHILE_CREATING, realm]
    died = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert died.returncode == 9, died.stderr
    lock = account_index.database().get(locks.lock_id(accounts.REALM_LOCK, realm))
    assert lock is not None
    unfinished = database_names.account_db(lock["account_id"])
    assert couch().exists(unfinished)
    assert account_index.database().get(lock["account_id"]) is None
    assert account_index.ids_with_realm(realm) == []
    made = create("Finished", realm, "admin", "pass word")
    assert account_index.ids_with_realm(realm) == [made["account_id"]]
    assert not couch().exists(unfinished)
    assert account_index.database().get(locks.lock_id(accounts.REALM_LOCK, realm)) is None
