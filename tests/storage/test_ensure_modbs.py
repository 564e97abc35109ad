"""``manage.py ensure_modbs``: every live account has databases for this and the next month."""

import subprocess
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts import account_index
from couch.client import couch
from couch.database import Database
from storage import database_names, modbs, view_names
from tests.support.api_client import Account
from tests.support.servers import PROJECT, Service

pytestmark = pytest.mark.alone


def modbs_of(account_id: str) -> list[Database]:
    return [couch().database(database_names.modb(account_id, month)) for month in modbs.months_ahead()]


def drop(account_id: str) -> None:
    for modb in modbs_of(account_id):
        couch().drop(modb.name)


def start(service: Service) -> subprocess.Popen[str]:
    """Start it as a process of its own, with empty caches."""
    command = [sys.executable, "manage.py", "ensure_modbs"]
    return subprocess.Popen(command, cwd=PROJECT, env=service.environment(), stderr=subprocess.PIPE, text=True)


def ensure(service: Service) -> str:
    """Run it and return its errors. Other accounts of the same CouchDB may be broken, which doesn't matter here."""
    return start(service).communicate(timeout=120)[1]


@pytest.fixture
def broken(created_accounts: list[str]) -> Iterator[str]:
    """The id of an account that is listed, but has no database."""
    account_id = "0" * 31 + "b"
    index = couch().database(database_names.ACCOUNTS)
    doc = index.put({"_id": account_id, "pvt_type": "account", "name": "Broken", "realm": "broken.example.com"})
    yield account_id
    index.delete(account_id, doc["_rev"])


def test_missing_databases_are_created_with_their_views(service: Service, account: Account) -> None:
    drop(account.id)
    assert account.id not in ensure(service)
    for modb in modbs_of(account.id):
        assert modb.view(*view_names.MESSAGES_BY_MAILBOX) == []
        assert modb.view(*view_names.MESSAGE_COUNTS_BY_FOLDER) == []


def test_a_second_run_changes_nothing(service: Service, account: Account) -> None:
    ensure(service)
    before = [modb.all_docs() for modb in modbs_of(account.id)]
    ensure(service)
    assert [modb.all_docs() for modb in modbs_of(account.id)] == before


def test_two_runs_at_once_do_not_disturb_each_other(service: Service, account: Account) -> None:
    drop(account.id)
    running = [start(service) for _ in range(2)]
    assert not any(account.id in process.communicate(timeout=120)[1] for process in running)
    assert all(modb.view(*view_names.MESSAGES_BY_MAILBOX) == [] for modb in modbs_of(account.id))


def test_a_deleted_account_gets_no_databases(service: Service, account: Account) -> None:
    drop(account.id)
    for database in (
        couch().database(database_names.account_db(account.id)),
        couch().database(database_names.ACCOUNTS),
    ):
        database.update(account.id, lambda doc: {**doc, "pvt_deleted": True})
    assert account.id not in ensure(service)
    assert not any(modb.exists() for modb in modbs_of(account.id))


def test_a_broken_account_is_named_and_gets_no_databases(broken: str) -> None:
    errors = StringIO()
    with pytest.raises(CommandError, match="accounts failed"):
        call_command("ensure_modbs", stdout=StringIO(), stderr=errors)
    assert broken in errors.getvalue()
    assert couch().names(database_names.account_db(broken)) == []


def test_a_broken_account_makes_the_exit_status_1_but_stops_no_other(
    broken: str, service: Service, account: Account
) -> None:
    drop(account.id)
    running = start(service)
    errors = running.communicate(timeout=120)[1]
    assert running.returncode == 1
    assert broken in errors
    assert account.id not in errors
    assert all(modb.exists() for modb in modbs_of(account.id))


def test_without_a_failure_the_exit_status_is_0(couchdb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_index, "iterate_live_ids", lambda: iter(()))
    call_command("ensure_modbs", stdout=(output := StringIO()))
    assert output.getvalue() == "0 accounts checked, 0 failed\n"
